"""Thin lines with smooth edges: what hairs and rulers are drawn with, in phantoms and over photographs.

Knows no random numbers, no colours and no units but pixels.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

SMOOTH_EDGE = 1
"""What the smooth edge adds to the thickness of a line, in pixels, about."""

_SUBPIXEL_BITS = 4
_POINTS = 16


def bent_line(middle: Float, angle: float, length: float, bend: float) -> Float:
    """A line bent to an arc.

    Args:
        middle: float64 [2], its middle before it is bent.
        angle: direction there, in radians.
        length: of the straight line; any unit.
        bend: how far the middle is from the straight line between the ends, over the length.

    Returns:
        float64 [points, 2], x and y, in the unit of `middle` and `length`.
    """
    along = np.array([np.cos(angle), np.sin(angle)])
    across = bend * length * np.array([-along[1], along[0]])
    step = np.linspace(-0.5, 0.5, _POINTS)[:, None]
    path: Float = middle + step * length * along + (step**2 - 0.125) * 4 * across
    return path


def draw_lines(ink: NDArray[np.uint8], paths: Sequence[Float], thickness: int, strength: int = 255) -> None:
    """Draws lines into `ink`, uint8 [H, W].

    Args:
        ink: what is covered: 0 nothing, 255 all of a pixel.
        paths: each float64 [points, 2], x and y in pixels; 0, 0 is the centre of the first pixel.
        thickness: in pixels, at least 1, without the smooth edge.
        strength: cover of a pixel that lies inside a line, 0 to 255.
    """
    import cv2

    corners = [np.rint(path * 2**_SUBPIXEL_BITS).astype(np.int32) for path in paths]
    cv2.polylines(
        ink,
        corners,
        isClosed=False,
        color=strength,
        thickness=thickness,
        lineType=cv2.LINE_AA,
        shift=_SUBPIXEL_BITS,
    )
