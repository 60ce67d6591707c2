"""Who is what: counts are exact and every key counts."""

from dataclasses import replace

import numpy as np
import pytest

from skinlab.data.phantoms import DRAWING_VERSION, PhantomSpec, flipped, plan

SPEC = PhantomSpec(seed=0, images=200, draw_size=48, malignant_fraction=0.3, difficulty=0.2, images_per_lesion=1.6)


def test_lesions_have_the_mean_number_of_images_evenly() -> None:
    _, counts = np.unique(plan(SPEC).lesion, return_counts=True)
    assert len(counts) == 125
    assert set(counts) == {1, 2}


def test_fraction_of_malignant_lesions_is_met() -> None:
    assert plan(SPEC).malignant.sum() == round(0.3 * 125)


@pytest.mark.parametrize("fraction", [0.001, 0.999])
def test_both_classes_are_always_there(fraction: float) -> None:
    malignant = plan(replace(SPEC, images=8, malignant_fraction=fraction)).malignant
    assert 0 < malignant.sum() < len(malignant)


def test_every_key_and_the_drawing_version_change_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {
        "seed": 1,
        "images": 201,
        "draw_size": 49,
        "malignant_fraction": 0.4,
        "difficulty": 0.3,
        "images_per_lesion": 1.7,
    }
    keys = {SPEC.key} | {replace(SPEC, **{name: value}).key for name, value in changes.items()}
    monkeypatch.setattr("skinlab.data.phantoms.spec.DRAWING_VERSION", DRAWING_VERSION + 1)
    keys.add(SPEC.key)
    assert len(keys) == 8


def test_exactly_the_declared_fraction_of_labels_is_flipped_and_more_noise_only_adds() -> None:
    few, many = flipped(0, 200, 0.1), flipped(0, 200, 0.3)
    assert (few.sum(), many.sum()) == (20, 60)
    assert not (few & ~many).any()
    assert (flipped(1, 200, 0.3) != many).any()
