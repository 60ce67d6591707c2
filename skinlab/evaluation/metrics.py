"""What the numbers of a classifier are: pure functions of arrays, without intervals and without files.

Metrics of decisions take confusion matrices, of one or of many resamples at once: `[..., C, C]`. Metrics of
probabilities take the true classes and the probabilities; those of ranks are in ranking.py. A number that the images do
not define (the sensitivity without a positive image) is nan, never an exception and never a convention such as 0 or 1.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

# Probabilities below this count as this in the log loss: the smallest relative step of float64, as scikit-learn does.
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


# --- decisions -----------------------------------------------------------------------------------------------------


def positive_of(described: Mapping[str, Any]) -> int | None:
    """Index of the positive class of a summary or a signature; None: of its classes none is the positive one.

    Raises:
        ValueError: the named one is not among the classes.

    >>> positive_of({"classes": ["a", "b"], "positive_class": "b"})
    1
    """
    name = described["positive_class"]
    return None if name is None else list(described["classes"]).index(name)


def decide(probabilities: Floats, positive: int | None, threshold: float | Floats) -> Integers:
    """The class that each image is called.

    Args:
        probabilities: float64 [N, C].
        positive: index of the positive class; matters for two classes only.
        threshold: of two classes, an image is positive where its probability is at least this, one for all or float64
            [N]; of more, the most probable class is taken (the first of equals).

    Returns:
        int64 [N].

    >>> decide(np.array([[0.5, 0.5], [0.6, 0.4]]), positive=1, threshold=0.5).tolist()
    [1, 0]
    """
    if positive is not None and probabilities.shape[1] == 2:  # noqa: PLR2004 - two classes
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


def accuracy(matrix: NDArray[Any]) -> Floats:
    """Fraction of the images that are called what they are: float64 [...].

    >>> float(accuracy(np.array([[1, 1], [0, 2]])))
    0.75
    """
    return ratio(np.trace(matrix, axis1=-2, axis2=-1), matrix.sum(axis=(-2, -1)))


def sensitivity(matrix: NDArray[Any]) -> Floats:
    """Of the images of each class, the fraction called so (recall, true-positive rate): float64 [..., C].

    >>> sensitivity(np.array([[1, 1], [0, 2]])).tolist()
    [0.5, 1.0]
    """
    return ratio(_hits(matrix), matrix.sum(axis=-1))


def specificity(matrix: NDArray[Any]) -> Floats:
    """Of the images of all other classes, the fraction not called this class (true-negative rate): float64 [..., C]."""
    others, false_positives, _ = _negatives(matrix)
    return ratio(others - false_positives, others)


def precision(matrix: NDArray[Any]) -> Floats:
    """Of the images called each class, the fraction that are (positive predictive value): float64 [..., C]."""
    return ratio(_hits(matrix), matrix.sum(axis=-2))


def npv(matrix: NDArray[Any]) -> Floats:
    """Of the images not called each class, the fraction that are not (negative predictive value): float64 [..., C].

    >>> npv(np.array([[3, 1], [1, 2]])).tolist()
    [0.6666666666666666, 0.75]
    """
    others, false_positives, not_called = _negatives(matrix)
    return ratio(others - false_positives, not_called)


def f1(matrix: NDArray[Any]) -> Floats:
    """Harmonic mean of precision and sensitivity, 2 TP / (2 TP + FP + FN): float64 [..., C].

    Zero where the class occurs but is never called rightly; nan where it neither occurs nor is called.
    """
    return ratio(2 * _hits(matrix), matrix.sum(axis=-2) + matrix.sum(axis=-1))


def balanced_accuracy(matrix: NDArray[Any]) -> Floats:
    """Mean sensitivity over the classes, so that each counts alike (Brodersen et al. 2010); nan if one is absent.

    >>> float(balanced_accuracy(np.array([[1, 1], [0, 2]])))
    0.75
    """
    mean: Floats = sensitivity(matrix).mean(axis=-1)
    return mean


def _hits(matrix: NDArray[Any]) -> NDArray[Any]:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _negatives(matrix: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Against each class: images of the others, those of them called this class, and all not called it: [..., C]."""
    total = matrix.sum(axis=(-2, -1))[..., None]
    called = matrix.sum(axis=-2)
    return total - matrix.sum(axis=-1), called - _hits(matrix), total - called


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


def ratio(numerator: NDArray[Any], denominator: NDArray[Any]) -> Floats:
    """Quotient, nan where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(denominator == 0, np.nan, np.true_divide(numerator, denominator))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
