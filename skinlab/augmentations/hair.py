"""`skinlab.augmentations.Hair`: hairs over the image, so that a network learns to see past them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from albumentations import ImageOnlyTransform
from numpy.typing import NDArray

from skinlab.augmentations.overlay import Image, canvas, counts, fraction, lay_over, span
from skinlab.drawing import SMOOTH_EDGE, bent_line, draw_lines

_DARK, _LIGHT = np.array([56.0, 38.0, 28.0]), np.array([222.0, 206.0, 182.0])  # RGB: brown to black; grey to blond
_SHADES = (0.5, 1.1)
_TURN, _BEND = 0.5, 0.15  # spread of the directions of one person's hairs, in radians; and of their curvature


class Hair(ImageOnlyTransform):  # type: ignore[misc]  # albumentations is not typed
    """Thin, slightly bent hairs of one person: one colour, one main direction, drawn with smooth edges.

    Hair is the commonest thing over a lesion in dermoscopy (Lee et al., "DullRazor", Comput Biol Med 27, 1997);
    simulating it is established for testing its removal (Mirzaalian et al., IEEE Trans Image Process 23, 2014). Lengths
    are fractions of the image's shorter side: a dermoscope shows about 10 to 20 mm, and hairs that are seen in it are
    0.05 to 0.12 mm thick.

    Args:
        count: how many hairs, [from, to].
        width: of each hair, a fraction of the shorter side, [from, to].
        length: of each hair, a fraction of the shorter side, [from, to].
        opacity: of each hair, [from, to].
        light: probability that they are light; else dark.
        p: probability that an image has any.
    """

    def __init__(
        self,
        count: Sequence[int] = (3, 24),
        width: Sequence[float] = (0.003, 0.008),
        length: Sequence[float] = (0.3, 0.9),
        opacity: Sequence[float] = (0.6, 0.95),
        light: float = 0.2,
        p: float = 0.5,
    ) -> None:
        super().__init__(p=fraction("Hair: p", p))
        self.count = counts("Hair: count", count, 1, 1000)
        self.width = span("Hair: width", width, 0, 0.1)
        self.length = span("Hair: length", length, 0, 2)
        self.opacity = span("Hair: opacity", opacity, 0, 1)
        self.light = fraction("Hair: light", light)

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
        """Draws the hairs: everything random happens here, from the transform's own generator."""
        rng = self.random_generator
        ink = canvas(*params["shape"][:2])
        colour = (_LIGHT if rng.random() < self.light else _DARK) * rng.uniform(*_SHADES)
        direction = rng.uniform(0, 2 * np.pi)
        for _ in range(rng.integers(self.count[0], self.count[1] + 1)):
            self._draw_one(ink, direction)
        return {"ink": ink, "colour": colour.clip(0, 255)}

    def _draw_one(self, ink: Image, direction: float) -> None:
        rng, (height, width) = self.random_generator, ink.shape
        path = bent_line(
            rng.uniform(0, 1, 2) * (width, height),
            angle=direction + rng.normal(0, _TURN),
            length=rng.uniform(*self.length) * min(height, width),
            bend=rng.normal(0, _BEND),
        )
        thickness = max(1, round(rng.uniform(*self.width) * min(height, width) - SMOOTH_EDGE))
        draw_lines(ink, [path], thickness, strength=round(255 * rng.uniform(*self.opacity)))

    def apply(self, img: Image, ink: Image, colour: NDArray[np.float64], **params: Any) -> Image:
        """The image under the hairs."""
        return lay_over(img, ink, colour)
