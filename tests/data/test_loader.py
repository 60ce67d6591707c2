from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest

from skinlab import kept
from skinlab.data.augmentation import Augmenter
from skinlab.data.loader import Loader, class_weights
from skinlab.engines.base import Batch
from skinlab.randomness import stream
from tests.data.test_augmentation import FLIP_CROP

COUNT = 23
NOISE = [{"_target_": "albumentations.GaussNoise", "p": 1.0}]


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
        for name in ("images", "labels", "targets", "weights", "dropout_mask")
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


def test_targets_are_one_hot_labels_unless_smoothed() -> None:
    plain, smoothed = list(loader().epoch(0)), list(loader(label_smoothing=0.1).epoch(0))
    for batch, smooth in zip(plain, smoothed, strict=True):
        assert batch.targets.dtype == np.float32
        assert np.array_equal(batch.targets, np.eye(2)[batch.labels])
        np.testing.assert_allclose(smooth.targets, 0.9 * batch.targets + 0.05)
        assert np.array_equal(smooth.images, batch.images)


def test_fixed_copies_are_the_same_in_every_epoch_and_the_image_itself_is_unchanged() -> None:
    copied = loader(copies=2, augment=Augmenter(NOISE))
    epochs = [sorted(pictures(copied, epoch)) for epoch in (0, 5)]
    assert epochs[0] == epochs[1]
    assert len(set(epochs[0])) == 3 * COUNT
    assert {image.tobytes() for image in copied.images[:COUNT]} < set(epochs[0])
    assert [len(batch) for batch in copied.epoch(0)] == [4] * 17 + [1]
    assert (copied.steps, copied.epoch_images) == (18, 3 * COUNT)


def test_more_copies_keep_the_first_ones() -> None:
    assert set(pictures(loader(copies=1, augment=Augmenter(NOISE)), 0)) < set(
        pictures(loader(copies=3, augment=Augmenter(NOISE)), 0)
    )


def test_balanced_minibatches_hold_the_classes_equally_often_and_repeat_no_change() -> None:
    targets = np.array([1] * 4 + [0] * (COUNT + 1))
    balanced = loader(balanced=True, targets=targets, rows=np.arange(COUNT + 1), augment=Augmenter(NOISE))
    batches = list(balanced.epoch(0))
    assert np.bincount(np.concatenate([batch.labels for batch in batches])).tolist() == [12, 12]
    seen = pictures(balanced, 0)
    assert len(set(seen)) == len(seen) == COUNT + 1
    masks = np.concatenate([batch.dropout_mask for batch in loader(**vars_of(balanced), features=64).epoch(0)])
    assert len(np.unique(masks, axis=0)) == COUNT + 1


def test_an_images_first_draw_is_the_same_with_and_without_balance() -> None:
    targets = np.array([1] * 4 + [0] * (COUNT + 1))
    changes = {"targets": targets, "rows": np.arange(8), "augment": Augmenter(NOISE)}
    natural, balanced = (set(pictures(loader(balanced=kind, **changes), 3)) for kind in (False, True))
    assert natural == balanced  # four and four: nothing to balance
    rare = set(pictures(loader(balanced=False, **changes | {"rows": np.arange(4)}), 3))
    assert rare < set(pictures(loader(balanced=True, **changes | {"rows": np.arange(COUNT)}), 3))


def test_mixup_partners_are_balanced_as_the_images_are() -> None:
    targets = np.array([1] * 2 + [0] * (COUNT + 3))
    mixed = loader(balanced=True, mixup=0.3, targets=targets, rows=np.arange(COUNT), minibatch_size=COUNT)
    share = np.mean([batch.targets[:, 1].mean() for epoch in range(30) for batch in mixed.epoch(epoch)])
    assert share == pytest.approx(1 / 2, abs=0.05)


def vars_of(given: Loader) -> dict[str, object]:
    return {"balanced": given.balanced, "targets": given.targets, "rows": given.rows, "augment": given.augment}


def test_a_copy_does_not_share_the_dropout_of_its_image() -> None:
    masks = np.concatenate([batch.dropout_mask for batch in loader(copies=1, features=64).epoch(0)])
    assert len(np.unique(masks, axis=0)) == 2 * COUNT


