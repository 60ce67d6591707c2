"""What an engine is: the one protocol that the training loop, evaluation and deployment know.

An engine computes; it decides nothing. Order, augmentation, targets, dropout masks, learning rate and class weights
come from the shared loop, so that two engines given the same weights do the same thing.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from skinlab import schema
from skinlab.networks.classifier import Classifier
from skinlab.networks.weights import Weights

Inputs = NDArray[np.uint8 | np.float32]
"""Images uint8 [N, H, W, 3], RGB; for a head alone, which takes features: float32 [N, features]."""


@dataclass(frozen=True)
class Batch:
    """A minibatch, ready for the engine.

    Attributes:
        images: uint8 [B, H, W, 3], RGB, augmented; or features.
        labels: int64 [B], the class of each image that `StepResult.correct` counts; the loss does not see it.
        targets: float32 [B, classes], the distribution over the classes that the loss compares with: one-hot of the
            label, smoothed or mixed as training declares; each row sums to 1.
        weights: float32 [B], factor of each image in the loss.
        dropout_mask: float32 [B, features], 0 or 1 / (1 - dropout).
    """

    images: Inputs
    labels: NDArray[np.int64]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]
    dropout_mask: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class StepResult:
    """What one update reports.

    Attributes:
        loss: mean over the minibatch of weight * -sum(targets * log softmax(logits)), before the update.
        correct: images whose largest logit was their label's, before the update.
    """

    loss: float
    correct: int


@dataclass(frozen=True)
class Plan:
    """What an engine needs to know to build a network for training.

    Attributes:
        architecture: the network.
        optimizer: update rule.
        rates: float64 [steps], the learning rate of each step of the whole training, for a minibatch's mean gradient.
        epoch_images: training images an epoch; with the minibatch size it says how large each step is.
        frozen: names of the nodes whose arrays stay as they are; a frozen batch normalisation uses its running
            statistics in training too, and they do not move.
    """

    architecture: Classifier
    optimizer: schema.Optimizer
    rates: NDArray[np.float64]
    epoch_images: int
    frozen: frozenset[str]


class Differentiable(Protocol):
    """What Grad-CAM asks of an engine; `skinlab.evaluation.explain` does the rest."""

    def gradients(
        self, images: NDArray[np.uint8], classes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The last feature map, and how a logit changes with it; running statistics, no dropout, nothing is updated.

        Args:
            images: uint8 [B, H, W, 3], one or more; more than a minibatch too.
            classes: int64 [B], whose logit is differentiated for each image.

        Returns:
            the values of the node `architecture.feature_map()`, and the gradients of `logits[i, classes[i]]` with
            respect to them: both float32 [B, channels, h, w].
        """


class Engine(Protocol):
    """A framework that trains one network. Use as a context manager: leaving it frees processes and memory."""

    def build(self, plan: Plan, weights: Weights) -> None:
        """Make (or make anew) the network with these weights and a fresh optimizer."""

    def train_step(self, batch: Batch, step: int) -> StepResult:
        """One update by the mean gradient of the batch, at the rate that the plan has for `step`, counted from 0.

        The last batch of an epoch may be smaller. Steps come in order, from 0 or from where a loaded state was saved.
        """

    def predict(self, images: Inputs) -> NDArray[np.float32]:
        """Logits float32 [B, classes] of images or features, with running statistics and without dropout."""

    def save(self, path: Path) -> None:
        """Write the complete state (weights, statistics, optimizer) to the existing folder `path`."""

    def load(self, path: Path) -> None:
        """Continue from what `save` wrote for the same plan: the next steps give the same bits."""

    def export_weights(self) -> Weights:
        """All arrays by torchvision's names, statistics included."""

    def describe(self) -> dict[str, Any]:
        """Runtime, versions, device and settings, JSON-able, for run.json."""

    def packages(self) -> dict[str, str]:
        """Name and version of every package of a runtime apart from this environment, for environment.lock."""

    def close(self) -> None:
        """Free everything; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(self, exception_type: type[BaseException] | None, *rest: object) -> None: ...
