import math
from statistics import NormalDist

import numpy as np
import pytest

from skinlab.evaluation import intervals
from skinlab.evaluation.ranking import roc_auc


def binormal(generator, positives, negatives, auc):
    """Labels and scores of a model whose true AUC is known."""
    distance = math.sqrt(2) * NormalDist().inv_cdf(auc)
    scores = np.concatenate([generator.normal(distance, size=positives), generator.normal(size=negatives)])
    return np.arange(positives + negatives) < positives, scores


# Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3; 15 of 20: R's
# prop.test(15, 20, correct = FALSE).
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (15, 20, 0.5313, 0.8881),
    ],
)
def test_wilson_gives_published_values(successes, trials, low, high):
    found = intervals.wilson(successes, trials, 0.95)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


def test_wilson_is_symmetric_exact_at_the_ends_and_undefined_without_trials():
    assert intervals.wilson(0, 7, 0.95).low == 0.0
    assert intervals.wilson(7, 7, 0.95).high == 1.0
    few, many = intervals.wilson(3, 20, 0.9), intervals.wilson(17, 20, 0.9)
    assert (few.low, few.high) == pytest.approx((1 - many.high, 1 - many.low))
    assert math.isnan(intervals.wilson(0, 0, 0.95).low)


def test_clustered_wilson_is_wilson_where_every_image_is_its_own_unit_up_to_the_correction():
    hits = np.arange(400) < 300
    plain, clustered = intervals.wilson(300, 400, 0.95), intervals.wilson_clustered(hits, np.arange(400), 0.95)
    assert (clustered.low, clustered.high) == pytest.approx((plain.low, plain.high), abs=1e-4)


@pytest.mark.parametrize("hits", [[True] * 6 + [False] * 4, [True] * 10])
def test_clustered_wilson_does_not_shrink_when_every_image_is_there_five_times(hits):
    once = intervals.wilson_clustered(np.array(hits), np.arange(10), 0.95)
    often = intervals.wilson_clustered(np.repeat(hits, 5), np.repeat(np.arange(10), 5), 0.95)
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=1e-12)
    assert often.high - often.low > 1.5 * np.ptp(intervals.wilson(5 * sum(hits), 50, 0.95)[:2])


def test_clustered_wilson_never_claims_more_images_than_there_are():
    hits, units = (
        np.tile([True, False], 20),
        np.repeat(np.arange(20), 2),
    )  # each unit half and half: negative correlation
    assert intervals.wilson_clustered(hits, units, 0.95)[:2] == intervals.wilson(20, 40, 0.95)[:2]


def test_clustered_wilson_of_a_single_unit_counts_it_once():
    found = intervals.wilson_clustered(np.array([True, False]), np.zeros(2, dtype=np.int64), 0.95)
    assert found[:2] == intervals.wilson(0.5, 1, 0.95)[:2]


def test_clustered_wilson_keeps_its_level_where_the_plain_one_does_not():
    generator = np.random.default_rng(5)
    covered = {"plain": 0, "clustered": 0}
    for _ in range(600):
        sizes = generator.integers(1, 5, size=60)
        chances = generator.beta(0.85 * 0.5, 0.15 * 0.5, size=60)  # correlation 1 / (1 + 0.5) within a unit
        units = np.repeat(np.arange(60), sizes)
        hits = generator.random(len(units)) < chances[units]
        plain = intervals.wilson(int(hits.sum()), len(hits), 0.95)
        clustered = intervals.wilson_clustered(hits, units, 0.95)
        covered["plain"] += plain.low <= 0.85 <= plain.high
        covered["clustered"] += clustered.low <= 0.85 <= clustered.high
    assert covered["clustered"] / 600 == pytest.approx(0.95, abs=0.03)
    assert covered["plain"] / 600 < 0.88


