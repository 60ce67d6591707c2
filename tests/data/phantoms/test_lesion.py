"""Signs follow the class, and the picture follows the signs."""

from dataclasses import replace

import numpy as np
import pytest

from skinlab.data.phantoms.lesion import PALETTE, Lesion, draw_signs, lesion, outline, paint
from skinlab.data.phantoms.spec import PhantomSpec

SPEC = PhantomSpec(seed=0, images=64, draw_size=48, malignant_fraction=0.5, difficulty=0.2, images_per_lesion=1.0)
AROUND = np.linspace(0, 2 * np.pi, 720, endpoint=False)


def signs(*, malignant: bool, difficulty: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    drawn = [draw_signs(rng, malignant, difficulty) for _ in range(400)]
    return np.array([[s.asymmetry, s.border, s.colours, s.diameter] for s in drawn])


def test_at_difficulty_0_every_sign_separates_the_classes_fully() -> None:
    assert (signs(malignant=False, difficulty=0).max(axis=0) < signs(malignant=True, difficulty=0).min(axis=0)).all()


def test_at_difficulty_1_the_classes_are_drawn_alike() -> None:
    assert np.array_equal(signs(malignant=False, difficulty=1), signs(malignant=True, difficulty=1))


def test_between_them_the_classes_approach_each_other() -> None:
    gaps = [
        signs(malignant=True, difficulty=d).mean(axis=0) - signs(malignant=False, difficulty=d).mean(axis=0)
        for d in (0.0, 0.3, 0.6, 0.9)
    ]
    assert (np.diff(gaps, axis=0) < 0).all()


def test_signs_stay_in_their_ranges() -> None:
    both = np.concatenate([signs(malignant=is_malignant, difficulty=0.5) for is_malignant in (False, True)])
    assert (both.min(axis=0) >= [0, 0, 1, 3]).all()
    assert (both.max(axis=0) <= [1, 1, len(PALETTE), 9]).all()


def with_signs(**changes: float) -> Lesion:
    shape = lesion(SPEC, 0)
    return replace(shape, signs=replace(shape.signs, **changes))


@pytest.mark.parametrize("asymmetry", [0.0, 1.0])
def test_enclosed_area_is_that_of_the_diameter(asymmetry: float) -> None:
    radius = outline(with_signs(diameter=6.0, asymmetry=asymmetry), AROUND)
    assert np.mean(radius**2) == pytest.approx(9.0, rel=1e-3)


def test_asymmetry_makes_halves_differ() -> None:
    def unlikeness(asymmetry: float) -> float:
        radius = outline(with_signs(asymmetry=asymmetry, border=0.0), AROUND)
        return min(float(np.abs(radius - np.roll(radius[::-1], k)).mean()) for k in range(720))

    assert unlikeness(0.0) < 0.01 < unlikeness(0.5) < unlikeness(1.0)


def test_border_irregularity_makes_the_outline_longer() -> None:
    def length(border: float) -> float:
        radius = outline(with_signs(border=border, asymmetry=0.0, diameter=6.0), AROUND)
        return float(np.abs(np.diff(radius * np.exp(1j * AROUND))).sum())

    assert length(0.0) < length(0.5) < length(1.0)


def test_number_of_colours_is_the_sign() -> None:
    for index in range(64):
        shape = lesion(SPEC, index)
        assert len(np.unique(shape.colours, axis=0)) == shape.signs.colours


def test_cover_is_inside_and_not_outside() -> None:
    x, y = np.array([[0.0, 6.9]]), np.array([[0.0, 6.9]])
    cover, colour = paint(with_signs(diameter=5.0, asymmetry=0.0, border=0.0), x, y)
    assert cover[0, 0] > 0.99
    assert cover[0, 1] < 0.01
    assert colour.shape == (1, 2, 3)
