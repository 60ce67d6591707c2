"""Training from Python and from the command line: one directory, the same bytes, the same ends."""

import json
import logging
import shlex
from pathlib import Path
from typing import NoReturn

import pytest

import skinlab
from skinlab import cli, experiment
from skinlab.api import RunView
from skinlab.errors import ConfigError, DataError, EngineError, OutputError
from tests.api.conftest import DECLARED

SAME = ("summary.json", "predictions.csv", "split.csv", "checkpoints/best.safetensors", "bundle/model.onnx")


def bytes_of(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in SAME}


def hydra_files(run: Path) -> dict[str, str]:
    return {file.name: file.read_text().replace(run.name, "ID") for file in sorted((run / ".hydra").iterdir())}


def test_the_command_that_is_recorded_makes_the_same_directory(
    trained: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skinlab.commands.train.stop_on_sigterm", lambda: None)  # it would stay
    words = shlex.split(trained.record["command"])
    assert words == ["skinlab", "train", *DECLARED]
    before = set(Path("outputs/runs/debug").iterdir())
    assert cli.main(words[1:]) == 0
    (again,) = set(Path("outputs/runs/debug").iterdir()) - before
    assert bytes_of(again) == bytes_of(trained.path)
    assert hydra_files(again) == hydra_files(trained.path)
    record = json.loads((again / "run.json").read_text())
    assert record.keys() == trained.record.keys()
    same = ("command", "config", "split_hash", "dataset_fingerprint", "seed")
    assert {key: record[key] for key in same} == {key: trained.record[key] for key in same}


def test_an_interrupted_run_is_marked_and_resumed_to_the_same_bytes(
    trained: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(experiment, "evaluate", interrupt)
        with pytest.raises(KeyboardInterrupt):
            skinlab.train(skinlab.compose(*DECLARED))
    stopped = skinlab.open_run(str(max(Path("outputs/runs/debug").iterdir())))
    assert stopped.status == "interrupted"
    with pytest.raises(OutputError, match=r"is interrupted .*: it has no summary.json; go on with skinlab.resume\('"):
        _ = stopped.summary
    resumed = skinlab.resume(stopped)
    assert resumed.status == stopped.status == "finished"
    assert bytes_of(resumed.path) == bytes_of(trained.path)
    with pytest.raises(OutputError, match="is finished: there is nothing to resume"):
        skinlab.resume(resumed)


def test_what_a_run_fails_with_is_raised_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise EngineError("the worker died")

    monkeypatch.setattr(experiment, "evaluate", fail)
    with pytest.raises(EngineError, match="^the worker died$"):
        skinlab.train(skinlab.compose(*DECLARED, name="failing"))
    run = skinlab.open_run(next(Path("outputs/runs/failing").iterdir()))
    assert run.status == "failed"
    with pytest.raises(OutputError, match=r"is failed \(the worker died\): it has no predictions.csv; go on with"):
        _ = run.predictions
    assert "the worker died" in run._repr_html_()


def test_the_logging_of_a_notebook_stays_as_it_was(trained: RunView, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = logging.NullHandler()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    root.addHandler(kept)
    monkeypatch.setattr(experiment, "prepare_data", lambda *_: (_ for _ in ()).throw(EngineError("early")))
    try:
        with pytest.raises(EngineError):
            skinlab.train(skinlab.compose(*DECLARED, name="logged"))
        assert kept in root.handlers
        assert not any(isinstance(handler, logging.FileHandler) for handler in set(root.handlers) - set(before))
        assert root.level == level
    finally:
        root.removeHandler(kept)


def test_files_that_changed_since_are_not_trained_silently(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    preset = tmp_path / "conf" / "experiment" / "mine.yaml"
    preset.parent.mkdir(parents=True)
    preset.write_text("# @package _global_\nname: mine\nseed: 7\n")
    declared = skinlab.compose(experiment="mine")
    preset.write_text("# @package _global_\nname: mine\nseed: 8\n")
    with pytest.raises(ConfigError, match="have changed since: compose it again"):
        skinlab.train(declared)
    assert not (tmp_path / "outputs").exists()


def test_images_that_are_not_there_leave_neither_run_nor_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="^no such folder: nowhere$"):
        skinlab.train(skinlab.compose("dataset=folder", "dataset.path=nowhere"))
    with pytest.raises(DataError, match="^no such folder: nowhere$"):
        skinlab.sweep("dataset=folder", "dataset.path=nowhere", "seed=1,2")
    assert list(tmp_path.iterdir()) == []
