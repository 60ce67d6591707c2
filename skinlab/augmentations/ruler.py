"""`skinlab.augmentations.Ruler`: a scale along an edge of the image, so that a network learns to see past it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from albumentations import ImageOnlyTransform

from skinlab.augmentations.overlay import Image, canvas, fraction, lay_over, number, span
from skinlab.drawing import Float, draw_lines

_EDGES = 4
_LARGEST_TILT = 45
_INK = np.array([22.0, 22.0, 26.0])
_STRIP = np.array([226.0, 226.0, 220.0])
_MARKS = (0.55, 0.8, 1.0)  # lengths of the marks for 1, 5 and 10 mm, over that of the longest
_THICKNESS = 0.08  # of a mark, over the distance between two
_SHADES = (0.75, 1.05)


class Ruler(ImageOnlyTransform):  # type: ignore[misc]  # albumentations is not typed
    """Millimetre marks along one edge, as etched into a dermoscope or printed on a strip that covers the skin.

    Rulers lie beside suspicious lesions more often than beside others, and a network may learn them in place of the
    lesion (Narla et al., J Invest Dermatol 138, 2018; Bissoto et al., "Debiasing Skin Lesion Datasets and Models? Not
    So Fast", CVPR Workshops 2020). Drawn over images of every class, they tell nothing. Lengths are fractions of the
    image's shorter side.

    Args:
        spacing: distance of two marks, a fraction of the shorter side, [from, to].
        length: of the longest marks, a fraction of the shorter side, [from, to].
        tilt: largest angle between ruler and edge, in degrees, 0 to 45.
        opacity: of marks and strip, [from, to].
        strip: probability that the marks are on a light strip; else on the skin.
        p: probability that an image has one.
    """

    def __init__(
        self,
        spacing: Sequence[float] = (0.04, 0.1),
        length: Sequence[float] = (0.05, 0.12),
        tilt: float = 6,
        opacity: Sequence[float] = (0.6, 0.95),
        strip: float = 0.4,
        p: float = 0.5,
    ) -> None:
        super().__init__(p=fraction("Ruler: p", p))
        self.spacing = span("Ruler: spacing", spacing, 0.01, 0.5)
        self.length = span("Ruler: length", length, 0, 0.5)
        self.tilt = number("Ruler: tilt", tilt, _LARGEST_TILT)
        self.opacity = span("Ruler: opacity", opacity, 0, 1)
        self.strip = fraction("Ruler: strip", strip)

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Draws the ruler: everything random happens here, from the transform's own generator."""
        rng = self.random_generator
        edge = int(rng.integers(_EDGES))
        marks, strip = (np.rot90(canvas(*params["shape"][:2]), edge) for _ in range(2))
        marks, strip = np.ascontiguousarray(marks), np.ascontiguousarray(strip)  # with the ruler's edge at the bottom
        unit = min(marks.shape)
        spacing, length = rng.uniform(*self.spacing) * unit, rng.uniform(*self.length) * unit
        angle = np.radians(rng.uniform(-self.tilt, self.tilt))
        offset, first = rng.uniform(0, spacing), int(rng.integers(10))
        strength = round(255 * rng.uniform(*self.opacity))
        lines = _marks(marks.shape[1], spacing, length, offset, first)
        lines = [_turned(line, angle, marks.shape) for line in lines]
        draw_lines(marks, lines, max(1, round(_THICKNESS * spacing)), strength)
        if rng.random() < self.strip:
            _draw_strip(strip, length * 1.5, angle, strength)
        shade = rng.uniform(*_SHADES)
        return {"marks": np.rot90(marks, -edge), "strip": np.rot90(strip, -edge), "shade": shade}

    def apply(self, img: Image, marks: Image, strip: Image, shade: float, **params: Any) -> Image:
        """The image under the ruler."""
        return lay_over(lay_over(img, strip, _STRIP * shade), marks, _INK)


def _marks(width: int, spacing: float, length: float, offset: float, first: int) -> list[Float]:
    """Marks above y = 0, upwards being negative; they reach beyond both sides, for a ruler that is tilted."""
    marks = []
    for millimetre, x in enumerate(np.arange(offset - width / 4, width * 5 / 4, spacing), first):
        kind = 2 if millimetre % 10 == 0 else 1 if millimetre % 5 == 0 else 0
        marks.append(np.array([[x, 0.0], [x, -length * _MARKS[kind]]]))
    return marks


def _turned(path: Float, angle: float, shape: tuple[int, ...]) -> Float:
    """A path above y = 0, brought to the bottom edge of the image and turned around the middle of that edge."""
    height, width = shape[:2]
    x, y = path[:, 0] - width / 2, path[:, 1]
    turned = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1)
    placed: Float = turned + np.array([width / 2, height])
    return placed


def _draw_strip(ink: Image, length: float, angle: float, strength: int) -> None:
    """A band of this height along the bottom edge."""
    import cv2

    height, width = ink.shape
    band = np.array([[-width, height], [2 * width, height], [2 * width, -length], [-width, -length]])
    cv2.fillConvexPoly(ink, np.rint(_turned(band, angle, ink.shape)).astype(np.int32), strength, cv2.LINE_AA)
