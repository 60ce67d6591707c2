from statistics import NormalDist

import pytest

from skinlab.comparison.power import Needed, needed


def power_of(difference: float, variance: float, level: float) -> float:
    """Of a two-sided normal test, but for the other tail."""
    normal = NormalDist()
    return normal.cdf(difference / variance**0.5 - normal.inv_cdf(1 - level / 2))


@pytest.mark.parametrize("level", [0.05, 0.01])
def test_so_many_more_images_give_the_power_that_is_promised(level: float) -> None:
    found = needed(0.02, 0.0004, None, images=200, seeds=1, level=level)
    assert found.images is not None
    assert found.seeds is None
    assert power_of(0.02, 0.0004 * 200 / (200 + found.images), level) == pytest.approx(0.8, abs=0.001)


def test_images_or_seeds_each_alone_where_either_is_enough() -> None:
    found = needed(0.05, 0.0002, 0.0002, images=200, seeds=3, level=0.05)
    assert found.images is not None
    assert found.seeds is not None
    assert found.both is None
    assert power_of(0.05, 0.0002 * 200 / (200 + found.images) + 0.0002, 0.05) >= 0.8
    assert power_of(0.05, 0.0002 + 0.0002 * 3 / (3 + found.seeds), 0.05) >= 0.8


def test_both_where_neither_alone_is_ever_enough() -> None:
    found = needed(0.02, 0.0004, 0.0004, images=100, seeds=4, level=0.05)
    assert (found.images, found.seeds) == (None, None)
    assert found.both is not None
    images, seeds = found.both
    assert power_of(0.02, 0.0004 * 100 / (100 + images) + 0.0004 * 4 / (4 + seeds), 0.05) >= 0.8


def test_something_is_always_to_be_added() -> None:
    assert needed(0.5, 0.0001, 0.0001, images=10, seeds=2, level=0.05) == Needed(0.5, 1, 1, None)
