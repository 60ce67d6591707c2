"""The threshold at which a model is used, chosen on the validation subset by a declared rule.

The rules are those of operating_rule.py. Of two classes only. The test subset is never looked at here.
"""

from dataclasses import dataclass

import numpy as np

from skinlab.evaluation.metrics import Booleans, Floats, ratio
from skinlab.evaluation.operating_rule import DEFAULT, Rule
from skinlab.evaluation.ranking import Counts, counts_by_threshold


@dataclass(frozen=True)
class OperatingPoint:
    """The chosen threshold.

    Attributes:
        threshold: an image is called positive where its probability is at least this.
        why: why the rule could not be followed and the threshold is 0.5; None where it was.
    """

    threshold: float
    why: str | None = None


def choose(rule: Rule, positives: Booleans, scores: Floats) -> OperatingPoint:
    """Follow a rule on the validation subset.

    A threshold lies midway between the last called score and the next one, so that rounding in another engine moves no
    validation image across it. Of equally good thresholds the most sensitive one is taken.

    Args:
        rule: what to look for.
        positives: which validation images are of the positive class, bool [N].
        scores: their probability of the positive class, float64 [N].

    Returns:
        The threshold; 0.5 and the reason where the validation subset does not tell one.

    >>> from skinlab.evaluation.operating_rule import parse
    >>> scores = np.array([0.1, 0.4, 0.35, 0.8])
    >>> round(choose(parse("sensitivity>=0.95"), np.array([False, False, True, True]), scores).threshold, 3)
    0.225
    """
    if rule.kind == "threshold":
        return OperatingPoint(rule.level)
    if why := _undefined(positives, scores):
        return OperatingPoint(DEFAULT, why)
    counts = counts_by_threshold(positives, scores)
    thresholds, reachable = _between(counts.thresholds)
    first, second = (np.where(reachable, order, -np.inf) for order in _orders(rule, counts))
    best = np.lexsort([second, first])[-1]
    if not np.isfinite(first[best]):
        return OperatingPoint(DEFAULT, f"no threshold from 0 to 1 has {rule.text} on validation")
    return OperatingPoint(float(thresholds[best]))


def _undefined(positives: Booleans, scores: Floats) -> str | None:
    if not np.isfinite(scores).all():
        return "validation predictions are not finite numbers"
    if not len(positives):
        return "there is no validation image"
    if positives.all() or not positives.any():
        return f"no validation image is {'negative' if positives.all() else 'positive'}"
    return None


def _orders(rule: Rule, counts: Counts) -> tuple[Floats, Floats]:
    """What is made as large as can be over the thresholds, and what decides between equals."""
    sensitivity = ratio(counts.true_positives, counts.true_positives[-1])
    negatives = counts.false_positives[-1]
    specificity = ratio(negatives - counts.false_positives, negatives)
    if rule.kind == "sensitivity":
        return np.where(sensitivity >= rule.level, specificity, -np.inf), sensitivity
    if rule.kind == "specificity":
        return np.where(specificity >= rule.level, sensitivity, -np.inf), specificity
    if rule.kind == "youden":  # times both numbers of images, so that equals are equal
        kept = negatives - counts.false_positives
        return counts.true_positives * negatives + kept * counts.true_positives[-1], sensitivity
    missed = counts.true_positives[-1] - counts.true_positives
    return -(rule.costs[0] * missed + rule.costs[1] * counts.false_positives), sensitivity


def _between(scores: Floats) -> tuple[Floats, Booleans]:
    """A threshold in 0..1 that calls down to each score and not the next, and where there is none."""
    called = np.minimum(scores, 1.0)
    lower = np.append(called[1:], 0.0)
    middle = (called + lower) / 2
    # Neighbouring floats have nothing between them: then the called score itself is the threshold.
    thresholds = np.where(middle > lower, middle, called)
    return thresholds, (thresholds > lower) | (np.arange(len(scores)) == len(scores) - 1)
