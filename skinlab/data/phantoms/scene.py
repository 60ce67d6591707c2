"""What surrounds a lesion in a photograph: skin, light, hair, ruler, dermoscope rim, sensor noise.

All of it is drawn anew for each phantom and independently of the class, so that a network which relies on it is wrong.
Lengths are in mm, colours RGB in 0..1.
"""

import numpy as np
import numpy.typing as npt

from skinlab.data.phantoms.lesion import Float, lesion, paint
from skinlab.data.phantoms.spec import PhantomSpec, Stream, generator, plan
from skinlab.drawing import bent_line, draw_lines

FIELD = 14.0
"""Width of the photograph, in mm."""

_SKIN = np.array([[0.95, 0.80, 0.73], [0.87, 0.68, 0.57], [0.72, 0.53, 0.42]])
_HAIRY, _RULED, _RIMMED = 0.5, 1 / 3, 0.3  # fractions of the pictures with hair, ruler, visible rim
_EDGES = (  # a mark at (along, inward) of each edge: bottom, right, top, left
    lambda mark: mark,
    lambda mark: mark[:, ::-1],
    lambda mark: -mark,
    lambda mark: -mark[:, ::-1],
)


def draw(spec: PhantomSpec, index: int) -> npt.NDArray[np.uint8]:
    """The phantom number `index` of a data set.

    Args:
        spec: what is drawn.
        index: 0 to spec.images - 1.

    Returns:
        uint8 [draw_size, draw_size, 3], RGB; a function of the arguments alone.

    Example:
        >>> spec = PhantomSpec(seed=0, images=8, draw_size=64, malignant_fraction=0.5, difficulty=0.2,
        ...                    images_per_lesion=1.0)
        >>> draw(spec, 3).shape, bool((draw(spec, 3) == draw(spec, 3)).all())
        ((64, 64, 3), True)
    """
    rng = generator(spec.seed, Stream.SCENE, index)
    size = spec.draw_size
    x, y = _positions(size)
    picture = _skin(rng, size)
    cover, colour = paint(lesion(spec, int(plan(spec).lesion[index])), *_pose(rng, x, y))
    shade = picture / picture.mean(axis=(0, 1)) * (0.55 + 0.5 * picture.mean())
    picture += cover[..., None] * (colour * shade - picture)
    picture *= _light(rng, x, y)
    _add_ruler(rng, picture)
    _add_hair(rng, picture)
    picture *= _rim(rng, x, y)[..., None]
    return _sensor(rng, picture)


def _positions(size: int) -> tuple[Float, Float]:
    """Coordinates of the pixel centres, in mm from the middle: two arrays [size, size]."""
    axis = ((np.arange(size) + 0.5) / size - 0.5) * FIELD
    x, y = np.meshgrid(axis, axis)
    return x, y


def _pose(rng: np.random.Generator, x: Float, y: Float) -> tuple[Float, Float]:
    """The same points in the frame of a lesion that lies anywhere near the middle, turned by any angle."""
    angle = rng.uniform(0, 2 * np.pi)
    zoom = rng.uniform(0.96, 1.04)
    shift_x, shift_y = rng.uniform(-1.3, 1.3, 2)
    dx, dy = (x - shift_x) * zoom, (y - shift_y) * zoom
    return np.cos(angle) * dx + np.sin(angle) * dy, -np.sin(angle) * dx + np.cos(angle) * dy


def _skin(rng: np.random.Generator, size: int) -> Float:
    """Bare skin of a random tone with coarse and fine texture: [size, size, 3]."""
    tone = rng.uniform(0, len(_SKIN) - 1)
    colour = np.array([np.interp(tone, np.arange(len(_SKIN)), channel) for channel in _SKIN.T])
    coarse, middle, fine = (_texture(rng, size, cells) for cells in (4, 14, 48))
    texture = 1 + 0.030 * coarse + 0.020 * middle + 0.018 * fine
    flush: Float = _texture(rng, size, 5)[..., None] * np.array([0.010, -0.012, -0.008])
    return flush + colour * texture[..., None]


