"""The training loop, the same for every engine: order, rate, validation, model selection and checkpoints."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skinlab import schema
from skinlab.data.loader import Loader
from skinlab.engines.base import Engine, Inputs
from skinlab.errors import EngineError
from skinlab.networks.symmetries import VIEWS, Symmetry
from skinlab.training.checkpoint import Checkpoints, Position
from skinlab.training.validation import Validation

Record = dict[str, Any]
"""One line of metrics.jsonl: numbers of an epoch by name."""


class Observer(Protocol):
    """Is told what happens; cannot change it, but end it by an exception: what was reached is in the checkpoint."""

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """`images` of the `of` training images of an epoch are done."""

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        """An epoch was validated: the records of all epochs up to it, and the seconds of its training steps."""


@dataclass(frozen=True)
class Fit:
    """The end of training.

    Attributes:
        position: where it ended; holds the records and the best epoch.
        images: training images of this process, for the rate.
        seconds: duration of their steps, without validation and checkpoints.
    """

    position: Position
    images: int
    seconds: float


def fit(
    engine: Engine,
    loader: Loader,
    validate: Callable[[], Validation],
    training: schema.Training,
    rates: NDArray[np.float64],
    checkpoints: Checkpoints,
    observer: Observer,
) -> Fit:
    """Train from the last checkpoint, or from the start, to the last epoch or to an early stop.

    Args:
        engine: built with the initial weights.
        loader: the training minibatches.
        validate: scores the engine's present weights.
        training: epochs, schedule, monitored metric, early stopping, time between checkpoints.
        rates: float64 [epochs * steps], the learning rates of the engine's plan.
        checkpoints: where to go on from and where to keep what was reached.
        observer: is told about progress.

    Returns:
        what was reached; the best weights are in `checkpoints`.

    Raises:
        EngineError: the loss is not finite any more, or the engine failed.
    """
    position = checkpoints.load_last(engine) or Position()
    images, seconds = 0, 0.0
    while position.epoch < training.epochs and not position.stopped_early:
        started, seen = time.monotonic(), position.seen
        _train_epoch(engine, loader, training.checkpoint_minutes, rates, position, checkpoints, observer)
        elapsed = time.monotonic() - started
        images, seconds = images + position.seen - seen, seconds + elapsed
        validation = validate()
        _refuse_divergence(validation.loss, "validation loss", position, _rates_of_epoch(position, rates).max())
        record = _record(position, validation, rates)
        score = validation.score(training.monitor)
        if position.offer(score, validation.loss):
            checkpoints.save_best(engine.export_weights())
        position.wait(score, training.early_stopping.min_delta)
        position.next_epoch(record)
        position.stopped_early = _stops_early(position, training)
        checkpoints.save_last(engine, position)
        observer.epoch_ended(position.records, elapsed)
    return Fit(position, images, seconds)


def _stops_early(position: Position, training: schema.Training) -> bool:
    patience = training.early_stopping.patience
    return patience is not None and position.waited >= patience and position.epoch < training.epochs


def _train_epoch(
    engine: Engine,
    loader: Loader,
    checkpoint_minutes: float,
    rates: NDArray[np.float64],
    position: Position,
    checkpoints: Checkpoints,
    observer: Observer,
) -> None:
    saved = time.monotonic()
    for batch in loader.epoch(position.epoch, position.step):
        step = position.epoch * loader.steps + position.step
        result = engine.train_step(batch, step)
        _refuse_divergence(result.loss, f"loss of step {position.step + 1}", position, rates[step])
        position.count(result.loss, result.correct, len(batch))
        observer.advanced(position.epoch, position.seen, loader.epoch_images)
        if time.monotonic() - saved > checkpoint_minutes * 60 and position.step < loader.steps:
            checkpoints.save_last(engine, position)
            saved = time.monotonic()


def _refuse_divergence(loss: float, name: str, position: Position, rate: float) -> None:
    if not isfinite(loss):
        raise EngineError(
            f"the {name} became {loss} in epoch {position.epoch + 1}, at learning rate {rate:g}: "
            "lower optimizer.learning_rate or set training.schedule.warmup_epochs"
        )


def _rates_of_epoch(position: Position, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """The learning rates of the epoch in progress, which is complete."""
    return rates[position.epoch * position.step :][: position.step]


def _record(position: Position, validation: Validation, rates: NDArray[np.float64]) -> Record:
    """The line of metrics.jsonl for the epoch in progress, which is complete."""
    return {
        "epoch": position.epoch + 1,
        "learning_rate": float(_rates_of_epoch(position, rates).mean()),
        "train_loss": position.loss_sum / position.seen,
        "train_accuracy": position.correct / position.seen,
        "validation_loss": validation.loss,
        "validation_accuracy": validation.accuracy,
        "validation_auc": validation.auc,
    }


def predict_rows(
    engine: Engine, images: Inputs, rows: NDArray[np.int64], minibatch_size: int, tta: str = "none"
) -> NDArray[np.float64]:
    """Probabilities float64 [len(rows), classes] of these images, in this order: the mean over the views of `tta`."""
    parts = [rows[start : start + minibatch_size] for start in range(0, len(rows), minibatch_size)]
    return mean_over(tta, lambda view: np.concatenate([engine.predict(view.of(images[part])) for part in parts]))


def mean_over(tta: str, logits: Callable[[Symmetry], NDArray[np.floating]]) -> NDArray[np.float64]:
    """The mean of the probabilities over the views of `evaluation.tta`, as the exported graph computes it.

    Args:
        tta: a key of `skinlab.networks.symmetries.VIEWS`.
        logits: gives those of all images in a view, [N, classes].
    """
    mean: NDArray[np.float64] = np.mean([softmax(logits(view)) for view in VIEWS[tta]], axis=0)
    return mean


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Probabilities float64 of logits [N, classes].

    >>> softmax(np.array([[0, 0]], dtype=np.float32))
    array([[0.5, 0.5]])
    """
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
