import numpy as np
import pytest

from skinlab.sweeps.importance import importance

GRID = np.array([(x, y) for x in (0, 0.5, 1) for y in (0, 0.5, 1)])


def test_the_shares_of_a_grid_are_those_of_the_analysis_of_variance():
    found = importance(GRID, 3 * GRID[:, 0] + 4 * GRID[:, 1])
    assert found.shares == pytest.approx([9 / 25, 16 / 25])
    assert found.together == pytest.approx(0, abs=1e-12)
    assert found.explained is None


def test_what_two_keys_do_together_is_nobodys_own():
    found = importance(GRID, (GRID[:, 0] - 0.5) * (GRID[:, 1] - 0.5))
    assert found.shares == pytest.approx([0, 0], abs=1e-12)
    assert found.together == pytest.approx(1)


def test_a_forest_finds_the_key_that_matters_among_drawn_points():
    places = np.random.default_rng(1).random((80, 3))
    found = importance(places, np.sin(3 * places[:, 1]) + 0.05 * places[:, 0])
    assert found.shares[1] > 0.8
    assert max(found.shares[0], found.shares[2]) < 0.1
    assert found.explained > 0.9


def test_noise_is_said_to_be_unexplained():
    draw = np.random.default_rng(1)
    assert importance(draw.random((60, 2)), draw.random(60)).explained < 0.2


@pytest.mark.parametrize(
    ("places", "values", "why"),
    [(GRID[:1], [1.0], "no two points"), (GRID, np.ones(9), "no two points"), (GRID[:5], np.arange(5.0), "fewer than")],
)
def test_where_nothing_can_be_said_it_is_said_why(places, values, why):
    found = importance(places, np.asarray(values))
    assert found.shares == []
    assert why in found.method
