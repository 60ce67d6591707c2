import math

import numpy as np
import pytest
from numpy.typing import NDArray

from skinlab.comparison.sampling import Areas, Images, Resamples, Shares, all_values, sampled
from skinlab.comparison.seeds import difference_of
from skinlab.comparison.statistics import student
from skinlab.evaluation import metrics
from skinlab.evaluation.scores import Levels, column

LEVELS = Levels(specificity=0.9, sensitivity=0.95)
# DeLong, DeLong and Clarke-Pearson 1988: albumin, total protein, K-G score, and whether the bowel was obstructed after
# surgery (0), of 43 patients with ovarian cancer without missing values, as in example 8 of SAS PROC LOGISTIC.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""


def of_scores(
    positives: NDArray[np.bool_], scores: list[NDArray[np.float64]], groups: list[str | None] | None = None
) -> Images:
    """Two classes, and models that give these scores to the positive one."""
    none: list[str | None] = [None] * len(positives)
    return Images(
        targets=positives.astype(np.int64),
        groups=groups or none,
        probabilities=[np.stack([1 - of, of], axis=1) for of in scores],
        thresholds=[0.5] * len(scores),
        positive=1,
        levels=LEVELS,
    )


def models(images: int, count: int = 3, seed: int = 0) -> Images:
    generator = np.random.default_rng(seed)
    positives = np.arange(images) % 3 == 0
    shared = generator.normal(size=images) + 1.5 * positives
    logits = [shared + generator.normal(size=images) - 0.5 for _ in range(count)]
    return of_scores(positives, [1 / (1 + np.exp(-of)) for of in logits])


def defined(positives: NDArray[np.bool_], one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """Difference of the AUCs and its variance by the definition, image by image."""

    def components(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        wins = (scores[positives][:, None] > scores[~positives]) + 0.5 * (
            scores[positives][:, None] == scores[~positives]
        )
        return wins.mean(axis=1), wins.mean(axis=0)

    (first_up, first_down), (second_up, second_down) = components(one), components(other)
    spread = (first_up - second_up).var(ddof=1) / positives.sum() + (first_down - second_down).var(ddof=1) / (
        ~positives
    ).sum()
    return float(first_up.mean() - second_up.mean()), float(spread)


# "ROC Contrast Estimation and Testing Results" there: estimate, standard error, 95 % limits, p.
@pytest.mark.parametrize(
    ("column_of", "estimate", "error", "low", "high", "p"),
    [(0, 0.0108, 0.0953, -0.1761, 0.1976, 0.9102), (1, -0.0780, 0.1046, -0.2830, 0.1271, 0.4561)],
)
def test_delong_gives_published_values(
    column_of: int, estimate: float, error: float, low: float, high: float, p: float
) -> None:
    table = np.array(OVARIAN.split(), dtype=float).reshape(-1, 4)
    positives, score = table[:, 3] == 0, table[:, 2]
    areas = Areas(of_scores(positives, [-table[:, column_of], score]), 1)
    effect = difference_of(areas, [0], [1])
    found = student(effect.value, effect.variance, effect.freedom, 0.95, areas.method)
    assert (found.value, math.sqrt(effect.variance)) == pytest.approx((estimate, error), abs=5e-5)
    assert (found.low, found.high, found.p) == pytest.approx((low, high, p), abs=5e-5)
    assert (found.value, effect.variance) == pytest.approx(defined(positives, -table[:, column_of], score), abs=1e-12)


def test_images_that_are_there_twice_under_one_group_say_no_more_than_once() -> None:
    once = models(90)
    names: list[str | None] = [f"lesion {row}" for row in range(90)] * 2
    twice = of_scores(
        np.tile(once.targets == 1, 2), [np.tile(found[:, 1], 2) for found in once.probabilities], groups=names
    )
    for metric in ("auc", "accuracy", "sensitivity", "specificity"):
        single, double = sampled(metric, once, 100), sampled(metric, twice, 100)
        assert double.method.endswith("clustered")
        assert double.values == pytest.approx(single.values)
        assert double.covariance(0, 1) == pytest.approx(single.covariance(0, 1))


def test_bootstrap_and_closed_forms_agree() -> None:
    images = models(200)
    for metric, closed in (("auc", Areas(images, 1)), ("sensitivity", Shares("sensitivity", images))):
        drawn = Resamples(metric, images, 1500)
        assert drawn.values == pytest.approx(closed.values)
        for pair in ((0, 0), (0, 1), (1, 2)):
            assert drawn.covariance(*pair) == pytest.approx(closed.covariance(*pair), rel=0.15)


def test_a_proportion_counts_discordant_images_of_its_own_class_only() -> None:
    positives = np.array([True, True, True, False, False])
    images = of_scores(positives, [np.array([0.9, 0.9, 0.1, 0.9, 0.1]), np.array([0.9, 0.1, 0.9, 0.1, 0.1])])
    assert Shares("accuracy", images).discordant(0, 1) == (1, 2)
    assert Shares("sensitivity", images).discordant(0, 1) == (1, 1)
    assert Shares("specificity", images).discordant(0, 1) == (0, 1)
    assert Shares("accuracy", images).values == [0.6, 0.8]


@pytest.mark.parametrize("metric", ["auc", "balanced_accuracy"])
def test_without_a_positive_class_models_are_compared_over_all_classes(metric: str) -> None:
    """The spread of a difference over the shared resamples allows for how alike the models are."""
    generator = np.random.default_rng(1)
    targets = np.arange(240) % 3
    logits = generator.normal(size=(240, 3)) + 1.5 * np.eye(3)[targets]
    near, far = (logits + size * generator.normal(size=(240, 3)) for size in (0.05, 2.0))
    found = [np.exp(values) / np.exp(values).sum(axis=1, keepdims=True) for values in (logits, near, far)]
    made = sampled(metric, Images(targets, [None] * 240, found, [0.5] * 3, None, LEVELS), 300)
    spread = [made.covariance(0, 0) + made.covariance(k, k) - 2 * made.covariance(0, k) for k in (1, 2)]
    assert made.method == "bootstrap, paired"
    assert made.values[0] > made.values[2]
    assert 0 < spread[0] < 0.2 * spread[1]


def test_every_metric_is_the_one_of_a_summary_also_of_several_classes() -> None:
    generator = np.random.default_rng(3)
    targets = np.arange(60) % 3
    logits = generator.normal(size=(60, 3)) + 2 * np.eye(3)[targets]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    images = Images(targets, [None] * 60, [probabilities], [0.5], 1, LEVELS)
    decisions = metrics.decide(probabilities, 1, 0.5)
    values = all_values(images)[0]
    assert values[column("accuracy", 3, 1)] == pytest.approx(np.mean(decisions == targets))
    assert values[column("sensitivity", 3, 1)] == pytest.approx(np.mean(decisions[targets == 1] == 1))
    assert sampled("sensitivity", images, 50).values[0] == pytest.approx(values[column("sensitivity", 3, 1)])
    assert sampled("specificity", images, 50).values[0] == pytest.approx(values[column("specificity", 3, 1)])
    assert sampled("auc", images, 50).values[0] == pytest.approx(values[column("auc", 3, 1)])
    assert isinstance(sampled("auc", images, 50), Resamples)


def test_what_the_images_do_not_define_has_no_covariance() -> None:
    images = of_scores(np.array([True, True, True]), [np.array([0.1, 0.5, 0.9])] * 2)
    assert math.isnan(sampled("auc", images, 50).covariance(0, 1))
    assert math.isnan(sampled("specificity", images, 50).covariance(0, 1))
    assert math.isnan(sampled("average_precision", images, 50).covariance(0, 1))
