import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import ttest_rel

from skinlab.comparison.statistics import (
    corrected_resampled,
    holm,
    holm_levels,
    mcnemar,
    paired_proportions,
    student,
    tango,
)


# Fagerland, Lydersen and Laake 2013, table 1 (1, 7): 0.0391. Agresti 1990, p. 350, approval ratings (150, 86), and the
# third: statsmodels 0.15.0, exact p of contingency_tables.mcnemar less the probability of the observed table.
@pytest.mark.parametrize(
    ("only_one", "only_other", "p"),
    [(1, 7, 0.0390625), (150, 86, 2.893389517615428e-05), (25, 5, 1.9219517707824685e-04)],
)
def test_mcnemar_gives_published_values_and_is_symmetric(only_one: int, only_other: int, p: float) -> None:
    assert mcnemar(only_one, only_other) == pytest.approx(p, abs=1e-6, rel=1e-9)
    assert mcnemar(only_other, only_one) == mcnemar(only_one, only_other)


def test_mcnemar_of_equal_counts_finds_nothing() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(1, 1) == pytest.approx(1 - 0.5 * 0.5)  # supplement of Fagerland et al. 2013


# (1, 7) of 21: Fagerland, Lydersen and Laake, Statistics in Medicine 33:2850, 2014: -0.517 to -0.026. All three: the
# root of the score statistic whose nuisance parameter is found by maximising the multinomial likelihood.
@pytest.mark.parametrize(
    ("only_one", "only_other", "images", "low", "high"),
    [
        (1, 7, 21, -0.51723228, -0.02600303),
        (150, 86, 1600, 0.02136156, 0.05899803),
        (25, 5, 100, 0.09961291, 0.30348402),
    ],
)
def test_tango_gives_published_values(only_one: int, only_other: int, images: int, low: float, high: float) -> None:
    assert tango(only_one, only_other, images, 0.95) == pytest.approx((low, high), abs=1e-6)
    assert tango(only_other, only_one, images, 0.95) == pytest.approx((-high, -low), abs=1e-6)


def test_tango_is_not_certain_without_discordant_images_and_stays_inside_its_range() -> None:
    low, high = tango(0, 0, 50, 0.95)
    assert low == pytest.approx(-high)
    assert high == pytest.approx(1.959964**2 / (50 + 1.959964**2), abs=1e-6)
    assert tango(5, 0, 5, 0.95)[1] == 1.0
    assert -1 <= tango(0, 9, 10, 0.95)[0] < -0.5


def test_tango_holds_zero_exactly_where_the_uncorrected_test_finds_nothing() -> None:
    for only_one in range(13):
        statistic = (only_one - 12) ** 2 / (only_one + 12)
        low, high = tango(only_one, 12, 60, 0.95)
        assert (low <= 0 <= high) == (statistic <= 1.959964**2)


# Benjamini and Hochberg 1995, section 3.2: the values of the study of Neuhaus et al.; adjusted by R's p.adjust(method =
# "holm") and by multipletests of statsmodels 0.15.0 alike.
def test_holm_gives_the_values_of_r_in_the_order_given() -> None:
    values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719]
    values += [0.6528, 0.759, 1.0]
    expected = [0.0015, 0.0056, 0.0247, 0.114, 0.2211, 0.278, 0.278, 0.278, 0.3213, 1, 1, 1, 1, 1, 1]
    assert holm(values) == pytest.approx(expected, abs=1e-6)
    order = np.random.default_rng(0).permutation(len(values))
    assert holm([values[place] for place in order]) == pytest.approx([expected[place] for place in order], abs=1e-6)


def test_holm_leaves_out_what_has_no_p_value() -> None:
    assert holm([0.02, math.nan, 0.03])[0] == 0.04
    assert math.isnan(holm([0.02, math.nan, 0.03])[1])
    assert holm_levels([0.02, math.nan, 0.03], 0.05)[::2] == [0.025, 0.05]


def test_adjusted_values_decide_as_the_procedure_does() -> None:
    generator = np.random.default_rng(1)
    for _ in range(50):
        values = generator.uniform(0, 0.1, size=5).tolist()
        ordered, found = sorted(values), set()
        for rank, value in enumerate(ordered):  # Holm 1979: stop at the first that is not below its level
            if value >= 0.05 / (5 - rank):
                break
            found.add(value)
        assert {value for value, adjusted in zip(values, holm(values), strict=True) if adjusted < 0.05} == found


def test_student_is_the_paired_t_test_where_the_variance_is_that_of_a_mean() -> None:
    one, other = np.random.default_rng(0).normal(size=(2, 12))
    apart = one - other
    expected = ttest_rel(one, other)
    found = student(float(apart.mean()), float(apart.var(ddof=1)) / 12, 11, 0.95, "")
    interval = expected.confidence_interval(0.95)
    assert (found.p, found.low, found.high) == pytest.approx((expected.pvalue, interval.low, interval.high))
    assert corrected_resampled(apart.tolist(), 0.0, 0.95)[:4] == pytest.approx(found[:4])


def test_without_variance_equals_are_equal_and_others_have_no_interval() -> None:
    assert student(0.0, 0.0, math.inf, 0.95, "")[:4] == (0.0, 0.0, 0.0, 1.0)
    for spread, freedom in ((0.0, math.inf), (math.nan, math.inf), (0.1, 0.5)):
        assert math.isnan(student(0.2, spread, freedom, 0.95, "").p)


def test_a_correction_for_shared_training_images_widens_the_interval() -> None:
    differences = [0.01, 0.03, 0.02, 0.04, 0.05]
    widths = [np.ptp(corrected_resampled(differences, ratio, 0.95)[1:3]) for ratio in (0, 0.25, 0.5)]
    assert all(one < other for one, other in pairwise(widths))
    assert widths[1] / widths[0] == pytest.approx(math.sqrt((1 / 5 + 1 / 4) * 5))  # Nadeau and Bengio 2003, equation 7


def test_paired_proportions_have_test_and_interval_of_one_difference() -> None:
    found = paired_proportions(86, 150, 1600, 0.95)
    assert found.value == pytest.approx(-0.04)
    assert found.low < found.value < found.high < 0
    assert found.p < 0.001
