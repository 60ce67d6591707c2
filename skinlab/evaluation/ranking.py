"""How well scores rank images: ROC and precision-recall curves, the areas under them, and points on them.

Everything is read off the counts of true and false positives by threshold. These can be of many resamples at once, so
that a bootstrap of a thousand of them costs a few passes over one matrix. What the images do not define is nan.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skinlab.evaluation.metrics import Booleans, Floats, Integers, ratio

ISIC_2024_SENSITIVITY = 0.8
"""The partial AUC of the ISIC 2024 challenge is the area above this sensitivity."""


class RocCurve(NamedTuple):
    """Operating points at falling thresholds, from (0, 0) to (1, 1); all arrays are float64 [points]."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    thresholds: Floats


class PrecisionRecallCurve(NamedTuple):
    """Operating points at falling thresholds, recall from 0 to 1; all arrays are float64 [points]."""

    recall: Floats
    precision: Floats
    thresholds: Floats


class Counts(NamedTuple):
    """Images called when all scores >= a threshold are, at falling thresholds: before the first, then at each score.

    Attributes:
        true_positives: whole numbers as float64 [..., points]; the last of each row is the number of positives.
        false_positives: the same of negatives.
        thresholds: float64 [points], the first is inf.
    """

    true_positives: Floats
    false_positives: Floats
    thresholds: Floats


