"""A sweep that is killed, stopped, or has a trial that fails: what is marked, and what going on with it gives."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from skinlab.sweeps.state import Sweep
from tests.integration.commands import Workplace, finish, record, wait_for

TRAINED = (
    "experiment=debug",
    "engine=torch",
    "engine.threads=1",
    "training.loader_workers=0",
    "training.epochs=3",
    "optimizer.minibatch_size=16",
    "evaluation.bootstrap=100",
)
"""Overrides of trials with epochs."""
FITTED = ("experiment=debug", "method=featurize", "network=mobilenet_v2", "evaluation.bootstrap=100")
"""Overrides of trials that take little more than their evaluation."""
RESULTS = ("summary.json", "predictions.csv", "metrics.jsonl", "split.csv")

pytest.importorskip("torch", reason="torch is missing: pip install 'skinlab[torch]'")


def sweep_of(workplace: Workplace) -> Path:
    (file,) = (workplace.path / "outputs" / "sweeps").rglob("sweep.json")
    return file.parent


def begun(workplace: Workplace, trial: str, file: str) -> bool:
    found = list((workplace.path / "outputs" / "sweeps").rglob("sweep.json"))
    return bool(found) and (found[0].parent / trial / file).exists()


def trials(sweep: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((sweep / "sweep.json").read_text())["trials"]
    return found


def told(sweep: Path) -> list[dict[str, Any]]:
    """The trials without what time does to them."""
    return [
        {key: trial[key] for key in ("parameters", "status", "values", "epochs", "error")} for trial in trials(sweep)
    ]


def results(sweep: Path) -> dict[str, bytes]:
    return {f"{run}/{name}": (sweep / run / name).read_bytes() for run in "012" for name in RESULTS}


@pytest.mark.slow
def test_a_sweep_killed_twice_comes_to_the_same_bytes(workplace: Workplace, tmp_path: Path) -> None:
    swept = (*TRAINED, "optimizer.learning_rate=0.01,0.003,0.001")
    whole = Workplace(tmp_path / "whole", workplace.home)
    whole.path.mkdir()
    assert whole.skinlab("train", "-m", *swept).code == 0
    process = workplace.start("train", "-m", *swept)
    assert wait_for(lambda: begun(workplace, "1", "metrics.jsonl"))
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    sweep = sweep_of(workplace)
    seen = Sweep.open(sweep)
    seen.refresh()
    assert seen.status == "interrupted"
    assert [trial.status for trial in seen.trials] == ["finished", "interrupted", "waiting"]
    kept = (sweep / "0" / "run.json").read_bytes()
    again = workplace.start("sweep", "resume", str(sweep))
    assert wait_for(lambda: begun(workplace, "2", "run.json"))
    os.killpg(again.pid, signal.SIGKILL)
    finish(again)
    done = workplace.skinlab("sweep", "resume", str(sweep))
    assert done.code == 0, done.err
    assert "3 runs: 3 finished, 0 failed" in done.out
    assert (sweep / "0" / "run.json").read_bytes() == kept
    assert record(sweep / "1")["resumed"]
    assert results(sweep) == results(sweep_of(whole))
    assert told(sweep) == told(sweep_of(whole))
    assert (sweep / "leaderboard.csv").read_bytes() == (sweep_of(whole) / "leaderboard.csv").read_bytes()


def test_ctrl_c_once_finishes_the_running_trial_and_begins_no_other(workplace: Workplace) -> None:
    process = workplace.start("train", "-m", *FITTED, "method.C=1,0.1")
    assert wait_for(lambda: begun(workplace, "0", "split.csv"))
    os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    sweep = sweep_of(workplace)
    assert done.code == 130, done.err
    assert [trial["status"] for trial in trials(sweep)] == ["finished", "waiting"]
    assert json.loads((sweep / "sweep.json").read_text())["status"] == "interrupted"
    assert "no more trials are begun; the running ones go on" in done.err
    assert f"skinlab sweep resume {sweep.relative_to(workplace.path)}" in done.out
    again = workplace.skinlab("sweep", "resume", str(sweep))
    assert again.code == 0, again.err
    assert [trial["status"] for trial in trials(sweep)] == ["finished", "finished"]


def test_ctrl_c_twice_stops_at_once_and_marks_everything(workplace: Workplace) -> None:
    long = ("training.epochs=1000", "training.schedule.name=cosine")
    process = workplace.start("train", "-m", *TRAINED, *long, "optimizer.learning_rate=0.01,0.003")
    assert wait_for(lambda: begun(workplace, "0", "metrics.jsonl"))
    os.killpg(process.pid, signal.SIGINT)
    sweep = sweep_of(workplace)
    assert wait_for((sweep / ".stop").exists)
    os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert f"go on with `skinlab sweep resume {sweep.relative_to(workplace.path)}`" in done.out + done.err
    assert [trial["status"] for trial in trials(sweep)] == ["interrupted", "waiting"]
    assert record(sweep / "0")["status"] == "interrupted"
    assert not (sweep / ".stop").exists()


@pytest.mark.slow
def test_two_processes_hear_ctrl_c_through_their_sweep(workplace: Workplace) -> None:
    jobs = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    process = workplace.start("train", "-m", *FITTED, *jobs, "method.C=1,0.3,0.1,0.03,0.01,0.003")
    assert wait_for(lambda: begun(workplace, "0", "run.json") and begun(workplace, "1", "run.json"))
    os.killpg(process.pid, signal.SIGINT)
    assert finish(process).code == 130
    states = [trial["status"] for trial in trials(sweep_of(workplace))]
    assert states[:2] == ["finished", "finished"]
    assert "waiting" in states
    assert "interrupted" not in states


@pytest.mark.slow
def test_a_failed_trial_is_tried_again_and_once_more_when_its_cause_is_mended(workplace: Workplace) -> None:
    missing = workplace.path / "weights.safetensors"
    missing.write_bytes(b"not weights")
    swept = (*FITTED, f"network.weights=none,{missing}", 'sweep.on_failure="retry(1)"')
    done = workplace.skinlab("train", "-m", *swept)
    sweep = sweep_of(workplace)
    first, second = trials(sweep)
    assert (first["status"], first["attempts"]) == ("finished", 1)
    assert (second["status"], second["attempts"]) == ("failed", 2)
    assert second["error"] == record(sweep / "1")["error"]
    assert "trial 1 failed" in done.out
    assert f"  {(sweep / '1').relative_to(workplace.path)}: {second['error']}\n" in done.out
    assert done.code not in (0, 1, 130)
    missing.write_bytes((sweep / "0" / "checkpoints" / "best.safetensors").read_bytes())
    mended = workplace.skinlab("sweep", "resume", str(sweep), 'sweep.on_failure="retry(2)"')
    assert mended.code == 0, mended.err
    assert [trial["status"] for trial in trials(sweep)] == ["finished", "finished"]


def test_a_failure_can_stop_the_sweep(workplace: Workplace) -> None:
    wrong = workplace.path / "weights.safetensors"
    wrong.write_bytes(b"not weights")
    done = workplace.skinlab("train", "-m", *FITTED, f"network.weights={wrong},none", "sweep.on_failure=stop")
    sweep = sweep_of(workplace)
    assert [trial["status"] for trial in trials(sweep)] == ["failed", "waiting"]
    content = json.loads((sweep / "sweep.json").read_text())
    assert content["status"] == "failed"
    assert content["error"].startswith("trial 0 failed: ")
    assert 2 <= done.code <= 8
