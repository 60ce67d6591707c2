"""What the numbers of a classifier are: pure functions of arrays, without intervals and without files.

Two families. Metrics of decisions take a confusion matrix, so that a bootstrap counts once and reads many of them;
metrics of scores take the true classes and the probabilities. A number that the images do not define (the sensitivity
without a positive image, the AUC of one class) is nan, never an exception and never a convention such as 0 or 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

# Probabilities below this count as this in the log loss: the smallest relative step of float64, as scikit-learn does.
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


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


# --- decisions -----------------------------------------------------------------------------------------------------


def decide(probabilities: Floats, positive: int, threshold: float) -> Integers:
    """The class that each image is called.

    Args:
        probabilities: float64 [N, C].
        positive: index of the positive class; matters for two classes only.
        threshold: of two classes, an image is positive where its probability is at least this; of more, the most
            probable class is taken (the first of equals).

    Returns:
        int64 [N].

    >>> decide(np.array([[0.5, 0.5], [0.6, 0.4]]), positive=1, threshold=0.5).tolist()
    [1, 0]
    """
    if probabilities.shape[1] == 2:  # noqa: PLR2004 - two classes
        return np.where(probabilities[:, positive] >= threshold, positive, 1 - positive).astype(np.int64)
    most_probable: Integers = probabilities.argmax(axis=1)
    return most_probable


def confusion_matrix(targets: Integers, decisions: Integers, classes: int) -> Integers:
    """Images counted by true class (rows) and decision (columns).

    Args:
        targets: true classes, int64 [N] in 0..classes-1.
        decisions: int64 [N] in 0..classes-1.
        classes: how many classes there are, C.

    Returns:
        int64 [C, C].

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    counts: Integers = np.bincount(targets * classes + decisions, minlength=classes * classes)
    return counts.reshape(classes, classes)


def accuracy(matrix: Integers) -> float:
    """Fraction of the images that are called what they are.

    >>> accuracy(np.array([[1, 1], [0, 2]]))
    0.75
    """
    return float(_ratio(np.trace(matrix), matrix.sum()))


def sensitivity(matrix: Integers) -> Floats:
    """Of the images of each class, the fraction called so (recall, true-positive rate): float64 [C].

    >>> sensitivity(np.array([[1, 1], [0, 2]])).tolist()
    [0.5, 1.0]
    """
    return _ratio(np.diag(matrix), matrix.sum(axis=1))


def specificity(matrix: Integers) -> Floats:
    """Of the images of all other classes, the fraction not called this class (true-negative rate): float64 [C]."""
    others = matrix.sum() - matrix.sum(axis=1)
    false_positives = matrix.sum(axis=0) - np.diag(matrix)
    return _ratio(others - false_positives, others)


def precision(matrix: Integers) -> Floats:
    """Of the images called each class, the fraction that are (positive predictive value): float64 [C]."""
    return _ratio(np.diag(matrix), matrix.sum(axis=0))


