"""Checkpoints of a run: `last` to go on from, `best` to evaluate; whole at every moment, also after a kill."""

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from math import inf
from pathlib import Path
from typing import Any

from skinlab import files
from skinlab.engines.base import Engine
from skinlab.errors import OutputError
from skinlab.networks import weights
from skinlab.networks.weights import Weights


@dataclass
class Position:
    """Where training stands, and what the loop has gathered.

    Attributes:
        epoch: the epoch in progress, from 0.
        step: steps done in it.
        loss_sum: sum over the images of these steps of their loss.
        correct: images of these steps that were classified correctly.
        seen: images of these steps.
        best_epoch: the epoch, from 0, with the best validation score so far; None before the first.
        best_score: its score; larger is better. None where the metric was not defined.
        best_loss: its validation loss, which decides between equal scores.
        improved_score: the score of the last epoch that was an improvement in the sense of early stopping.
        waited: epochs since that one.
        stopped_early: whether training ended because of them, before its last epoch.
        records: one record per finished epoch, as in metrics.jsonl.
    """

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    correct: int = 0
    seen: int = 0
    best_epoch: int | None = None
    best_score: float | None = None
    best_loss: float = 0.0
    improved_score: float | None = None
    waited: int = 0
    stopped_early: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)

    def count(self, loss: float, correct: int, images: int) -> None:
        """Add a step; `loss` is the mean over its images."""
        self.step += 1
        self.loss_sum += loss * images
        self.correct += correct
        self.seen += images

    def offer(self, score: float | None, loss: float) -> bool:
        """Make the epoch in progress the best where it is better; tell whether it is."""
        if self.best_epoch is not None and _order(score, loss) <= _order(self.best_score, self.best_loss):
            return False
        self.best_epoch, self.best_score, self.best_loss = self.epoch, score, loss
        return True

    def wait(self, score: float | None, min_delta: float) -> None:
        """Count an epoch for early stopping; a score that is not defined is no improvement."""
        if score is not None and (self.improved_score is None or score > self.improved_score + min_delta):
            self.improved_score, self.waited = score, 0
        else:
            self.waited += 1

    def next_epoch(self, record: dict[str, Any]) -> None:
        """Close the epoch in progress with its record."""
        self.records.append(record)
        self.epoch += 1
        self.step = self.correct = self.seen = 0
        self.loss_sum = 0.0


def _order(score: float | None, loss: float) -> tuple[float, float]:
    return (-inf if score is None else score, -loss)


def _checked(position: Position) -> Position:
    """The position, where its values are of the types that they must be."""
    counts = (position.epoch, position.step, position.correct, position.seen, position.waited)
    if not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("a count in it is no whole number from 0")
    if not isinstance(position.records, list) or not all(isinstance(record, dict) for record in position.records):
        raise ValueError("its records are no list of records")
    return position


class Checkpoints:
    """The folder checkpoints/ of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last = folder / "last"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def best_path(self) -> Path:
        """Weights of the best epoch, safetensors with torchvision's names."""
        return self.folder / "best.safetensors"

    def save_last(self, engine: Engine, position: Position) -> None:
        """Keep the complete state; `last` is a link that moves to it when it is whole.

        Raises:
            OutputError: the disk is full; the previous checkpoint stays, nothing of this one does.
        """
        name = f"epoch{position.epoch:04d}-step{position.step:06d}"
        state = self.folder / name
        shutil.rmtree(state, ignore_errors=True)
        try:
            state.mkdir()
            engine.save(state)
            files.write_json(state / "position.json", asdict(position))
            link = self.folder / f".last.{os.getpid()}.tmp"
            link.unlink(missing_ok=True)
            link.symlink_to(name)
            link.replace(self._last)
        except OSError as error:
            raise files.output_error(state, error) from error
        finally:
            self._remove_other_states()

    def _remove_other_states(self) -> None:
        """Keep the state that `last` names alone; the others are older, or were not finished."""
        kept = self._last.readlink().name if self._last.is_symlink() else None
        for state in self.folder.glob("epoch*-step*"):
            if state.name != kept:
                shutil.rmtree(state, ignore_errors=True)

    def load_last(self, engine: Engine) -> Position | None:
        """Bring the engine, built for the same plan, to the last state; None where there is none."""
        position = self.position()
        if position is not None:
            engine.load(self._last.resolve())
        return position

    def position(self) -> Position | None:
        """Where the last state stands; None where there is none.

        Raises:
            OutputError: it is damaged.
        """
        if not self._last.exists():
            return None
        file = self._last / "position.json"
        try:
            return _checked(Position(**json.loads(file.read_text())))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise OutputError(f"{file} cannot be read: {error}") from error

    def save_best(self, arrays: Weights) -> None:
        """Keep the weights of the best epoch."""
        with files.replacing(self.best_path) as temporary:
            weights.save(arrays, temporary)

    def load_best(self) -> Weights:
        """The weights of the best epoch."""
        return weights.load(self.best_path)
