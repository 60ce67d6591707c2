import numpy as np
import pytest

from skinlab.data.augmentation import Augmenter
from skinlab.errors import ConfigError

SKIN = np.full((120, 160, 3), (210, 170, 150), dtype=np.uint8)


def hair(**parameters: object) -> Augmenter:
    return Augmenter([{"_target_": "skinlab.augmentations.Hair", "p": 1.0, **parameters}])


def covered(image: np.ndarray) -> float:
    """Fraction of the pixels that were changed."""
    return float((image != SKIN).any(axis=2).mean())


@pytest.mark.parametrize("size", [(32, 32), (120, 160), (1024, 1024)])
def test_hairs_are_drawn_on_images_of_any_size_and_shape(size: tuple[int, int]) -> None:
    image = np.full((*size, 3), 200, dtype=np.uint8)
    drawn = hair()(image, 1)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert not np.array_equal(drawn, image)
    assert (image == 200).all()


def test_the_same_key_draws_the_same_hairs_and_another_key_others() -> None:
    assert np.array_equal(hair()(SKIN, 5), hair()(SKIN, 5))
    assert not np.array_equal(hair()(SKIN, 5), hair()(SKIN, 6))


def test_hairs_are_thin_and_cover_little_but_more_of_them_more() -> None:
    few = np.mean([covered(hair(count=[2, 2])(SKIN, key)) for key in range(20)])
    many = np.mean([covered(hair(count=[20, 20])(SKIN, key)) for key in range(20)])
    assert 0 < few < 0.05
    assert 4 * few < many < 0.5


def test_their_edges_are_smooth_and_their_middle_as_dark_as_their_opacity() -> None:
    drawn = hair(count=[1, 1], width=[0.05, 0.05], opacity=[0.8, 0.8], light=0)(SKIN, 3)
    levels = np.unique(drawn[..., 0])
    assert len(levels) > 10
    assert 0.2 * 210 <= levels.min() <= 0.2 * 210 + 0.8 * 62 + 1


@pytest.mark.parametrize(("light", "brighter"), [(0, False), (1, True)])
def test_hairs_are_dark_or_light_as_declared(light: float, brighter: bool) -> None:
    dark_skin = np.full((96, 96, 3), 90, dtype=np.uint8)
    for key in range(10):
        drawn = hair(light=light)(dark_skin, key).astype(int) - 90
        assert (drawn.min() >= 0) if brighter else (drawn.max() <= 0)


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"count": [3, 1]}, "Hair: count must be two numbers from 1 to 1000, the smaller first"),
        ({"count": [1.5, 2]}, "Hair: count must be two whole numbers"),
        ({"width": 0.1}, "Hair: width must be two numbers"),
        ({"opacity": [0.5, 1.5]}, "Hair: opacity must be two numbers from 0 to 1"),
        ({"light": 2}, "Hair: light must be a number from 0 to 1"),
        ({"p": -1}, "Hair: p must be a number from 0 to 1"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_parameters_are_refused_by_name(parameters: dict[str, object], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        hair(**parameters)