def pictures(given: Loader, epoch: int) -> list[bytes]:
    return [image.tobytes() for batch in given.epoch(epoch) for image in batch.images]


@pytest.mark.parametrize("workers", [1, 4])
def test_mixed_minibatches_are_the_same_with_any_number_of_workers(workers: int) -> None:
    assert equal(loader(mixup=0.4).epoch(3), loader(mixup=0.4, workers=workers).epoch(3))


def test_an_image_is_mixed_alike_in_minibatches_of_any_size() -> None:
    small, large = (set(pictures(loader(mixup=0.4, minibatch_size=size), 1)) for size in (1, 23))
    assert small == large
    assert not small & set(pictures(loader(mixup=0.4), 2))


def test_mixup_takes_image_target_and_weight_of_a_training_image_in_one_share() -> None:
    plain = loader(mixup=1.0, augment=Augmenter([]))
    known = plain.images[plain.rows].astype(float)
    seen = set()
    for batch in plain.epoch(0):
        for i, image in enumerate(batch.images):
            own, partner, share = unmixed(image, known)
            seen.update({own, partner})
            target = share * np.eye(2)[plain.targets[own]] + (1 - share) * np.eye(2)[plain.targets[partner]]
            weight = (
                share * plain.class_weights[plain.targets[own]]
                + (1 - share) * (plain.class_weights[plain.targets[partner]])
            )
            np.testing.assert_allclose(batch.targets[i], target, atol=0.01)
            assert batch.weights[i] == pytest.approx(weight, abs=0.02)
            assert batch.labels[i] == batch.targets[i].argmax()
    assert seen == set(range(COUNT))


def unmixed(image: np.ndarray, known: np.ndarray) -> tuple[int, int, float]:
    """The two images and the share of the first that an image was mixed from: the pair that leaves the least over."""
    best = (np.inf, 0, 0, 0.0)
    for a, b in combinations_with_replacement(range(len(known)), 2):
        difference = known[a] - known[b]
        share = float(((image - known[b]) * difference).sum() / max((difference**2).sum(), 1))
        left = float(np.abs(known[b] + share * difference - image).max())
        best = min(best, (left, a, b, share))
    assert best[0] <= 1  # rounding
    return best[1:]


def test_balanced_class_weights_have_mean_one_over_the_images() -> None:
    targets = np.array([0] * 30 + [1] * 10)
    balanced = class_weights(targets, 2, balanced=True)
    assert balanced[targets].mean() == pytest.approx(1)
    assert balanced[1] / balanced[0] == pytest.approx(3)
    assert class_weights(targets, 2, balanced=False).tolist() == [1, 1]


def test_without_augmentation_an_image_is_as_it_is_whatever_its_type() -> None:
    features = np.random.default_rng(0).normal(size=(COUNT + 5, 6)).astype(np.float32)
    plain = loader(images=features, augment=None)
    given = np.concatenate([batch.images for batch in plain.epoch(0)])
    assert given.dtype == np.float32
    np.testing.assert_array_equal(given, features[plain.sampler.epoch(plain.seed, 0)[:, 0]])


def test_a_mask_is_drawn_from_seed_epoch_and_image_id() -> None:
    row = loader().sampler.epoch(7, 3)[0, 0]
    drawn = stream(7, "dropout", 3, f"image{row}").random(6)
    mask = next(iter(loader().epoch(3))).dropout_mask[0]
    np.testing.assert_array_equal(mask, np.where(drawn >= 0.4, 1 / 0.6, 0).astype(np.float32))


def test_masks_that_were_kept_are_those_of_their_own_seed_rate_length_and_epoch() -> None:
    changes: list[dict[str, object]] = [{}, {"seed": 8}, {"dropout": 0.2}, {"features": 11}, {"minibatch_size": 5}, {}]
    fresh = [[list(loader(**change).epoch(epoch)) for epoch in (0, 1)] for change in changes]
    kept.keep()
    for _ in range(2):
        for change, epochs in zip(changes, fresh, strict=True):
            assert all(equal(loader(**change).epoch(epoch), before) for epoch, before in enumerate(epochs))