def slow_components(positives, scores):
    """DeLong's definition, pair by pair."""
    pairs = np.array([[(x > y) + 0.5 * (x == y) for y in scores[~positives]] for x in scores[positives]])
    return pairs.mean(axis=1), pairs.mean(axis=0)


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_components_and_variance_are_those_of_the_pairwise_definition(decimals):
    positives, scores = binormal(np.random.default_rng(decimals), 23, 41, 0.8)
    shuffled = np.random.default_rng(1).permutation(len(scores))
    positives, scores = positives[shuffled], scores.round(decimals)[shuffled]
    above, below = slow_components(positives, scores)
    for fast, slow in zip(intervals.structural_components(positives, scores), (above, below), strict=True):
        np.testing.assert_allclose(fast, slow)
    expected = above.var(ddof=1) / 23 + below.var(ddof=1) / 41
    assert intervals.delong_variance(positives, scores) == pytest.approx(expected)
    assert above.mean() == pytest.approx(roc_auc(positives, scores))


@pytest.mark.parametrize(("positives", "negatives", "auc"), [(40, 40, 0.85), (25, 100, 0.92)])
def test_delong_covers_the_true_auc_as_often_as_it_says(positives, negatives, auc):
    generator = np.random.default_rng(11)
    found = [intervals.delong(*binormal(generator, positives, negatives, auc), 0.9) for _ in range(800)]
    misses = np.array([[auc < interval.low, auc > interval.high] for interval in found]).mean(axis=0)
    assert 1 - misses.sum() == pytest.approx(0.9, abs=0.03)
    assert misses.max() < 0.08  # both tails, not one alone


def test_delong_of_units_does_not_shrink_when_every_image_is_there_five_times():
    positives, scores = binormal(np.random.default_rng(2), 30, 30, 0.85)
    units = np.arange(60)
    once = intervals.delong(positives, scores, 0.95, units)
    often = intervals.delong(*(np.repeat(column, 5) for column in (positives, scores)), 0.95, np.repeat(units, 5))
    ignorant = intervals.delong(np.repeat(positives, 5), np.repeat(scores, 5), 0.95)
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert ignorant.high - ignorant.low < 0.6 * (often.high - often.low)
    assert (once.method, often.method, ignorant.method) == ("DeLong, clustered", "DeLong, clustered", "DeLong")


def test_delong_of_units_agrees_with_a_bootstrap_of_units_that_hold_both_classes():
    generator = np.random.default_rng(8)
    units = np.repeat(np.arange(150), 4)
    positives = generator.random(600) < 0.4
    scores = positives + generator.normal(scale=0.8, size=150)[units] + generator.normal(scale=0.8, size=600)
    drawn = []
    for _ in range(600):
        rows = (4 * generator.integers(150, size=150)[:, None] + np.arange(4)).ravel()
        drawn.append(roc_auc(positives[rows], scores[rows]))
    assert intervals.delong_variance(positives, scores, units) == pytest.approx(np.var(drawn), rel=0.2)


def test_a_perfect_or_constant_ranking_of_few_images_is_not_called_certain():
    positives = np.arange(20) < 10
    for scores, auc in ((positives * 1.0, 1.0), (~positives * 1.0, 0.0), (np.zeros(20), 0.5)):
        found = intervals.delong(positives, scores, 0.95)
        assert found.method == "Newcombe"
        assert found.low <= auc <= found.high
        assert found.high - found.low > 0.1
    assert intervals.delong(positives, positives * 1.0, 0.95).high == 1.0
    assert intervals.delong(positives, ~positives * 1.0, 0.95).low == 0.0


