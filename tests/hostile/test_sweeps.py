"""Sweeps of a stranger: what sweep.json says is compared with the declaration, not handed to Hydra."""

import json
from pathlib import Path
from typing import Any

import pytest

from skinlab import cli
from skinlab.errors import ConfigError, OutputError
from skinlab.sweeps.declaration import again, declare
from skinlab.sweeps.planning import Planner
from skinlab.sweeps.state import Sweep
from tests.hostile.audit import Watch


def recorded(*overrides: str) -> dict[str, Any]:
    return json.loads(json.dumps(declare(overrides, []).record()))


@pytest.mark.parametrize(
    "text",
    [
        "+hydra.callbacks.x={_target_: skinlab.children.run, command: [touch, pwned]}",
        "hydra.job.env_set={PATH: /tmp}",
        "hydra.launcher.setup=[touch pwned]",
    ],
)
def test_hydra_gets_no_word_of_a_record_but_a_launcher(
    text: str, harmless: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = recorded("seed=1,2")
    record["overrides"] += [text, "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    found = again(record, [])
    assert found.overrides == ("seed=1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    assert f"left out, since only you can say it to Hydra: {text}" in capsys.readouterr().err
    assert harmless.seen == []


def test_what_was_left_out_can_be_typed_again() -> None:
    record = recorded("seed=1,2")
    record["overrides"].append("+hydra.job.env_set.A=b")
    assert again(record, ["+hydra.job.env_set.A=b"]).overrides[-1] == "+hydra.job.env_set.A=b"


def test_a_recorded_override_that_looks_something_up_is_typed_again(
    monkeypatch: pytest.MonkeyPatch, harmless: Watch
) -> None:
    monkeypatch.setenv("MY_NAME", "mine")
    record = recorded("seed=1,2", "name=${oc.env:MY_NAME}")
    with pytest.raises(ConfigError, match=r"looks something up; type it again"):
        again(record, [])
    assert again(record, ["name=${oc.env:MY_NAME}"]).config.name == "mine"
    assert harmless.seen == []


@pytest.mark.parametrize("value", [None, "seed=1", [1], {"a": 1}])
def test_overrides_that_are_no_texts_are_one_line(value: object) -> None:
    with pytest.raises(ConfigError, match=r"overrides of the recorded sweep is no list of texts"):
        again(recorded("seed=1,2") | {"overrides": value}, [])


def change(path: Path, **facts: Any) -> Path:
    """A sweep of two trials of which the first was changed in the file."""
    declaration = declare(["network.dropout=0.2,0.5", "training.epochs=1"], [])
    sweep = Sweep.create(path, {"declaration": declaration.record(), "objectives": [], "best": None, "pareto": []})
    sweep.add(Planner(declaration).grid(None))
    sweep.end("interrupted")
    file = path / "sweep.json"
    record = json.loads(file.read_text())
    record["trials"][0] |= facts
    file.write_text(json.dumps(record))
    return path


@pytest.mark.parametrize(
    "facts",
    [
        {"overrides": ["network.dropout=0.2", "training.epochs=1", "+hydra.callbacks.x={_target_: os.system}"]},
        {"overrides": ["network.dropout=0.3", "training.epochs=1"]},
        {"overrides": []},
        {"parameters": {"network.dropout": "${oc.env:HOME}"}},
        {"parameters": {"network.dropout": True}},
        {"parameters": {}},
        {"overrides": ["network.dropout=0.2", "training.epochs=1", "dataset.label_revision='${oc.env:A}'"]},
    ],
)
def test_a_trial_that_the_declaration_does_not_make_is_refused(
    tmp_path: Path, facts: dict[str, Any], harmless: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = change(tmp_path / "s", **facts)
    assert cli.main(["sweep", "resume", str(path), "--trust"]) == ConfigError.exit_code
    assert "trial 0 is not of this sweep's declaration" in capsys.readouterr().err
    assert harmless.seen == []


@pytest.mark.parametrize("run", ["../..", "/etc", "", ".", ".hidden", "a/../b", "javascript:x", 3, None])
def test_a_trial_that_lies_outside_of_the_sweep_is_refused_by_every_reader(tmp_path: Path, run: object) -> None:
    with pytest.raises(OutputError, match=r"sweep\.json cannot be read"):
        Sweep.open(change(tmp_path / "s", run=run))


@pytest.mark.parametrize(
    "facts",
    [
        {"number": "a"},
        {"status": 3},
        {"overrides": "seed=1"},
        {"values": 1},
        {"seconds": []},
        {"error": 5},
        {"group": True},
    ],
)
def test_a_trial_with_values_of_other_types_is_one_line(tmp_path: Path, facts: dict[str, Any]) -> None:
    with pytest.raises(OutputError, match=r"sweep\.json cannot be read"):
        Sweep.open(change(tmp_path / "s", **facts))
