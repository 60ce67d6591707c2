"""What every method ends with."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skinlab.networks.classifier import Classifier
from skinlab.training.checkpoint import Position

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """A trained network, whose weights are in the run's checkpoints, and what it predicts.

    Attributes:
        architecture: the network.
        predictions: probabilities float64 [rows, classes] of the validation and the test subset, not calibrated.
        position: where training ended, with the records of its epochs; at the start where a method has no epochs.
    """

    architecture: Classifier
    predictions: dict[str, Probabilities]
    position: Position
