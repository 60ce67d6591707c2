from collections import Counter

import numpy as np
import pytest

from skinlab.data.sampling import Sampler, epoch_images

ROWS = np.array([3, 5, 8, 9])


def natural(rows: np.ndarray = ROWS, copies: int = 0) -> Sampler:
    return Sampler(rows, np.zeros(len(rows), dtype=np.int64), copies, balanced=False)


def balanced(*counts: int, copies: int = 0) -> Sampler:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Sampler(np.arange(len(labels)) + 100, labels, copies, balanced=True)


def classes_of(sampler: Sampler, draws: np.ndarray) -> Counter[int]:
    label = dict(zip(sampler.rows.tolist(), sampler.labels.tolist(), strict=True))
    return Counter(label[row] for row in draws[:, 0].tolist())


def test_an_epoch_has_each_image_and_each_copy_once() -> None:
    sampler = natural(copies=2)
    draws = sampler.epoch(seed=1, epoch=0)
    assert sorted(map(tuple, draws.tolist())) == [(row, copy, 0) for row in ROWS.tolist() for copy in range(3)]
    assert len(draws) == sampler.size == epoch_images(4, 2) == 12


@pytest.mark.parametrize("sampler", [natural(np.arange(50)), balanced(40, 10)])
def test_the_order_is_another_in_each_epoch_and_for_each_seed(sampler: Sampler) -> None:
    orders = [sampler.epoch(seed, epoch)[:, 0].tolist() for seed, epoch in ((1, 0), (1, 1), (2, 0), (1, 0))]
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_a_balanced_epoch_repeats_the_few_evenly_and_none_of_the_many() -> None:
    sampler = balanced(40, 7, 3)
    draws = sampler.epoch(seed=1, epoch=4)
    assert len(draws) == 50
    assert sorted(classes_of(sampler, draws).values()) == [16, 17, 17]
    times = Counter(draws[:, 0].tolist())
    assert max(times[row] for row in range(100, 140)) == 1
    assert {times[row] for row in range(140, 147)} <= {2, 3}
    assert {times[row] for row in range(147, 150)} <= {5, 6}


def test_repeats_are_numbered_in_their_order() -> None:
    draws = balanced(40, 7, 3).epoch(seed=1, epoch=4)
    for row in range(100, 150):
        numbers = draws[draws[:, 0] == row, 2].tolist()
        assert numbers == list(range(len(numbers)))


def test_over_the_epochs_all_of_the_many_are_seen_and_no_class_is_preferred() -> None:
    sampler = balanced(30, 10, 10)
    epochs = [sampler.epoch(seed=1, epoch=epoch) for epoch in range(60)]
    together = np.concatenate(epochs)
    assert len(np.unique(together[:, 0])) == 50
    assert all(count == pytest.approx(1000, abs=15) for count in classes_of(sampler, together).values())


def test_copies_are_balanced_with_their_images() -> None:
    sampler = balanced(6, 2, copies=2)
    draws = sampler.epoch(seed=1, epoch=0)
    assert classes_of(sampler, draws) == {0: 12, 1: 12}
    assert set(Counter(map(tuple, draws[draws[:, 0] >= 106, :2].tolist())).values()) == {2}


def test_a_class_without_training_images_is_no_class() -> None:
    sampler = Sampler(np.arange(6), np.array([0, 0, 0, 0, 2, 2]), 0, balanced=True)
    assert classes_of(sampler, sampler.epoch(1, 0)) == {0: 3, 2: 3}


@pytest.mark.parametrize("copies", [0, 2])
def test_a_single_draw_is_any_of_the_pictures(copies: int) -> None:
    sampler, generator = natural(copies=copies), np.random.default_rng(0)
    drawn = np.concatenate([sampler.one(generator) for _ in range(200 * sampler.size)])
    pictures, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(pictures) == sampler.size
    assert counts.min() > 140


def test_a_single_balanced_draw_is_of_any_class_with_the_same_chance() -> None:
    sampler, generator = balanced(40, 7, 3), np.random.default_rng(0)
    drawn = np.concatenate([sampler.one(generator) for _ in range(1500)])
    assert all(count == pytest.approx(500, abs=80) for count in classes_of(sampler, drawn).values())
    assert len(np.unique(drawn[:, 0])) == 50
