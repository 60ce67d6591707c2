import numpy as np
import pytest

from skinlab.data.augmentation import Augmenter
from skinlab.errors import ConfigError

SKIN = np.full((200, 200, 3), (210, 170, 150), dtype=np.uint8)


def ruler(**parameters: object) -> Augmenter:
    return Augmenter([{"_target_": "skinlab.augmentations.Ruler", "p": 1.0, **parameters}])


def changed(image: np.ndarray) -> np.ndarray:
    return (image != np.array([210, 170, 150])).any(axis=2)


@pytest.mark.parametrize("size", [(32, 32), (90, 160), (160, 90), (1024, 1024)])
def test_a_ruler_is_drawn_on_images_of_any_size_and_shape(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 200, dtype=np.uint8)
    for key in range(8):
        drawn = ruler(strip=0.5)(image, key)
        assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
        assert not np.array_equal(drawn, image)


def test_it_lies_along_one_edge_and_leaves_the_middle_free() -> None:
    edges = set()
    for key in range(40):
        marks = changed(ruler(tilt=0, strip=0, length=[0.1, 0.1])(SKIN, key))
        bands = {"top": marks[:22], "bottom": marks[-22:], "left": marks[:, :22], "right": marks[:, -22:]}
        (edge,) = [name for name, band in bands.items() if band.sum() == marks.sum()]
        edges.add(edge)
    assert edges == {"top", "bottom", "left", "right"}


def test_marks_are_evenly_spaced() -> None:
    for key in range(10):
        marks = changed(ruler(tilt=0, strip=0, spacing=[0.1, 0.1])(SKIN, key))
        edges = (marks[:4].any(axis=0), marks[-4:].any(axis=0), marks[:, :4].any(axis=1), marks[:, -4:].any(axis=1))
        along = max(edges, key=lambda edge: np.diff(edge).sum())  # the others see a mark or two at their ends
        starts = np.flatnonzero(along[1:] & ~along[:-1])
        assert np.abs(np.diff(starts) - 20).max() <= 1


def test_a_strip_covers_the_skin_from_the_edge() -> None:
    bare, covered = (changed(ruler(strip=strip, opacity=[0.9, 0.9])(SKIN, 3)).mean() for strip in (0, 1))
    assert bare < 0.08 < covered < 0.3


def test_the_same_key_draws_the_same_ruler() -> None:
    assert np.array_equal(ruler()(SKIN, 5), ruler()(SKIN, 5))
    assert not np.array_equal(ruler()(SKIN, 5), ruler()(SKIN, 6))


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"spacing": [0, 0.1]}, "Ruler: spacing must be two numbers from 0.01 to 0.5"),
        ({"tilt": 90}, "Ruler: tilt must be a number from 0 to 45"),
        ({"strip": "yes"}, "Ruler: strip must be a number from 0 to 1"),
    ],
)
def test_wrong_parameters_are_refused_by_name(parameters: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        ruler(**parameters)