def _texture(rng: np.random.Generator, size: int, cells: int) -> Float:
    """A smooth random field with `cells` features across: [size, size]."""
    import cv2

    grid = rng.standard_normal((cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC), dtype=np.float64)


def _light(rng: np.random.Generator, x: Float, y: Float) -> Float:
    """Exposure, a gradient across the picture, and white balance: [size, size, 3]."""
    angle = rng.uniform(0, 2 * np.pi)
    gradient = 1 + rng.uniform(0, 0.10) * (np.cos(angle) * x + np.sin(angle) * y) / (FIELD / 2)
    balance = rng.uniform(0.82, 1.06) * rng.normal(1.0, 0.02, 3)
    return np.asarray(gradient[..., None] * balance, dtype=np.float64)


def _add_hair(rng: np.random.Generator, picture: Float) -> None:
    """Up to twelve bent hairs in about half of the pictures, of one colour; drawn into `picture`."""
    count = int(rng.integers(1, 13)) if rng.random() < _HAIRY else 0
    colour = rng.uniform(0.5, 1.1) * np.array([0.22, 0.15, 0.11])
    direction = rng.uniform(0, 2 * np.pi)
    for _ in range(count):
        angle = direction + rng.normal(0, 0.5)
        middle, length = rng.uniform(-0.5, 0.5, 2) * FIELD, rng.uniform(4, 12)
        path = bent_line(middle, angle, length, rng.normal(0, 0.12))
        _blend(picture, [path], width=rng.uniform(0.07, 0.13), colour=colour, opacity=rng.uniform(0.6, 0.95))


def _add_ruler(rng: np.random.Generator, picture: Float) -> None:
    """Millimetre marks along one edge in a third of the pictures; drawn into `picture`."""
    shown, edge, offset = rng.random() < _RULED, int(rng.integers(len(_EDGES))), rng.uniform(0, 1)
    if not shown:
        return
    half = FIELD / 2
    marks = []
    for number, position in enumerate(np.arange(-half + offset, half, 1.0)):
        inner = half - (1.3 if number % 5 == 0 else 0.7)
        marks.append(_EDGES[edge](np.array([[position, half - 0.1], [position, inner]])))
    _blend(picture, marks, width=0.1, colour=np.array([0.08, 0.08, 0.10]), opacity=0.85)


def _blend(picture: Float, paths: list[Float], *, width: float, colour: Float, opacity: float) -> None:
    """Draws lines ([points, 2] in mm) of `width` mm with smooth edges into `picture`."""
    size = picture.shape[0]
    scale = size / FIELD
    ink = np.zeros((size, size), dtype=np.uint8)
    pixels = [(path + FIELD / 2) * scale - 0.5 for path in paths]
    draw_lines(ink, pixels, thickness=max(1, round(width * scale)))
    picture += (opacity / 255 * ink)[..., None] * (colour - picture)


def _rim(rng: np.random.Generator, x: Float, y: Float) -> Float:
    """Darkening towards the rim of the dermoscope, in 0..1; in some pictures the rim itself is seen: [size, size]."""
    distance = np.hypot(x, y)
    fading: Float = 1 - rng.uniform(0, 0.35) * (distance / (FIELD / 2 * np.sqrt(2))) ** 2
    seen, radius, softness = rng.random() < _RIMMED, rng.uniform(7.0, 8.2), rng.uniform(0.05, 0.4)
    if not seen:
        return fading
    fading *= 0.04 + 0.96 / (1 + np.exp(np.clip((distance - radius) / softness, -30, 30)))
    return fading


def _sensor(rng: np.random.Generator, picture: Float) -> npt.NDArray[np.uint8]:
    noise = rng.standard_normal(picture.shape, dtype=np.float32) * rng.uniform(0.004, 0.014)
    levels: Float = np.rint((picture + noise) * 255)
    return levels.clip(0, 255).astype(np.uint8)