def counts_by_threshold(positives: Booleans, scores: Floats, weights: Floats | None = None) -> Counts:
    """Counts by threshold: one point per distinct score, so images that tie enter together.

    Args:
        positives: which images are of the positive class, bool [N].
        scores: higher means more positive, float64 [N].
        weights: how often each image counts, whole numbers as float64 [..., N]; None: once.

    Returns:
        The counts, with the leading axes of `weights`.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    # A stable sort takes linear time on scores that are sorted already, as those of a summary are.
    order = np.argsort(scores, kind="stable")[::-1]
    falling, hits = scores[order], positives[order]
    last_of_tie = np.flatnonzero(falling != np.append(falling, np.nan)[1:])
    drawn = weights[..., order]
    true_positives = np.cumsum(drawn * hits, axis=-1)[..., last_of_tie]
    false_positives = np.cumsum(drawn * ~hits, axis=-1)[..., last_of_tie]
    thresholds = np.concatenate([[np.inf], falling[last_of_tie]])
    return Counts(_after_zero(true_positives), _after_zero(false_positives), thresholds)


# --- curves --------------------------------------------------------------------------------------------------------


def roc_curve(positives: Booleans, scores: Floats) -> RocCurve:
    """Receiver operating characteristic.

    Args:
        positives: which images are of the positive class, bool [N].
        scores: higher means more positive, float64 [N].

    Returns:
        The curve. A rate whose class has no image is nan.
    """
    counts = counts_by_threshold(positives, scores)
    return RocCurve(_rates(counts.false_positives), _rates(counts.true_positives), counts.thresholds)


def precision_recall_curve(positives: Booleans, scores: Floats) -> PrecisionRecallCurve:
    """Precision and recall at each distinct score, from the point (recall 0, precision 1) that no image is called.

    Args:
        positives: bool [N].
        scores: float64 [N].

    Returns:
        The curve. Recall is nan where no image is positive. It is to be drawn as steps, never as lines between points
        (Davis and Goadrich 2006).
    """
    counts = counts_by_threshold(positives, scores)
    called = counts.true_positives + counts.false_positives
    precisions = np.concatenate([[1.0], ratio(counts.true_positives[1:], called[1:])])
    return PrecisionRecallCurve(_rates(counts.true_positives), precisions, counts.thresholds)


# --- areas ---------------------------------------------------------------------------------------------------------


def auc_of(counts: Counts) -> Floats:
    """`roc_auc` of counts: float64 [...]."""
    true_positives, false_positives = counts.true_positives, counts.false_positives
    pairs = true_positives[..., -1] * false_positives[..., -1]
    # Whole numbers are summed, so that perfect ranking is exactly 1.0.
    heights = true_positives[..., 1:] + true_positives[..., :-1]
    return ratio(np.sum(np.diff(false_positives) * heights, axis=-1), 2 * pairs)


def roc_auc(positives: Booleans, scores: Floats) -> float:
    """Probability that a random positive image scores above a random negative one, ties counted half.

    The area under the trapezoids of `roc_curve` (Bamber 1975).

    Args:
        positives: bool [N].
        scores: float64 [N].

    Returns:
        The area; nan where one of the two classes has no image.

    >>> roc_auc(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    return float(auc_of(counts_by_threshold(positives, scores)))


def macro_roc_auc(targets: Integers, probabilities: Floats) -> float:
    """Mean over the classes of the one-versus-rest AUC, each class alike.

    Provost and Domingos (2000) weigh the classes by their prevalence instead; then a rare melanoma hardly counts.

    Args:
        targets: int64 [N].
        probabilities: float64 [N, C].

    Returns:
        The mean; nan where a class has no image, since a mean over fewer classes is another quantity.
    """
    return float(np.mean([roc_auc(targets == k, probabilities[:, k]) for k in range(probabilities.shape[1])]))


def partial_auc_of(counts: Counts, min_sensitivity: float = ISIC_2024_SENSITIVITY) -> Floats:
    """`partial_auc` of counts: float64 [...]."""
    sensitivity, fall_out = _rates(counts.true_positives), _rates(counts.false_positives)
    before, after = sensitivity[..., :-1], sensitivity[..., 1:]
    start = np.maximum(before, min_sensitivity)
    gain = np.maximum(after - start, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(gain > 0, (start - before) / (after - before), 0.0)
    at_start = fall_out[..., :-1] + share * np.diff(fall_out)
    return _where_defined(counts, np.sum(gain * (1 - (at_start + fall_out[..., 1:]) / 2), axis=-1))


def partial_auc(positives: Booleans, scores: Floats, min_sensitivity: float = ISIC_2024_SENSITIVITY) -> float:
    """Area between the ROC curve and the line of a least sensitivity, as the ISIC 2024 challenge scores.

    Not rescaled: from 0 to 1 - `min_sensitivity`; chance is half the square of that (0.02 above 80 %). The challenge's
    code (Kurtansky 2024) swaps the classes and cuts the swapped curve at a false-positive rate of 1 - sensitivity,
    which is this area.

    Args:
        positives: bool [N].
        scores: float64 [N].
        min_sensitivity: from where on the area counts, in 0..1.

    Returns:
        The area; nan where one of the two classes has no image.

    >>> round(partial_auc(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8])), 3)
    0.1
    """
    return float(partial_auc_of(counts_by_threshold(positives, scores), min_sensitivity))


def average_precision_of(counts: Counts) -> Floats:
    """`average_precision` of counts: float64 [...]."""
    true_positives = counts.true_positives
    called = true_positives[..., 1:] + counts.false_positives[..., 1:]
    # Before the first called image of a resample nothing is gained, and precision is 0 / 0.
    precisions = np.nan_to_num(ratio(true_positives[..., 1:], called))
    return _where_defined(counts, np.sum(np.diff(_rates(true_positives)) * precisions, axis=-1))


def average_precision(positives: Booleans, scores: Floats) -> float:
    """Area under the steps of the precision-recall curve: sum of precision times gain in recall, as scikit-learn's.

    Its value for chance is the prevalence, not 0.5.

    Args:
        positives: bool [N].
        scores: float64 [N].

    Returns:
        The area; nan where one of the two classes has no image.

    >>> average_precision(np.array([False, True, True]), np.array([0.5, 0.4, 0.8]))
    0.8333333333333333
    """
    return float(average_precision_of(counts_by_threshold(positives, scores)))


# --- points --------------------------------------------------------------------------------------------------------


def sensitivity_at_of(counts: Counts, min_specificity: float) -> Floats:
    """`sensitivity_at_specificity` of counts: float64 [...]."""
    kept = counts.false_positives[..., -1:] - counts.false_positives
    return _best_where(_rates(counts.true_positives), ratio(kept, kept[..., :1]), min_specificity, counts)


def sensitivity_at_specificity(positives: Booleans, scores: Floats, min_specificity: float) -> float:
    """The highest sensitivity of the thresholds whose specificity is at least so much.

    Thresholds are the scores themselves: nothing is interpolated, and calling no image is one of the choices.

    Args:
        positives: bool [N].
        scores: float64 [N].
        min_specificity: in 0..1.

    Returns:
        The sensitivity; nan where one of the two classes has no image.

    >>> sensitivity_at_specificity(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]), 0.9)
    0.5
    """
    return float(sensitivity_at_of(counts_by_threshold(positives, scores), min_specificity))


def specificity_at_of(counts: Counts, min_sensitivity: float) -> Floats:
    """`specificity_at_sensitivity` of counts: float64 [...]."""
    kept = counts.false_positives[..., -1:] - counts.false_positives
    return _best_where(ratio(kept, kept[..., :1]), _rates(counts.true_positives), min_sensitivity, counts)


def specificity_at_sensitivity(positives: Booleans, scores: Floats, min_sensitivity: float) -> float:
    """The highest specificity of the thresholds whose sensitivity is at least so much; as the one above, reversed.

    >>> specificity_at_sensitivity(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]), 0.95)
    0.5
    """
    return float(specificity_at_of(counts_by_threshold(positives, scores), min_sensitivity))


# --- shared --------------------------------------------------------------------------------------------------------


def _after_zero(counts: Floats) -> Floats:
    return np.concatenate([np.zeros((*counts.shape[:-1], 1)), counts], axis=-1)


def _rates(counts: Floats) -> Floats:
    return ratio(counts, counts[..., -1:])


def _best_where(wanted: Floats, held: Floats, least: float, counts: Counts) -> Floats:
    return _where_defined(counts, np.max(np.where(held >= least, wanted, 0.0), axis=-1))


def _where_defined(counts: Counts, values: NDArray[np.float64]) -> Floats:
    both = (counts.true_positives[..., -1] > 0) & (counts.false_positives[..., -1] > 0)
    return np.where(both, values, np.nan)
