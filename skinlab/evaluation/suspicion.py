"""Which labels are likely wrong, judged by a model that was not trained on them. Knows no files and no pages.

Confident learning: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", Journal of
Artificial Intelligence Research 70 (2021). A suspicion is a reason to look, never a reason to change a label unseen.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_LEAST = 1e-12
"""Probabilities below count as this, so that a loss is finite."""


@dataclass(frozen=True)
class Suspicion:
    """What the model says of N labels.

    Attributes:
        thresholds: float64 [K], of each class: how sure the model is, on average, of images with that label; NaN for a
            class that no image has.
        suggested: int64 [N], the class that the model is confident of, the given one where it is of none.
        doubted: [N], whether that is another class than the given one.
        margin: float64 [N], probability of the suggested class less that of the given one.
        loss: float64 [N], cross-entropy of the given label, in nats.
    """

    thresholds: npt.NDArray[np.float64]
    suggested: npt.NDArray[np.int64]
    doubted: npt.NDArray[np.bool_]
    margin: npt.NDArray[np.float64]
    loss: npt.NDArray[np.float64]


def suspect(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Suspicion:
    """Judge labels by out-of-fold probabilities.

    A label is doubted where the model is confident of another class: its probability is at least the average that the
    class has over the images that are labelled so. Of several such classes the most probable counts (equation 1 of the
    paper, the off-diagonal of its confident joint). Thresholds by class make a class that the model is generally
    unsure of, or that is rare, no less suspect than others.

    Args:
        probabilities: [N, K], each row from a model that was not trained on its image.
        labels: [N], the given classes, 0 to K - 1.

    Example:
        >>> p = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.05, 0.95]])
        >>> found = suspect(p, np.array([0, 0, 1, 1, 0]))
        >>> found.suggested.tolist(), found.thresholds.round(2).tolist()
        ([0, 0, 1, 1, 1], [0.58, 0.8])
    """
    given = np.asarray(labels, np.int64)
    chances = np.asarray(probabilities, np.float64)
    rows = np.arange(len(given))
    thresholds = _thresholds(chances, given)
    confident = chances >= np.where(np.isnan(thresholds), np.inf, thresholds)
    best = np.where(confident, chances, -1.0).argmax(axis=1)
    suggested = np.where(confident.any(axis=1), best, given)
    own = chances[rows, given]
    loss = -np.log(np.maximum(own, _LEAST))
    return Suspicion(thresholds, suggested, suggested != given, chances[rows, suggested] - own, loss)


def _thresholds(chances: npt.NDArray[np.float64], given: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    classes = chances.shape[1]
    own = chances[np.arange(len(given)), given]
    images = np.bincount(given, minlength=classes)
    sums = np.bincount(given, weights=own, minlength=classes)
    thresholds = np.full(classes, np.nan)
    np.divide(sums, images, out=thresholds, where=images > 0)
    return thresholds


def queue(suspicion: Suspicion, conflicting: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The rows in the order in which a person should look at them.

    Images with a copy under another label first: one of the two is wrong whatever a model says. Then the doubted
    labels, by margin; then the others, by loss. Within the first, too, the doubted come first.

    Args:
        suspicion: of N labels.
        conflicting: [N], whether an image has a copy or near-duplicate under another label.
    """
    margin = np.where(suspicion.doubted, suspicion.margin, -np.inf)
    return np.lexsort((-suspicion.loss, -margin, ~conflicting)).astype(np.int64)
