import numpy as np
import pytest

from skinlab.evaluation.operating_point import choose
from skinlab.evaluation.operating_rule import parse
from tests.evaluation.test_ranking import problems


def rates(positives, scores, threshold):
    called = scores >= threshold
    return called[positives].mean(), (~called[~positives]).mean()


def defined(count=80):
    return [problem for problem in problems(count) if problem[0].any() and not problem[0].all()]


def test_least_sensitivity_and_specificity_are_kept_at_the_best_of_the_other():
    for positives, scores in defined():
        choices = [rates(positives, scores, threshold) for threshold in np.unique(scores)]
        found = choose(parse("sensitivity>=0.9"), positives, scores)
        sensitivity, specificity = rates(positives, scores, found.threshold)
        assert sensitivity >= 0.9
        assert specificity == max(other for reached, other in choices if reached >= 0.9)
        found = choose(parse("specificity>=0.6"), positives, scores)
        sensitivity, specificity = rates(positives, scores, found.threshold)
        if found.why is None:
            assert specificity >= 0.6
            assert sensitivity == max([other for other, reached in choices if reached >= 0.6], default=0.0)


def test_youden_and_equal_costs_per_class_are_as_good_as_any_threshold():
    for positives, scores in defined():
        best = max(sum(rates(positives, scores, threshold)) for threshold in (*np.unique(scores), 2.0))
        found = choose(parse("youden"), positives, scores)
        assert sum(rates(positives, scores, found.threshold)) == pytest.approx(best)


def test_the_dearer_a_miss_the_lower_the_threshold():
    generator = np.random.default_rng(0)
    positives = generator.random(300) < 0.3
    scores = np.clip(0.3 * positives + 0.7 * generator.random(300), 0, 1)
    found = [choose(parse(f"cost(fn={fn},fp=1)"), positives, scores).threshold for fn in (0.1, 1, 10, 1000)]
    assert found == sorted(found, reverse=True)
    assert len(set(found)) > 2
    assert rates(positives, scores, found[-1])[0] == 1


def test_cost_is_the_smallest_of_all_thresholds():
    def cost(positives, scores, threshold):
        called = scores >= threshold
        return 3 * (positives & ~called).sum() + 2 * (~positives & called).sum()

    for positives, scores in defined():
        found = choose(parse("cost(fn=3,fp=2)"), positives, scores)
        thresholds = (*np.unique(scores), 2.0) if scores.max() < 1 else np.unique(scores)
        assert cost(positives, scores, found.threshold) == min(cost(positives, scores, t) for t in thresholds)


def test_threshold_lies_between_two_scores_in_0_to_1():
    for positives, scores in defined():
        for rule in ("sensitivity>=0.9", "specificity>=0.6", "youden", "cost(fn=10,fp=1)"):
            found = choose(parse(rule), positives, scores)
            assert 0 <= found.threshold <= 1
            others = set(np.round(scores, 9)) - {0.0, 1.0}
            assert round(found.threshold, 9) not in others or found.why


def test_a_fixed_threshold_asks_no_image():
    assert choose(parse(0.3), np.zeros(0, dtype=bool), np.zeros(0)).threshold == 0.3


@pytest.mark.parametrize(
    ("positives", "scores", "why"),
    [
        ([True, True], [0.2, 0.9], "no validation image is negative"),
        ([False], [0.2], "no validation image is positive"),
        ([True, False], [0.2, np.nan], "validation predictions are not finite numbers"),
        ([], [], "there is no validation image"),
        ([True, False], [1.0, 1.0], "no threshold from 0 to 1 has specificity>=0.9 on validation"),
    ],
)
def test_a_rule_that_cannot_be_followed_says_why_and_leaves_the_default(positives, scores, why):
    found = choose(parse("specificity>=0.9"), np.array(positives, dtype=bool), np.array(scores))
    assert (found.threshold, found.why) == (0.5, why)


def test_constant_scores_are_called_all_or_none():
    positives = np.array([True, False, False])
    assert choose(parse("sensitivity>=0.9"), positives, np.full(3, 0.4)).threshold == pytest.approx(0.2)
    assert choose(parse("specificity>=0.9"), positives, np.full(3, 0.4)).threshold == pytest.approx(0.7)
