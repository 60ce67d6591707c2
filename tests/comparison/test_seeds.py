import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from skinlab.comparison.sampling import Areas, sampled
from skinlab.comparison.seeds import difference_of, mean_of
from tests.comparison.test_sampling import models


@dataclass
class Given:
    """Values and covariances that are told."""

    values: list[float]
    matrix: list[list[float]]
    freedom: float = math.inf
    method: str = "given"
    asked: list[tuple[int, int]] = field(default_factory=list)

    def covariance(self, one: int, other: int) -> float:
        self.asked.append((one, other))
        return self.matrix[one][other]


def crossed(cov_own: float = 0.0004, cov_within: float = 0.0003, cov_across: float = 0.0001) -> list[list[float]]:
    """Two methods of three seeds each."""
    return [[cov_own if i == j else cov_within if i // 3 == j // 3 else cov_across for j in range(6)] for i in range(6)]


def test_single_runs_are_compared_as_models_and_nothing_is_said_of_seeds() -> None:
    areas = Areas(models(120), 1)
    effect = difference_of(areas, [0], [1])
    expected = areas.covariance(0, 0) + areas.covariance(1, 1) - 2 * areas.covariance(0, 1)
    assert effect.variance == pytest.approx(expected)
    assert effect.by_seeds is None
    assert math.isinf(effect.freedom)


# Hillis 2014, readers nested in tests: variance (2 / r) (MS(R(T)) + r max(Cov2 - Cov3, 0)), degrees of freedom
# (MS + r max(...))^2 / (MS^2 / (t (r - 1))).
def test_variance_and_freedom_are_those_of_obuchowski_and_rockette_for_readers_of_their_own() -> None:
    values = [0.80, 0.82, 0.81, 0.86, 0.83, 0.85]
    effect = difference_of(Given(values, crossed()), [0, 1, 2], [3, 4, 5])
    mean_square = (np.var(values[:3], ddof=1) + np.var(values[3:], ddof=1)) / 2
    numerator = mean_square + 3 * (0.0003 - 0.0001)
    assert effect.value == pytest.approx(0.81 - 0.8466666667)
    assert effect.variance == pytest.approx(2 / 3 * numerator)
    assert effect.by_seeds == pytest.approx(2 / 3 * mean_square)
    assert effect.freedom == pytest.approx(numerator**2 / (mean_square**2 / 4))


def test_a_negative_estimate_of_the_images_share_is_nothing() -> None:
    effect = difference_of(Given([0.8, 0.9, 0.7] * 2, crossed(cov_across=0.00035)), [0, 1, 2], [3, 4, 5])
    assert effect.by_images == 0.0
    assert effect.freedom == pytest.approx(4)


def test_a_method_with_one_seed_borrows_the_spread_of_the_other() -> None:
    given = Given([0.80, 0.82, 0.81, 0.9], crossed())
    effect = difference_of(given, [0, 1, 2], [3])
    assert effect.by_seeds == pytest.approx(np.var([0.80, 0.82, 0.81], ddof=1) * (1 / 3 + 1))
    assert effect.by_images == pytest.approx(0.0003 + 0.0004 - 2 * 0.0001)


def test_seeds_that_differ_widen_the_interval_of_a_mean() -> None:
    calm = mean_of(Given([0.80, 0.80, 0.80], crossed()), [0, 1, 2])
    wild = mean_of(Given([0.70, 0.80, 0.90], crossed()), [0, 1, 2])
    assert calm.variance == pytest.approx(0.0003)
    assert wild.variance == pytest.approx(0.0003 + 0.01 / 3)
    assert wild.freedom < 3


def test_the_freedom_of_a_bootstrap_limits_that_of_the_sum() -> None:
    few = difference_of(Given([0.8, 0.81] * 3, crossed(), freedom=5), [0, 1, 2], [3, 4, 5])
    many = difference_of(Given([0.8, 0.81] * 3, crossed()), [0, 1, 2], [3, 4, 5])
    assert few.freedom < many.freedom
    assert sampled("brier", models(60), 50).freedom == 19
