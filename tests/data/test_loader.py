from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from skinlab.data.augmentation import Augmenter
from skinlab.data.loader import Loader, class_weights
from skinlab.engines.base import Batch
from tests.data.test_augmentation import FLIP_CROP

COUNT = 23


def loader(**changes: object) -> Loader:
    generator = np.random.default_rng(0)
    plain = Loader(
        images=generator.integers(0, 256, (COUNT + 5, 16, 16, 3), dtype=np.uint8),
        image_ids=[f"image{row}" for row in range(COUNT + 5)],
        targets=generator.integers(0, 2, COUNT + 5),
        rows=np.arange(COUNT),
        class_weights=np.array([0.5, 2], dtype=np.float32),
        augment=Augmenter(FLIP_CROP),
        seed=7,
        minibatch_size=4,
        dropout=0.4,
        features=6,
        workers=0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def equal(left: Iterable[Batch], right: Iterable[Batch]) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for a, b in zip(left, right, strict=True)
        for name in ("images", "labels", "weights", "dropout_mask")
    )


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_changes_nothing(workers: int) -> None:
    assert equal(loader().epoch(3), loader(workers=workers).epoch(3))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_epoch_resumed_in_the_middle_goes_on_as_if_it_had_not_stopped(workers: int) -> None:
    whole = list(loader().epoch(2))
    assert equal(whole[3:], loader(workers=workers).epoch(2, first_step=3))


def test_an_epoch_has_each_training_image_once_and_no_other() -> None:
    plain = loader(augment=Augmenter([]))
    seen = np.concatenate([batch.images for batch in plain.epoch(0)])
    assert sorted(image.tobytes() for image in seen) == sorted(image.tobytes() for image in plain.images[:COUNT])
    assert [len(batch) for batch in plain.epoch(0)] == [4, 4, 4, 4, 4, 3]


def test_epochs_and_seeds_differ_in_order_augmentation_and_masks() -> None:
    first = np.concatenate([batch.dropout_mask for batch in loader().epoch(0)])
    assert not equal(loader().epoch(0), loader().epoch(1))
    assert not equal(loader().epoch(0), loader(seed=8).epoch(0))
    assert not np.array_equal(first, np.concatenate([batch.dropout_mask for batch in loader().epoch(1)]))


def test_an_images_augmentation_does_not_depend_on_the_other_images() -> None:
    few = loader(rows=np.array([5]))
    (alone,) = few.epoch(1)
    everything = {image.tobytes() for batch in loader().epoch(1) for image in batch.images}
    assert alone.images[0].tobytes() in everything


def test_masks_keep_the_mean() -> None:
    masks = np.concatenate([batch.dropout_mask for batch in loader(features=2000).epoch(0)])
    assert set(np.unique(masks)) == {np.float32(0), np.float32(1 / 0.6)}
    assert masks.mean() == pytest.approx(1, abs=0.02)


def test_weights_are_those_of_the_labels() -> None:
    for batch in loader().epoch(0):
        assert batch.weights.tolist() == [[0.5, 2][label] for label in batch.labels]


def test_balanced_class_weights_have_mean_one_over_the_images() -> None:
    targets = np.array([0] * 30 + [1] * 10)
    balanced = class_weights(targets, 2, balanced=True)
    assert balanced[targets].mean() == pytest.approx(1)
    assert balanced[1] / balanced[0] == pytest.approx(3)
    assert class_weights(targets, 2, balanced=False).tolist() == [1, 1]