def test_newcombe_counts_units_and_not_images_where_images_share_them():
    positives = np.arange(40) < 20
    found = intervals.delong(positives, positives * 1.0, 0.95, units=np.arange(40) // 4)
    assert found == (*intervals.newcombe(1.0, 5, 5, 0.95)[:2], "Newcombe, clustered")


def test_newcombe_bounds_solve_its_equation_and_mirror():
    found = intervals.newcombe(0.8, 20, 30, 0.95)
    for bound in (found.low, found.high):
        # The variance of Hanley and McNeil at the bound, with the mean of the counts in place of each.
        first, second = bound / (2 - bound), 2 * bound**2 / (1 + bound)
        variance = (bound * (1 - bound) + 24 * (first + second - 2 * bound**2)) / 600
        assert abs(bound - 0.8) == pytest.approx(1.959964 * math.sqrt(variance), rel=1e-6)
    mirrored = intervals.newcombe(0.2, 20, 30, 0.95)
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize(("positives", "negatives"), [(0, 5), (5, 0), (0, 0)])
def test_auc_interval_of_one_class_is_nan(positives, negatives):
    labels = np.arange(positives + negatives) < positives
    found = intervals.delong(labels, np.linspace(0, 1, len(labels)), 0.95)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_auc_of_a_single_positive_image_has_an_interval():
    found = intervals.delong(np.arange(11) == 10, np.append(np.linspace(0, 1, 10), 0.75), 0.95)
    assert found.method == "Newcombe"
    assert 0 < found.low < 0.75 < found.high < 1


def test_known_groups_are_units_whatever_their_order_and_unknown_ones_stay_alone():
    assert intervals.unit_codes(["b", None, "a", None, "b"], 5).tolist() == [1, 2, 0, 3, 1]
    assert intervals.unit_codes(None, 3).tolist() == [0, 1, 2]


def means_of(values):
    return lambda drawn: (drawn @ values / np.maximum(drawn.sum(axis=1), 1))[:, None]


def mean_interval(values, groups, **changes):
    settings = {"resamples": 1000, "confidence": 0.95, "seed": 3} | changes
    low, high = intervals.bootstrap(means_of(values), len(values), groups, **settings)
    return low[0], high[0]


def test_bootstrap_of_a_mean_agrees_with_the_normal_interval():
    values = np.random.default_rng(0).normal(size=400)
    half = 1.96 * values.std() / 20
    assert mean_interval(values, None, resamples=4000) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.012
    )


def test_bootstrap_of_groups_does_not_shrink_when_every_image_is_there_five_times():
    values = np.random.default_rng(1).normal(size=60)
    groups = [f"lesion {code}" for code in range(60)]
    once = mean_interval(values, groups)
    often = mean_interval(np.repeat(values, 5), np.repeat(groups, 5).tolist())
    ignorant = mean_interval(np.repeat(values, 5), None)
    assert often == pytest.approx(once)
    assert np.ptp(ignorant) < 0.6 * np.ptp(often)


def test_bootstrap_does_not_depend_on_the_order_of_grouped_rows():
    generator = np.random.default_rng(4)
    values = generator.integers(0, 9, size=90).astype(float)
    groups = [f"g{code}" for code in generator.integers(0, 40, size=90)]
    order = generator.permutation(90)
    assert mean_interval(values[order], [groups[row] for row in order]) == mean_interval(values, groups)


def test_bootstrap_is_a_function_of_its_seed():
    values = np.random.default_rng(1).normal(size=50)
    assert mean_interval(values, None, seed=1) == mean_interval(values, None, seed=1)
    assert mean_interval(values, None, seed=1) != mean_interval(values, None, seed=2)


def drawn_counts(rows, groups, strata, resamples=50):
    """How often each row is in each resample."""
    seen = []

    def statistic(drawn):
        seen.append(drawn)
        return np.zeros((len(drawn), 1))

    settings = {"resamples": resamples, "confidence": 0.95, "seed": 1}
    intervals.bootstrap(statistic, rows, groups, strata=strata, **settings)
    return np.concatenate(seen)


def test_bootstrap_draws_as_many_units_of_each_stratum_as_there_are():
    strata = np.array([0] * 12 + [1] * 3)
    drawn = drawn_counts(15, None, strata)
    assert drawn.shape == (50, 15)
    assert set(drawn[:, :12].sum(axis=1)) == {12}
    assert set(drawn[:, 12:].sum(axis=1)) == {3}
    assert len({tuple(row) for row in drawn.tolist()}) == 50


def test_unit_of_both_strata_counts_for_the_rarer():
    strata = np.array([0, 0, 0, 0, 1, 0, 1])
    groups = ["a", "b", "c", "d", "d", "e", "e"]  # a, b, c hold stratum 0 alone; d and e hold both
    drawn = drawn_counts(7, groups, strata)
    assert set(drawn[:, :3].sum(axis=1)) == {3}
    assert set(drawn[:, 3:].sum(axis=1)) == {4}


