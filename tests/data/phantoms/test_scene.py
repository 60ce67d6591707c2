"""Phantoms: a function of seed and index, learnable, and without a short cut."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from skinlab.data.phantoms import PhantomSpec, draw, plan

SPEC = PhantomSpec(seed=0, images=200, draw_size=48, malignant_fraction=0.5, difficulty=0.2, images_per_lesion=2.0)


@pytest.fixture(scope="module")
def drawn() -> npt.NDArray[np.float64]:
    return np.stack([draw(SPEC, i) for i in range(SPEC.images)]) / 255.0


@pytest.fixture(scope="module")
def malignant() -> npt.NDArray[np.bool_]:
    return plan(SPEC).malignant[plan(SPEC).lesion]


def auc(score: npt.NDArray[np.float64], positive: npt.NDArray[np.bool_]) -> float:
    above = score[positive][:, None] > score[~positive][None, :]
    return float(above.mean())


def lesion_area(picture: npt.NDArray[np.float64]) -> float:
    """Fraction of the middle of the picture that differs from its skin, a rough segmentation."""
    middle = picture[6:-6, 6:-6]
    skin = np.median(picture[4:-4, 4:-4].reshape(-1, 3), axis=0)
    return float((np.linalg.norm(middle - skin, axis=2) > 0.15).mean())


@pytest.mark.parametrize("size", [32, 48, 300])
def test_size_is_the_declared_one(size: int) -> None:
    picture = draw(replace(SPEC, draw_size=size), 0)
    assert (picture.shape, picture.dtype) == ((size, size, 3), np.uint8)


def test_phantom_depends_on_seed_and_index_alone() -> None:
    first = draw(SPEC, 5)
    draw(SPEC, 17)
    assert np.array_equal(draw(SPEC, 5), first)
    assert not np.array_equal(draw(SPEC, 6), first)
    assert not np.array_equal(draw(replace(SPEC, seed=1), 5), first)


def test_all_phantoms_differ_also_those_of_one_lesion(drawn: npt.NDArray[np.float64]) -> None:
    assert len(np.unique(drawn, axis=0)) == SPEC.images


def test_larger_drawing_shows_the_same_scene() -> None:
    small, large = (Image.fromarray(draw(replace(SPEC, draw_size=size), 3)) for size in (96, 384))
    shrunk = np.asarray(large.resize((96, 96), Image.Resampling.BOX), dtype=float)
    assert np.abs(shrunk - np.asarray(small)).mean() < 8


def test_signs_are_visible_at_training_size(drawn: npt.NDArray[np.float64], malignant: npt.NDArray[np.bool_]) -> None:
    assert auc(np.array([lesion_area(picture) for picture in drawn]), malignant) > 0.85


def test_mean_brightness_is_no_short_cut(drawn: npt.NDArray[np.float64], malignant: npt.NDArray[np.bool_]) -> None:
    assert auc(-drawn.mean(axis=(1, 2, 3)), malignant) < 0.8


def test_corner_of_the_picture_says_nothing_about_the_class(
    drawn: npt.NDArray[np.float64], malignant: npt.NDArray[np.bool_]
) -> None:
    assert abs(auc(drawn[:, :5, :5].mean(axis=(1, 2, 3)), malignant) - 0.5) < 0.1


def test_at_difficulty_1_the_class_is_not_to_be_seen() -> None:
    spec = replace(SPEC, difficulty=1.0, images_per_lesion=1.0)
    area = np.array([lesion_area(draw(spec, i) / 255.0) for i in range(spec.images)])
    assert abs(auc(area, plan(spec).malignant) - 0.5) < 0.1
