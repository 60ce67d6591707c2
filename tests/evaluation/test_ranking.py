import math

import numpy as np
import pytest

from skinlab.evaluation import ranking
from tests.evaluation.test_metrics import predictions


@pytest.mark.parametrize("decimals", [0, 1, 2, 6])
def test_curves_and_areas_agree_with_scikit_learn_however_many_scores_tie(decimals):
    from sklearn import metrics as reference

    targets, probabilities = predictions(200, 2, seed=decimals, decimals=decimals)
    positives, scores = targets == 1, probabilities[:, 1]
    roc = ranking.roc_curve(positives, scores)
    for ours, theirs in zip(roc, reference.roc_curve(positives, scores, drop_intermediate=False), strict=True):
        np.testing.assert_allclose(ours, theirs)
    curve = ranking.precision_recall_curve(positives, scores)
    precision, recall, thresholds = reference.precision_recall_curve(positives, scores)
    np.testing.assert_allclose(curve.precision, precision[::-1])
    np.testing.assert_allclose(curve.recall, recall[::-1])
    np.testing.assert_allclose(curve.thresholds[1:], thresholds[::-1])
    assert ranking.roc_auc(positives, scores) == pytest.approx(reference.roc_auc_score(positives, scores))
    expected = reference.average_precision_score(positives, scores)
    assert ranking.average_precision(positives, scores) == pytest.approx(expected)


def test_auc_counts_ties_half_and_is_exact_for_perfect_rankings():
    positives = np.array([False, False, True, True])
    assert ranking.roc_auc(positives, np.full(4, 0.3)) == 0.5
    assert ranking.roc_auc(positives, np.array([0.1, 0.2, 0.2, 0.3])) == 3.5 / 4
    large = np.arange(30_011) >= 10_007
    assert ranking.roc_auc(large, np.linspace(0, 1, 30_011)) == 1.0
    assert ranking.roc_auc(large, np.linspace(1, 0, 30_011)) == 0.0


def test_macro_auc_is_undefined_where_a_class_is_missing():
    targets, probabilities = predictions(60, 3, seed=1)
    kept = targets != 2
    assert math.isnan(ranking.macro_roc_auc(targets[kept], probabilities[kept]))


def problems(count=200):
    """Random binary problems: 1 to 60 images, few or many ties, some with scores that are all alike."""
    for seed in range(count):
        generator = np.random.default_rng(seed)
        images = int(generator.integers(1, 61))
        positives = generator.random(images) < generator.uniform(0.1, 0.9)
        scores = np.clip((positives * generator.uniform(0, 0.6) + generator.random(images)) / 1.6, 0, 1)
        yield positives, scores.round(int(generator.choice([0, 1, 2, 6])))


def official_partial_auc(positives, scores):
    """As the challenge's own code: classes and scores are swapped, the curve is cut at a false-positive rate of 0.2."""
    from sklearn.metrics import auc, roc_curve

    fall_out, sensitivity, _ = roc_curve(~positives, -scores)
    stop = np.searchsorted(fall_out, 1 - 0.8, "right")
    at_cut = np.interp(1 - 0.8, fall_out[stop - 1 : stop + 1], sensitivity[stop - 1 : stop + 1])
    return auc(np.append(fall_out[:stop], 1 - 0.8), np.append(sensitivity[:stop], at_cut))


def test_areas_equal_scikit_learn_and_the_isic_2024_code_on_200_problems():
    from sklearn import metrics as reference

    compared = 0
    for positives, scores in problems():
        if positives.all() or not positives.any():
            assert math.isnan(ranking.roc_auc(positives, scores))
            assert math.isnan(ranking.partial_auc(positives, scores))
            continue
        compared += 1
        assert ranking.roc_auc(positives, scores) == pytest.approx(reference.roc_auc_score(positives, scores), abs=1e-9)
        expected = reference.average_precision_score(positives, scores)
        assert ranking.average_precision(positives, scores) == pytest.approx(expected, abs=1e-9)
        assert ranking.partial_auc(positives, scores) == pytest.approx(
            official_partial_auc(positives, scores), abs=1e-9
        )
    assert compared > 180


def test_points_are_the_best_that_a_threshold_reaches():
    for positives, scores in problems(60):
        if positives.all() or not positives.any():
            continue
        choices = [scores >= threshold for threshold in (*np.unique(scores), 2.0)]
        rates = [(called[positives].mean(), (~called[~positives]).mean()) for called in choices]
        for least in (0.5, 0.9, 0.95):
            best = max(sensitivity for sensitivity, specificity in rates if specificity >= least)
            assert ranking.sensitivity_at_specificity(positives, scores, least) == best
            best = max(specificity for sensitivity, specificity in rates if sensitivity >= least)
            assert ranking.specificity_at_sensitivity(positives, scores, least) == best


def test_a_level_that_is_reached_exactly_counts_as_reached():
    positives = np.arange(40) < 20
    scores = np.linspace(1, 0, 40)
    scores[19] = 0.0  # 19 of 20 positives are above all negatives: 0.95
    assert ranking.specificity_at_sensitivity(positives, scores, 0.95) == 1.0
    assert ranking.specificity_at_sensitivity(positives, scores, 0.96) == 0.0


def test_weights_count_an_image_as_often_as_they_say():
    for positives, scores in problems(40):
        generator = np.random.default_rng(len(scores))
        weights = generator.integers(0, 3, size=(4, len(scores))).astype(float)
        counts = ranking.counts_by_threshold(positives, scores, weights)
        for function, single in (
            (ranking.auc_of, ranking.roc_auc),
            (ranking.average_precision_of, ranking.average_precision),
            (ranking.partial_auc_of, ranking.partial_auc),
        ):
            repeated = [np.repeat(np.arange(len(scores)), row.astype(int)) for row in weights]
            expected = [single(positives[rows], scores[rows]) for rows in repeated]
            np.testing.assert_allclose(function(counts), expected, atol=1e-12)