def test_rows_of_a_group_are_drawn_equally_often():
    drawn = drawn_counts(30, [f"g{row % 7}" for row in range(30)], None)
    assert all((drawn[:, row] == drawn[:, row % 7]).all() for row in range(30))


def test_what_is_drawn_does_not_depend_on_how_much_is_drawn_at_once(monkeypatch):
    strata = np.arange(40) % 3
    whole = drawn_counts(40, None, strata)
    monkeypatch.setattr(intervals, "DRAWN_AT_ONCE", 7 * 40)
    np.testing.assert_array_equal(drawn_counts(40, None, strata), whole)


def test_several_statistics_share_their_resamples():
    values = np.random.default_rng(1).normal(size=40)

    def statistic(drawn):
        means = drawn @ values / 40
        return np.stack([means, 1 - means], axis=1)

    low, high = intervals.bootstrap(statistic, 40, None, resamples=300, confidence=0.9, seed=1)
    assert (1 - low[1], 1 - high[1]) == pytest.approx((high[0], low[0]))


def test_undefined_resamples_are_left_out_until_they_are_the_most():
    def interval(undefined_below):
        def statistic(drawn):
            means = drawn @ np.arange(100.0) / 100
            return np.where(means > undefined_below, means, math.nan)[:, None]

        return intervals.bootstrap(statistic, 100, None, resamples=400, confidence=0.95, seed=1)

    assert interval(45).low[0] > 45
    assert math.isnan(interval(52).low[0])


def ranged(values, top, freedom=29.0, scale=1.0, confidence=0.95):
    ranges = intervals.Ranges(np.array([top]), np.array([freedom]))

    def statistic(drawn):
        return scale * means_of(values)(drawn)

    settings = {"resamples": 400, "confidence": confidence, "seed": 1}
    low, high = intervals.bootstrap(statistic, len(values), None, ranges=ranges, **settings)
    return low[0], high[0]


def test_an_interval_of_a_range_stays_within_it_and_leans_to_its_middle():
    values = np.random.default_rng(0).beta(6, 0.4, size=30)
    low, high = ranged(values, 1.0)
    assert 0 < low < values.mean() < high < 1
    assert values.mean() - low > high - values.mean()
    scaled = ranged(values, 0.2, scale=0.2)
    assert scaled == pytest.approx((0.2 * low, 0.2 * high))


def test_an_open_range_gives_factors():
    values = np.random.default_rng(0).exponential(size=30)
    low, high = ranged(values, math.inf)
    assert low * high == pytest.approx(values.mean() ** 2)
    assert 0 < low < values.mean() < high


def test_fewer_units_give_a_wider_interval_and_a_single_one_none():
    values = np.random.default_rng(0).beta(6, 2, size=30)
    many, few = (ranged(values, 1.0, freedom) for freedom in (29.0, 2.0))
    assert np.ptp(few) > 1.5 * np.ptp(many)
    assert all(map(math.isnan, ranged(values, 1.0, freedom=0.0)))


def test_an_interval_that_reaches_very_far_stays_a_number():
    values = np.zeros(20)
    values[0] = 1.0
    assert np.isfinite(ranged(values, math.inf, freedom=1.0, confidence=0.99999)).all()


def test_a_value_at_the_end_of_its_range_has_percentiles():
    assert all(map(math.isnan, ranged(np.ones(20), 1.0)))  # of resamples that are all alike: none
    assert ranged(np.tile([0.0, 1.0], 10), 0.5, scale=1.0) == pytest.approx(
        mean_interval(np.tile([0.0, 1.0], 10), None, resamples=400, seed=1)
    )


def test_resamples_that_are_all_alike_give_no_interval():
    low, high = mean_interval(np.ones(30), None)
    assert math.isnan(low)
    assert math.isnan(high)


def test_bootstrap_without_rows_gives_no_interval():
    low, _ = intervals.bootstrap(means_of(np.zeros(0)), 0, None, resamples=5, confidence=0.95, seed=1)
    assert math.isnan(low[0])
