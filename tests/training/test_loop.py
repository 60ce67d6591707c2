import errno
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab.data.augmentation import Augmenter
from skinlab.data.loader import Loader
from skinlab.engines.base import Batch, StepResult
from skinlab.errors import EngineError, OutputError
from skinlab.schema import EarlyStopping, Phase, Schedule, Training
from skinlab.training.checkpoint import Checkpoints
from skinlab.training.loop import Fit, Record, fit, predict_rows
from skinlab.training.validation import Validation
from tests.training.numpy_engine import RATES, NumpyEngine

COUNT = 21


def loader() -> Loader:
    generator = np.random.default_rng(0)
    return Loader(
        images=generator.integers(0, 256, (COUNT, 8, 8, 3), dtype=np.uint8),
        image_ids=[f"image{row}" for row in range(COUNT)],
        targets=generator.integers(0, 2, COUNT),
        rows=np.arange(COUNT),
        class_weights=np.ones(2, dtype=np.float32),
        augment=Augmenter([]),
        seed=1,
        minibatch_size=4,
        dropout=0.0,
        features=3,
        workers=0,
    )


def training(**changes: Any) -> Training:
    values = {
        "epochs": 4,
        "schedule": Schedule(name="cosine", phases=[Phase(epochs=1, factor=1)], warmup_epochs=0),
        "class_weights": "none",
        "sampling": "natural",
        "label_smoothing": 0,
        "mixup": 0,
        "monitor": "loss",
        "early_stopping": EarlyStopping(patience=None, min_delta=0.0),
        "loader_workers": 0,
        "checkpoint_minutes": 5,
    }
    return Training(**(values | changes))


class Silent:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.images: list[int] = []

    def advanced(self, epoch: int, images: int, of: int) -> None:
        self.images.append(images)

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        self.records = list(records)


def run(
    engine: NumpyEngine, folder: Path, *, scores: list[Validation] | None = None, **changes: Any
) -> tuple[Fit, Silent]:
    engine.build(None, {"fc.weight": np.zeros((2, 3), np.float32)})
    silent = Silent()
    given = iter(scores) if scores else None

    def validate() -> Validation:
        return next(given) if given else Validation(loss=float(np.abs(engine.weight).sum()), accuracy=0.5, auc=None)

    return fit(engine, loader(), validate, training(**changes), RATES, Checkpoints(folder), silent), silent


def test_every_image_is_seen_each_epoch_and_steps_are_counted_through(tmp_path: Path) -> None:
    engine = NumpyEngine()
    fitted, silent = run(engine, tmp_path)
    assert engine.steps == 4 * 6
    assert silent.images[:6] == [4, 8, 12, 16, 20, 21]
    assert engine.asked == list(range(24))
    assert [record["learning_rate"] for record in silent.records] == pytest.approx(RATES.reshape(4, 6).mean(axis=1))
    assert fitted.images == 4 * COUNT


def test_the_epochs_loss_is_the_mean_over_images_not_over_minibatches(tmp_path: Path) -> None:
    _, silent = run(NumpyEngine(), tmp_path, epochs=1)
    assert silent.records[0]["train_loss"] == pytest.approx(math.log(2), abs=0.05)
    assert silent.records[0]["train_accuracy"] * COUNT == pytest.approx(
        round(silent.records[0]["train_accuracy"] * COUNT)
    )


def test_the_best_epochs_weights_are_kept(tmp_path: Path) -> None:
    losses = [0.5, 0.3, 0.4, 0.35]
    fitted, _ = run(NumpyEngine(), tmp_path / "all", scores=[Validation(loss, 0.5, 0.5) for loss in losses])
    run(NumpyEngine(), tmp_path / "two", scores=[Validation(loss, 0.5, 0.5) for loss in losses], epochs=4)
    assert fitted.position.best_epoch == 1
    best = Checkpoints(tmp_path / "all").load_best()["fc.weight"]
    assert np.array_equal(best, Checkpoints(tmp_path / "two").load_best()["fc.weight"])
    last = json.loads((tmp_path / "all" / "last" / "state.json").read_text())
    assert not np.array_equal(best, np.array(last, dtype=np.float32))


@pytest.mark.parametrize(
    ("monitor", "best"),
    [("loss", 2), ("accuracy", 0), ("auc", 3)],
)
def test_the_monitored_metric_chooses_and_the_loss_breaks_ties(tmp_path: Path, monitor: str, best: int) -> None:
    scores = [
        Validation(0.5, 0.9, None),
        Validation(0.4, 0.8, 0.8),
        Validation(0.2, 0.7, 0.8),
        Validation(0.3, 0.6, 0.9),
    ]
    fitted, _ = run(NumpyEngine(), tmp_path, scores=scores, monitor=monitor)
    assert fitted.position.best_epoch == best
    ties = [Validation(0.5, 0.9, 0.9), Validation(0.4, 0.9, 0.9), Validation(0.6, 0.9, 0.9), Validation(0.6, 0.9, 0.9)]
    fitted, _ = run(NumpyEngine(), tmp_path / "ties", scores=ties, monitor=monitor)
    assert fitted.position.best_epoch == 1


def test_an_undefined_metric_is_never_better_than_a_defined_one(tmp_path: Path) -> None:
    scores = [Validation(0.9, 0.5, 0.1), *[Validation(0.1, 0.5, None)] * 3]
    fitted, silent = run(NumpyEngine(), tmp_path, scores=scores, monitor="auc")
    assert fitted.position.best_epoch == 0
    assert silent.records[1]["validation_auc"] is None


