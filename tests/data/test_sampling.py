import numpy as np
import pytest

from skinlab.data.sampling import Sampler, epoch_images

ROWS = np.array([3, 5, 8, 9])


def test_an_epoch_has_each_image_and_each_copy_once() -> None:
    sampler = Sampler(ROWS, copies=2)
    draws = sampler.epoch(seed=1, epoch=0)
    assert sorted(map(tuple, draws.tolist())) == [(row, copy) for row in ROWS.tolist() for copy in range(3)]
    assert len(draws) == sampler.size == epoch_images(4, 2) == 12


def test_the_order_is_another_in_each_epoch_and_for_each_seed() -> None:
    sampler = Sampler(np.arange(50), copies=0)
    orders = [sampler.epoch(seed, epoch)[:, 0].tolist() for seed, epoch in ((1, 0), (1, 1), (2, 0), (1, 0))]
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] != orders[2] != orders[0]


@pytest.mark.parametrize("copies", [0, 2])
def test_a_single_draw_is_any_of_the_pictures(copies: int) -> None:
    sampler, generator = Sampler(ROWS, copies), np.random.default_rng(0)
    drawn = np.concatenate([sampler.one(generator) for _ in range(200 * sampler.size)])
    pictures, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(pictures) == sampler.size
    assert counts.min() > 140
