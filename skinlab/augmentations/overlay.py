"""What lies over the skin: fine ink on an image of any size, and the parameters of transforms that draw it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHARP = 900
"""Shorter side in pixels at which ink is drawn, about: an image of fewer has lines thinner than a pixel."""

Image = NDArray[np.uint8]


def canvas(height: int, width: int) -> Image:
    """Empty ink for an image of this size: uint8, a whole multiple of it."""
    factor = max(1, round(SHARP / min(height, width)))
    return np.zeros((height * factor, width * factor), dtype=np.uint8)


def lay_over(image: Image, ink: Image, colour: NDArray[np.float64]) -> Image:
    """The image under ink of one colour.

    Args:
        image: uint8 [H, W, 3], RGB.
        ink: from `canvas`, 0 (nothing) to 255 (covered).
        colour: float64 [3], RGB, 0 to 255.

    Returns:
        uint8 [H, W, 3].
    """
    import cv2

    height, width = image.shape[:2]
    cover = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    mixed: Image = np.rint(image + cover * (colour.astype(np.float32) - image)).astype(np.uint8)
    return mixed


def counts(name: str, value: Sequence[int], low: int, high: int) -> tuple[int, int]:
    """Like `span`, of whole numbers."""
    first, last = span(name, value, low, high)
    if (int(first), int(last)) != (first, last):
        raise ValueError(f"{name} must be two whole numbers, not {value}")
    return int(first), int(last)


def span(name: str, value: Sequence[float], low: float, high: float) -> tuple[float, float]:
    """A declared range, checked.

    Raises:
        ValueError: it is not two numbers between `low` and `high`, the smaller first.

    >>> span("Hair: opacity", [0.5, 0.9], 0, 1)
    (0.5, 0.9)
    """
    numbers = list(value) if isinstance(value, list | tuple) else []
    if len(numbers) != len(("from", "to")) or not all(type(number) in (int, float) for number in numbers):
        raise ValueError(f"{name} must be two numbers, [from, to], not {value}")
    first, last = numbers
    if not low <= first <= last <= high:
        raise ValueError(f"{name} must be two numbers from {low:g} to {high:g}, the smaller first, not {value}")
    return first, last


def fraction(name: str, value: float) -> float:
    """A declared probability, checked.

    Raises:
        ValueError: it is not between 0 and 1.
    """
    return number(name, value, 1)


def number(name: str, value: float, high: float) -> float:
    """A declared number, checked.

    Raises:
        ValueError: it is not between 0 and `high`.
    """
    if type(value) not in (int, float) or not 0 <= value <= high:
        raise ValueError(f"{name} must be a number from 0 to {high:g}, not {value}")
    return value
