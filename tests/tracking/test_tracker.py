"""From a declaration and a run to what its sinks hold and what run.json says of them."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from skinlab import schema
from skinlab.config import compose
from skinlab.errors import EngineError
from skinlab.experiment import start_record
from skinlab.run import Run
from skinlab.tracking import follow, tracker
from skinlab.tracking.sink import Ending, Record, Subject
from tests.tracking.conftest import record

SUMMARY = {"epochs": 1, "test": {"metrics": {"auc": {"value": 0.9, "low": 0.8, "high": 0.95}}}}


class Notes:
    """A sink that keeps what it is told, or cannot be begun."""

    def __init__(self, subject: Subject, *, broken: bool = False) -> None:
        self.subject = subject
        self.broken = broken
        self.epochs_seen: list[int] = []
        self.ending: Ending | None = None

    def begin(self) -> None:
        if self.broken:
            raise ConnectionRefusedError("nobody listens")

    def epochs(self, records: Sequence[Record]) -> None:
        self.epochs_seen = [line["epoch"] for line in records]

    def end(self, ending: Ending) -> None:
        self.ending = ending

    def facts(self) -> dict[str, Any]:
        return {}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> dict[str, Notes]:
    """The sinks `good`, `bad` and `absent` in the place of the declared ones."""
    sinks: dict[str, Notes] = {}

    def maker(name: str, *, broken: bool = False) -> Any:
        def make(subject: Subject) -> Notes:
            sinks[name] = Notes(subject, broken=broken)
            return sinks[name]

        return make

    def absent(_: Subject) -> Notes:
        raise ImportError("half of its library is missing")

    makers = {"good": maker("good"), "bad": maker("bad", broken=True), "absent": absent}
    monkeypatch.setattr(tracker, "_makers", lambda *_: makers)
    monkeypatch.setattr("skinlab.tracking.delivery.PAUSES", ())
    monkeypatch.setattr(tracker.Delivery.__init__, "__defaults__", ((),))
    return sinks


@pytest.fixture
def config() -> schema.Config:
    return compose(["experiment=debug"]).config


def new_run(path: Path, config: schema.Config) -> Run:
    return Run.create(path, {"command": "skinlab train", **start_record(config)})


def finish(run: Run) -> None:
    run.write_metrics([record(1)])
    run.write_json("summary.json", SUMMARY)
    run.write_text("report.html", "<p>")
    run.write_text("plots/roc.svg", "<svg/>")


def test_a_sink_that_fails_does_not_fail_the_run_and_is_told_once(
    tmp_path: Path, config: schema.Config, made: dict[str, Notes], caplog: pytest.LogCaptureFixture
) -> None:
    run = new_run(tmp_path / "run", config)
    with caplog.at_level(logging.WARNING), follow(config, run, "phantoms") as told:
        told.epoch_ended([record(1)], 1.0)
        finish(run)
    assert sorted(caplog.messages) == [
        "tracking: absent: ImportError: half of its library is missing; the run goes on without it",
        "tracking: bad: ConnectionRefusedError: nobody listens; the run goes on without it",
    ]
    found = json.loads((run.path / "run.json").read_text())["tracking"]
    assert {name: found[name]["status"] for name in ("good", "bad", "absent")} == {
        "good": "delivered",
        "bad": "failed",
        "absent": "failed",
    }
    assert found["bad"]["error"] == "ConnectionRefusedError: nobody listens"
    good = made["good"]
    assert good.epochs_seen == [1]
    assert good.ending is not None
    assert (good.ending.status, good.ending.epochs) == ("finished", 1)
    assert good.ending.metrics == {"final/test/auc": 0.9, "final/test/auc_low": 0.8, "final/test/auc_high": 0.95}
    assert [(file.name, folder) for file, folder in good.ending.artifacts] == [
        ("summary.json", ""),
        ("report.html", ""),
        ("roc.svg", "plots"),
    ]
    assert good.subject.tags["mlflow.note.content"] == "phantoms"
    assert good.subject.declaration["optimizer.minibatch_size"] == config.optimizer.minibatch_size


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (EngineError("the worker died"), "failed", "the worker died"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt: stopped from outside"),
    ],
)
def test_sinks_hear_how_a_run_ended(
    tmp_path: Path, config: schema.Config, made: dict[str, Notes], error: BaseException, status: str, said: str
) -> None:
    run = new_run(tmp_path / "run", config)
    with pytest.raises(type(error)), follow(config, run, ""):
        raise error
    ending = made["good"].ending
    assert ending is not None
    assert (ending.status, ending.error, ending.artifacts) == (status, said, ())


def test_a_resumed_run_keeps_its_id_and_a_moved_one_too(
    tmp_path: Path, config: schema.Config, made: dict[str, Notes]
) -> None:
    run = new_run(tmp_path / "run", config)
    with pytest.raises(KeyboardInterrupt), run.recorded(), follow(config, run, ""):
        raise KeyboardInterrupt
    first = made["good"].subject.id
    again = Run.reopen(run.path.rename(tmp_path / "moved"))
    finish(again)
    with follow(config, again, ""):
        pass
    assert made["good"].subject.id == first
    assert made["good"].epochs_seen == [1]  # although no epoch ended in this process


def test_trials_know_their_sweep(tmp_path: Path, config: schema.Config, made: dict[str, Notes]) -> None:
    (tmp_path / "multirun.yaml").touch()
    sweeps = []
    for number in "01":
        run = new_run(tmp_path / number, config)
        finish(run)
        with follow(config, run, ""):
            pass
        sweeps.append(made["good"].subject.sweep)
    assert sweeps[0] == sweeps[1]
    assert sweeps[0] is not None
    assert sweeps[0].path == tmp_path


def test_without_sinks_nothing_is_said_or_written(tmp_path: Path, config: schema.Config) -> None:
    run = new_run(tmp_path / "run", config)
    with follow(config, run, "") as told:
        told.epoch_ended([record(1)], 1.0)
    assert "tracking" not in run.record
    assert not (run.path / "tensorboard").exists()
