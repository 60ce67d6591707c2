"""Processes that torchrun started: rank 0 runs the experiment, the others lend their device."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from skinlab.engines.torch import launch
from skinlab.errors import ConfigError
from tests.engines.test_parity import CNTK
from tests.engines.torch.cases import declared

LAUNCHED = {"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
OVERRIDES = ["experiment=debug", "engine=torch", "engine.precision=fp32", "evaluation.bootstrap=100"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "0"]


def skinlab(folder: Path, *words: str, launcher: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*launcher, "-m", "skinlab", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_a_run_under_torchrun_is_one_run_and_equals_that_of_two_devices(tmp_path: Path) -> None:
    runs = []
    for name, launcher, extra in (("run", TORCHRUN, []), ("devices", [sys.executable], ["engine.devices=2"])):
        (tmp_path / name).mkdir()
        done = skinlab(tmp_path / name, "train", *OVERRIDES, *extra, launcher=launcher)
        assert done.returncode == 0, done.stderr
        (run,) = (tmp_path / name).glob("outputs/runs/*/*")
        runs.append(run)
    assert json.loads((runs[0] / "run.json").read_text())["engine"]["processes"] == 2
    for file in ("predictions.csv", "checkpoints/best.safetensors"):
        assert (runs[0] / file).read_bytes() == (runs[1] / file).read_bytes()


def test_a_failed_run_under_torchrun_ends_all_processes(tmp_path: Path) -> None:
    done = skinlab(tmp_path, "train", *OVERRIDES, "engine.device=gpu:7", launcher=TORCHRUN)
    assert done.returncode != 0
    assert "failed: engine.device=gpu:7" in done.stderr + done.stdout


def test_it_is_seen_only_where_torchrun_started_several() -> None:
    assert launch.launched(LAUNCHED) == launch.Launched(rank=0, world=2, local_world=2)
    assert launch.launched(LAUNCHED | {"WORLD_SIZE": "1"}) is None
    assert launch.launched({"RANK": "0", "WORLD_SIZE": "2"}) is None


def test_what_cannot_run_under_torchrun_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LAUNCHED.items():
        monkeypatch.setenv(name, value)
    launch.check(declared())
    with pytest.raises(ConfigError, match="engine=cntk: torchrun starts processes of engine=torch only"):
        launch.check(CNTK)
    with pytest.raises(ConfigError, match="leave engine.devices at 1"):
        launch.check(declared(devices=2))
    with pytest.raises(ConfigError, match="a sweep"):
        launch.check(declared(), sweep=True)
