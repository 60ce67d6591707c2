"""In place of gradient descent: predictions drawn from the seed, and the weights, bundle and report of a real run.

Declaration, data, audit, split, evaluation and record of such a run are its own. Training for real is the business of
tests/integration; the tutorial's commands train for real here, too.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab import experiment, methods, records, schema
from skinlab.data.prepare import Prepared
from skinlab.methods.trained import Trained
from skinlab.networks.resnet import resnet
from skinlab.run import Run
from skinlab.training.checkpoint import Position
from skinlab.training.loop import Observer

BEST = "checkpoints/best.safetensors"


def pretend(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    """From now on runs are made without training, with the model of this run."""

    def train(config: schema.Config, data: Prepared, run: Run, watchers: Sequence[Observer] = ()) -> Trained:
        records.engine(run, {"name": config.engine.name, "device": "cpu"}, {})
        run.folder("checkpoints")
        _link(model / BEST, run.path / BEST)
        epochs = [_epoch(number) for number in range(config.training.epochs)]
        for done in range(len(epochs)):
            run.write_metrics(epochs[: done + 1])
            for watcher in watchers:
                watcher.epoch_ended(epochs[: done + 1], 0.01)
        position = Position(epoch=len(epochs), best_epoch=0, best_score=0.8, records=epochs)
        network = resnet("resnet18", 32, len(data.classes), [0.5] * 3, [0.2] * 3)
        return Trained(network, _predictions(config, data), position)

    def bundle(config: schema.Config, data: Prepared, trained: Trained, evaluated: Any, run: Run) -> None:
        shutil.copytree(model / "bundle", run.path / "bundle", copy_function=_link, dirs_exist_ok=True)

    def report(config: schema.Config, data: Prepared, trained: Trained, evaluated: Any, run: Run) -> None:
        _link(model / "report.html", run.path / "report.html")

    monkeypatch.setattr(methods, "train", train)
    monkeypatch.setattr(experiment, "deploy", bundle)
    monkeypatch.setattr(experiment, "draw", lambda *_: None)
    monkeypatch.setattr(experiment, "report", report)


def _link(source: str | Path, target: str | Path) -> None:
    """In place of a copy; files of a run are replaced, never changed."""
    Path(target).unlink(missing_ok=True)
    os.link(source, target)


def _epoch(number: int) -> dict[str, Any]:
    falling = 0.7 / (number + 1)
    return {"epoch": number + 1, "learning_rate": 0.01, "train_loss": falling, "train_accuracy": 0.7} | {
        f"validation_{name}": value for name, value in (("loss", falling), ("accuracy", 0.7), ("auc", 0.8))
    }


def _predictions(config: schema.Config, data: Prepared) -> dict[str, Any]:
    generator = np.random.default_rng(config.seed)
    found = {}
    for subset in ("validation", "test"):
        targets = data.targets[data.rows(subset)]
        scores = generator.random((len(targets), len(data.classes))) + np.eye(len(data.classes))[targets] / 2
        found[subset] = scores / scores.sum(axis=1, keepdims=True)
    return found
