"""What a lesion looks like: its ABCD signs, and outline and colours that show them.

Everything here belongs to the lesion and is shared by all its phantoms; lengths are in mm, angles in radians, colours
RGB in 0..1. The signs are those of Stolz et al., ABCD rule of dermatoscopy, Eur J Dermatol 4 (1994), with the
diameter of the clinical rule in place of differential structures.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skinlab.data.phantoms.spec import PhantomSpec, Stream, generator, plan

Float = npt.NDArray[np.float64]

DIAMETERS = (3.0, 9.0)
"""Range of lesion diameters; the clinical rule suspects from 6 mm."""

BROWNS = np.array([[0.62, 0.40, 0.25], [0.43, 0.25, 0.15]])
PALETTE = np.array([*BROWNS, [0.15, 0.11, 0.10], [0.64, 0.29, 0.25], [0.40, 0.43, 0.50], [0.86, 0.77, 0.73]])
"""The six colours of the rule: light brown, dark brown, black, red, blue-grey, white."""

_OVERLAP_FREE = 0.4
_BORDER_WAVES = np.arange(6, 12)
_NOISE_CELLS = 24
_TWO_PI = 2 * np.pi


@dataclass(frozen=True)
class Signs:
    """The ABCD criteria of a lesion; `asymmetry` and `border` from 0 (regular) to 1, `diameter` in mm."""

    asymmetry: float
    border: float
    colours: int
    diameter: float


@dataclass(frozen=True)
class Lesion:
    """One lesion, in its own frame: origin at its centre, unit mm."""

    signs: Signs
    phases: Float  # [3]: ellipse, bulge, notch
    border_phases: Float  # [waves]
    border_weights: Float  # [waves], mean square 1
    colours: Float  # [colours, 3], the first is the ground colour
    patch_centres: Float  # [colours - 1, 2], in radii
    patch_radii: Float  # [colours - 1], in radii
    noise: npt.NDArray[np.float32]  # [cells, cells, 3]: outline of patches, mottling, pigment network


def lesion(spec: PhantomSpec, index: int) -> Lesion:
    """The lesion number `index` of a data set; a function of its arguments alone."""
    rng = generator(spec.seed, Stream.LESION, index)
    signs = draw_signs(rng, bool(plan(spec).malignant[index]), spec.difficulty)
    weights = rng.uniform(0.4, 1.0, _BORDER_WAVES.size)
    patches = signs.colours - 1
    angles = rng.uniform(0, _TWO_PI) + _TWO_PI * (np.arange(patches) + rng.uniform(-0.25, 0.25, patches)) / max(
        patches, 1
    )
    distances = rng.uniform(0.4, 0.65, patches)
    return Lesion(
        signs=signs,
        phases=rng.uniform(0, _TWO_PI, 3),
        border_phases=rng.uniform(0, _TWO_PI, _BORDER_WAVES.size),
        border_weights=weights / np.sqrt(np.mean(weights**2)),
        colours=_colours(rng, signs.colours),
        patch_centres=np.stack([distances * np.cos(angles), distances * np.sin(angles)], axis=1),
        patch_radii=rng.uniform(0.32, 0.45, patches),
        noise=rng.standard_normal((_NOISE_CELLS, _NOISE_CELLS, 3)).astype(np.float32),
    )


def draw_signs(rng: np.random.Generator, malignant: bool, difficulty: float) -> Signs:
    """The criteria of a lesion of this class.

    Each criterion is uniform on a band of 0..1: benign on the lower, malignant on the upper. At difficulty 0 the bands
    [0, 0.4] and [0.6, 1] leave a gap, with it they grow towards each other, and at 1 both are [0, 1].
    """
    width = _OVERLAP_FREE + (1 - _OVERLAP_FREE) * difficulty
    asymmetry, border, colours, diameter = rng.uniform(0, width, 4) + (1 - width if malignant else 0)
    return Signs(
        asymmetry=float(asymmetry),
        border=float(border),
        colours=1 + min(int(colours * len(PALETTE)), len(PALETTE) - 1),
        diameter=float(DIAMETERS[0] + diameter * (DIAMETERS[1] - DIAMETERS[0])),
    )


def _colours(rng: np.random.Generator, count: int) -> Float:
    """`count` different colours, a brown first; strength and hue differ from lesion to lesion."""
    ground = int(rng.integers(len(BROWNS)))
    others = rng.permutation([i for i in range(len(PALETTE)) if i != ground])[: count - 1]
    strength = rng.uniform(0.85, 1.2)
    tint = rng.normal(1.0, 0.03, 3)
    return np.clip(PALETTE[[ground, *others]] * strength * tint, 0.0, 1.0)


def outline(shape: Lesion, angle: Float) -> Float:
    """Distance of the border from the centre at these angles, in mm; the enclosed area is that of the diameter."""
    around = np.linspace(0, _TWO_PI, 360, endpoint=False)
    scale = float(shape.signs.diameter / 2 / np.sqrt(np.mean(_relative_outline(shape, around) ** 2)))
    return scale * _relative_outline(shape, angle)


def _relative_outline(shape: Lesion, angle: Float) -> Float:
    """`outline` up to a factor."""
    asymmetry, border = shape.signs.asymmetry, shape.signs.border
    ellipse, bulge, notch = shape.phases
    radius: Float = 1 + 0.07 * np.cos(2 * (angle - ellipse))
    radius += 0.75 * asymmetry * np.exp(5.0 * (np.cos(angle - bulge) - 1))
    radius -= 0.40 * asymmetry * np.exp(7.0 * (np.cos(angle - notch) - 1))
    waves = (np.cos(_BORDER_WAVES * (angle[..., None] + shape.border_phases)) * shape.border_weights).sum(axis=-1)
    radius += 0.065 * border * waves
    return radius.clip(0.15)


def paint(shape: Lesion, x: Float, y: Float) -> tuple[Float, Float]:
    """The lesion at points of its own frame.

    Args:
        shape: the lesion.
        x: [rows, columns] in mm.
        y: [rows, columns] in mm.

    Returns:
        cover [rows, columns] in 0..1 and colour [rows, columns, 3].
    """
    radius = outline(shape, np.arctan2(y, x))
    distance = np.hypot(x, y)
    blur = 0.16 - 0.10 * shape.signs.border  # a malignant border breaks off abruptly
    cover = _sigmoid((radius - distance) / blur)
    noise = _noise(shape, x, y)
    colour = np.broadcast_to(shape.colours[0], (*x.shape, 3)).copy()
    size = shape.signs.diameter / 2
    for centre, reach, tone in zip(shape.patch_centres, shape.patch_radii, shape.colours[1:], strict=True):
        away = np.hypot(x / size - centre[0], y / size - centre[1])
        share = _sigmoid((reach + 0.10 * noise[..., 0] - away) / 0.05)[..., None]
        colour += share * (tone - colour)
    mottling = 1 + 0.04 * noise[..., 1] + 0.07 * noise[..., 2] - 0.10 * np.exp(-((distance / size) ** 2))
    return cover, colour * mottling[..., None]


def _noise(shape: Lesion, x: Float, y: Float) -> Float:
    """Three smooth fields of the lesion's frame, from coarse to fine: [rows, columns, 3]."""
    import cv2

    fields = [
        cv2.remap(
            np.ascontiguousarray(shape.noise[..., i]),
            (x / cell + _NOISE_CELLS / 2).astype(np.float32),
            (y / cell + _NOISE_CELLS / 2).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        for i, cell in enumerate((0.9, 0.6, 0.3))
    ]
    return np.stack(fields, axis=-1).astype(np.float64)


def _sigmoid(value: Float) -> Float:
    return 1 / (1 + np.exp(-np.clip(value, -30, 30)))
