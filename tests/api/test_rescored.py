import json

import pytest

import skinlab
from skinlab.api import RunView
from skinlab.errors import ConfigError, DataError

pytest.importorskip("pandas", reason="needs pandas")


def test_a_run_is_scored_on_other_data_and_keeps_the_command(trained: RunView) -> None:
    found = skinlab.evaluate(trained, "dataset.images=16", **{"dataset.seed": 99}, on_overlap="drop")
    assert found.path.parent == trained.path / "evaluations"
    assert found.results().loc["auc", "value"] == found.summary["test"]["metrics"]["auc"]["value"]
    assert set(found.predictions["subset"]) == {"test"}
    assert "phantoms" in found._repr_html_()
    command = json.loads((found.path / "evaluation.json").read_text())["command"]
    assert command.endswith(f"{trained.path.name} dataset.images=16 dataset.seed=99 --on-overlap drop")
    with pytest.raises(DataError, match="has no numbers of the subset validation; it has those of test"):
        found.results("validation")


def test_what_the_run_has_seen_is_refused(trained: RunView) -> None:
    with pytest.raises(DataError, match="the run has seen"):
        skinlab.evaluate(trained, subset="all")


def test_only_the_data_can_be_declared_anew(trained: RunView) -> None:
    with pytest.raises(ConfigError, match="seed=3: only dataset, split, evaluation.subgroups, "):
        skinlab.evaluate(trained, seed=3)