def f1(matrix: Integers) -> Floats:
    """Harmonic mean of precision and sensitivity, 2 TP / (2 TP + FP + FN): float64 [C].

    Zero where the class occurs but is never called rightly; nan where it neither occurs nor is called.
    """
    return _ratio(2 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def balanced_accuracy(matrix: Integers) -> float:
    """Mean sensitivity over the classes, so that each class counts alike (Brodersen et al. 2010); nan if one is absent.

    >>> balanced_accuracy(np.array([[1, 1], [0, 2]]))
    0.75
    """
    return float(sensitivity(matrix).mean())


# --- ranking -------------------------------------------------------------------------------------------------------


def roc_curve(positives: Booleans, scores: Floats) -> RocCurve:
    """Receiver operating characteristic: one point per distinct score, so images that tie enter together.

    Args:
        positives: which images are of the positive class, bool [N].
        scores: higher means more positive, float64 [N].

    Returns:
        The curve. A rate whose class has no image is nan.
    """
    true_positives, false_positives, thresholds = _counts_by_threshold(positives, scores)
    return RocCurve(
        _ratio(false_positives, false_positives[-1]), _ratio(true_positives, true_positives[-1]), thresholds
    )


def roc_auc(positives: Booleans, scores: Floats) -> float:
    """Probability that a random positive image scores above a random negative one, ties counted half.

    The area under the trapezoids of `roc_curve` (Bamber 1975). Integer counts are summed, so that perfect ranking is
    exactly 1.0.

    Args:
        positives: bool [N].
        scores: float64 [N].

    Returns:
        The area; nan where one of the two classes has no image.

    >>> roc_auc(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    0.75
    """
    true_positives, false_positives, _ = _counts_by_threshold(positives, scores)
    pairs = int(true_positives[-1]) * int(false_positives[-1])
    twice_area = np.sum(np.diff(false_positives) * (true_positives[1:] + true_positives[:-1]))
    return int(twice_area) / (2 * pairs) if pairs else float("nan")


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


def precision_recall_curve(positives: Booleans, scores: Floats) -> PrecisionRecallCurve:
    """Precision and recall at each distinct score, from the point (recall 0, precision 1) that no image is called.

    Args:
        positives: bool [N].
        scores: float64 [N].

    Returns:
        The curve. Recall is nan where no image is positive. It is to be drawn as steps, never as lines between points
        (Davis and Goadrich 2006).
    """
    true_positives, false_positives, thresholds = _counts_by_threshold(positives, scores)
    called = true_positives + false_positives
    precisions = np.concatenate([[1.0], _ratio(true_positives[1:], called[1:])])
    return PrecisionRecallCurve(_ratio(true_positives, true_positives[-1]), precisions, thresholds)


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
    if positives.all() or not positives.any():
        return float("nan")
    curve = precision_recall_curve(positives, scores)
    return float(np.sum(np.diff(curve.recall) * curve.precision[1:]))


# --- probabilities -------------------------------------------------------------------------------------------------


def log_losses(targets: Integers, probabilities: Floats) -> Floats:
    """Negative log-likelihood of each image's true class, in nats: float64 [N].

    Args:
        targets: int64 [N].
        probabilities: float64 [N, C]; below `SMALLEST_PROBABILITY` they count as that, so no image weighs infinitely.
    """
    chosen = probabilities[np.arange(len(targets)), targets]
    return -np.log(np.maximum(chosen, SMALLEST_PROBABILITY))


def log_loss(targets: Integers, probabilities: Floats) -> float:
    """Mean of `log_losses`; nan without images.

    >>> round(log_loss(np.array([1]), np.array([[0.5, 0.5]])), 4)
    0.6931
    """
    return _mean(log_losses(targets, probabilities))


def squared_errors(targets: Integers, probabilities: Floats) -> Floats:
    """Squared distance of each image's probabilities to its true class: float64 [N].

    Of two classes, (p - y)^2 of one of them, Brier's usual form in 0..1; of more, the sum over the classes, in 0..2.
    scikit-learn calls this `scale_by_half="auto"`.
    """
    distances: Floats = np.square(probabilities - np.eye(probabilities.shape[1])[targets]).sum(axis=1)
    return distances / 2 if probabilities.shape[1] == 2 else distances  # noqa: PLR2004 - two classes


def brier(targets: Integers, probabilities: Floats) -> float:
    """Mean of `squared_errors` (Brier 1950); nan without images.

    >>> brier(np.array([1, 0]), np.array([[0.5, 0.5], [1.0, 0.0]]))
    0.125
    """
    return _mean(squared_errors(targets, probabilities))


# --- shared --------------------------------------------------------------------------------------------------------


def _counts_by_threshold(positives: Booleans, scores: Floats) -> tuple[Integers, Integers, Floats]:
    """True and false positives when all scores >= threshold are called, at each distinct score and before the first."""
    # A stable sort takes linear time on scores that are sorted already, as those of a bootstrap are.
    order = np.argsort(scores, kind="stable")[::-1]
    falling, hits = scores[order], positives[order]
    last_of_tie = np.flatnonzero(falling != np.append(falling, np.nan)[1:])
    true_positives = np.concatenate([[0], np.cumsum(hits, dtype=np.int64)[last_of_tie]])
    called = np.concatenate([[0], last_of_tie + 1])
    return true_positives, called - true_positives, np.concatenate([[np.inf], falling[last_of_tie]])


def _ratio(numerator: NDArray[np.integer], denominator: NDArray[np.integer] | np.integer) -> Floats:
    """Quotient, nan where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, np.true_divide(numerator, denominator))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
