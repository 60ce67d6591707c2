"""What model selection looks at after each epoch: the validation subset alone."""

from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skinlab.evaluation import metrics, ranking

BINARY = 2


@dataclass(frozen=True)
class Validation:
    """Scores of the validation subset after an epoch.

    Attributes:
        loss: mean cross-entropy.
        accuracy: fraction whose largest probability is their label's.
        auc: area under the ROC curve, of more than two classes the mean one against the rest; None where not defined.
    """

    loss: float
    accuracy: float
    auc: float | None

    def score(self, monitor: Literal["auc", "loss", "accuracy"]) -> float | None:
        """The number that model selection makes as large as it can; None where it is not defined."""
        return {"auc": self.auc, "loss": -self.loss, "accuracy": self.accuracy}[monitor]


def validation(targets: NDArray[np.int64], probabilities: NDArray[np.float64], positive: int | None) -> Validation:
    """Score predictions.

    Args:
        targets: int64 [N], class indices.
        probabilities: float64 [N, classes].
        positive: index of the class that a binary AUC is about; of more than two classes not looked at.

    >>> validation(np.array([0, 1]), np.array([[0.5, 0.5], [0.25, 0.75]]), positive=1).auc
    1.0
    """
    if positive is not None and probabilities.shape[1] == BINARY:
        auc = ranking.roc_auc(targets == positive, probabilities[:, positive])
    else:
        auc = ranking.macro_roc_auc(targets, probabilities)
    return Validation(
        loss=metrics.log_loss(targets, probabilities),
        accuracy=float(np.mean(probabilities.argmax(axis=1) == targets)),
        auc=auc if isfinite(auc) else None,
    )