@pytest.mark.parametrize("die_at", [0, 2, 6, 7, 11, 23])
def test_stopped_anywhere_it_resumes_to_the_same_weights_and_records(tmp_path: Path, die_at: int) -> None:
    straight = NumpyEngine()
    _, expected = run(straight, tmp_path / "straight")
    stopped = NumpyEngine()
    stopped.die_at = die_at
    with pytest.raises(KeyboardInterrupt):
        run(stopped, tmp_path / "stopped", checkpoint_minutes=1e-9)
    resumed = NumpyEngine()
    _, records = run(resumed, tmp_path / "stopped")
    assert resumed.steps == straight.steps - die_at
    assert np.array_equal(resumed.weight, straight.weight)
    assert records.records == expected.records
    for name in ("straight", "stopped"):
        assert len(list((tmp_path / name).glob("epoch*"))) == 1
    assert (tmp_path / "straight" / "best.safetensors").read_bytes() == (
        tmp_path / "stopped" / "best.safetensors"
    ).read_bytes()


def test_a_diverged_loss_stops_with_what_to_change(tmp_path: Path) -> None:
    class Diverging(NumpyEngine):
        def train_step(self, batch: Batch, step: int) -> StepResult:
            return StepResult(loss=math.nan, correct=0)

    with pytest.raises(EngineError, match=r"the loss of step 1 became nan in epoch 1.*lower optimizer.learning_rate"):
        run(Diverging(), tmp_path)


def test_weights_that_diverge_in_the_last_step_are_not_kept_as_a_checkpoint(tmp_path: Path) -> None:
    scores = [Validation(0.5, 0.5, 0.5), Validation(math.nan, 0.5, None)]
    with pytest.raises(EngineError, match=r"the validation loss became nan in epoch 2, at learning rate 0.07"):
        run(NumpyEngine(), tmp_path, scores=scores)
    assert json.loads((tmp_path / "last" / "position.json").read_text())["epoch"] == 1


def scored(*losses: float) -> list[Validation]:
    return [Validation(loss=loss, accuracy=0.5, auc=None) for loss in losses]


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "epochs"),
    [
        ([0.9, 0.8, 0.9, 0.8], 2, 0.0, 4),  # with the last epoch: nothing ended early
        ([0.9, 0.9, 0.7, 0.8], 1, 0.0, 2),  # equal is no improvement
        ([0.9, 0.95, 0.7, 0.8], 2, 0.0, 4),  # the wait starts again with an improvement
        ([0.9, 0.88, 0.86, 0.7], 2, 0.05, 3),  # small steps count from the last improvement, not from one another
        ([0.9, 0.91, 0.92, 0.93], None, 0.0, 4),
    ],
)
def test_training_ends_after_as_many_epochs_without_an_improvement(
    tmp_path: Path, losses: list[float], patience: int | None, min_delta: float, epochs: int
) -> None:
    stopping = EarlyStopping(patience=patience, min_delta=min_delta)
    fitted, silent = run(NumpyEngine(), tmp_path, scores=scored(*losses), early_stopping=stopping)
    assert (fitted.position.epoch, len(silent.records)) == (epochs, epochs)
    assert fitted.position.stopped_early == (epochs < 4)


def test_a_score_that_is_not_defined_is_no_improvement(tmp_path: Path) -> None:
    stopping = EarlyStopping(patience=2, min_delta=0.0)
    fitted, _ = run(NumpyEngine(), tmp_path, scores=scored(4, 3, 2, 1), monitor="auc", early_stopping=stopping)
    assert (fitted.position.epoch, fitted.position.stopped_early) == (2, True)


def test_a_resumed_training_stops_where_it_would_have(tmp_path: Path) -> None:
    stopping = EarlyStopping(patience=2, min_delta=0.0)
    losses = scored(0.5, 0.6, 0.7, 0.4)
    straight, _ = run(NumpyEngine(), tmp_path / "straight", scores=losses, early_stopping=stopping)
    killed = NumpyEngine()
    killed.die_at = 14
    with pytest.raises(KeyboardInterrupt):
        run(killed, tmp_path / "killed", scores=losses, early_stopping=stopping)
    resumed, _ = run(NumpyEngine(), tmp_path / "killed", scores=losses[2:], early_stopping=stopping)
    assert resumed.position == straight.position
    assert (resumed.position.epoch, resumed.position.stopped_early) == (3, True)
    again, _ = run(NumpyEngine(), tmp_path / "killed", scores=losses, early_stopping=stopping)
    assert again.position == straight.position


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    class Full(NumpyEngine):
        def save(self, path: Path) -> None:
            super().save(path)
            if self.steps == 12:
                raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="the disk is full: .*epoch0002-step000000 could not be written"):
        run(Full(), tmp_path)
    assert [path.name for path in tmp_path.glob("epoch*")] == ["epoch0001-step000000"]
    assert json.loads((tmp_path / "last" / "position.json").read_text())["epoch"] == 1


def test_predictions_keep_the_order_of_the_rows() -> None:
    engine = NumpyEngine()
    engine.weight = np.random.default_rng(0).normal(size=(2, 3))
    given = loader()
    rows = np.array([5, 3, 17, 0, 9])
    together = predict_rows(engine, given.images, rows, 2)
    alone = np.concatenate([predict_rows(engine, given.images, rows[i : i + 1], 2) for i in range(5)])
    np.testing.assert_allclose(together, alone)
    np.testing.assert_allclose(together.sum(axis=1), 1)
