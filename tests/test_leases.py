"""What a trial is given: its own GPUs, its processors; and how many threads each trial of a sweep has."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skinlab import engines, leases, paths, processors, schema
from skinlab.engines.cntk import gpu
from skinlab.engines.torch import hardware
from skinlab.errors import ConfigError
from tests.engines.cntk.small import ENGINE

TORCH = schema.TorchEngine(
    name="torch",
    device="auto",
    devices=1,
    threads=1,
    precision="fp32",
    channels_last=True,
    deterministic=True,
    ema=None,
    clip_norm=None,
)
FOUR = {"GPU-a": 0, "GPU-b": 1, "GPU-c": 2, "GPU-d": 3}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.fixture
def four_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """As PyTorch would see them: the logic of leases is tried, nothing computes."""
    monkeypatch.setattr(hardware, "gpu_identities", lambda: FOUR)
    monkeypatch.setattr(processors, "usable", lambda: frozenset(range(8)))
    monkeypatch.setattr(processors, "confine", lambda _: None)


def test_a_trial_has_its_share_of_the_processors_and_its_process_runs_there() -> None:
    everywhere = processors.usable()
    with leases.leased(replace(ENGINE, threads=1)) as lease:
        assert len(lease.processors) == 1
        assert os.sched_getaffinity(0) == set(lease.processors)
        assert lease.engine == replace(ENGINE, threads=1)
    assert processors.usable() == everywhere


def test_undeclared_or_too_many_threads_lease_all_processors() -> None:
    everywhere = processors.usable()
    for threads in (None, len(everywhere) + 1):
        with leases.leased(replace(ENGINE, threads=threads)) as lease:
            assert set(lease.processors) == everywhere


@pytest.mark.skipif(len(processors.usable()) < 2, reason="needs two processors")
def test_two_trials_have_different_processors() -> None:
    everywhere = processors.usable()
    with leases.leased(replace(ENGINE, threads=1)) as first:
        processors.confine(everywhere)  # as another process would see it
        with leases.leased(replace(ENGINE, threads=1)) as second:
            assert not set(first.processors) & set(second.processors)


@pytest.mark.usefixtures("four_gpus")
def test_two_trials_never_share_a_gpu() -> None:
    with leases.leased(TORCH) as first, leases.leased(replace(TORCH, device="gpu")) as second:
        assert (first.gpus, first.engine.device) == (("GPU-a",), "gpu:0")
        assert (second.gpus, second.engine.device) == (("GPU-b",), "gpu:1")
        assert first.as_json()["gpus"] == ["GPU-a"]


@pytest.mark.usefixtures("four_gpus")
def test_a_trial_on_several_gpus_has_as_many_side_by_side() -> None:
    with leases.leased(TORCH), leases.leased(replace(TORCH, devices=2)) as pair:
        assert (pair.gpus, pair.engine.device) == (("GPU-b", "GPU-c"), "gpu:1")


@pytest.mark.usefixtures("four_gpus")
def test_a_named_gpu_is_the_one_that_is_leased() -> None:
    with leases.leased(replace(TORCH, device="gpu:2")) as lease:
        assert (lease.gpus, lease.engine.device) == (("GPU-c",), "gpu:2")
    assert engines.gpus(replace(TORCH, device="gpu:1", devices=2)) == {"GPU-b": 1, "GPU-c": 2}


@pytest.mark.usefixtures("four_gpus")
def test_on_the_cpu_no_gpu_is_leased() -> None:
    with leases.leased(replace(TORCH, device="cpu")) as lease:
        assert (lease.gpus, lease.engine.device) == ((), "cpu")


def test_the_cntk_engine_is_given_covered_gpus_where_it_has_the_gpu_build(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [(gpu.Gpu("A100", (8, 0), ""), "GPU-a"), (gpu.Gpu("T4", (7, 5), ""), "GPU-b")]
    monkeypatch.setattr(gpu, "_cuda_devices", lambda: seen)
    assert engines.gpus(replace(ENGINE, device="auto")) == {}
    (home / "runtimes" / "cntk-2.7.post2-gpu").mkdir(parents=True)
    assert engines.gpus(replace(ENGINE, device="auto")) == {"GPU-b": 1}
    assert engines.gpus(replace(ENGINE, device="auto", workers=2)) == {}


@pytest.mark.parametrize(
    ("name", "settings", "threads"),
    [
        ("BasicLauncher", {}, 16),
        ("JoblibLauncher", {"n_jobs": 2}, 8),
        ("JoblibLauncher", {"n_jobs": 5}, 3),
        ("JoblibLauncher", {"n_jobs": 40}, 1),
        ("JoblibLauncher", {"n_jobs": -1}, 1),
        ("SlurmLauncher", {"cpus_per_task": 6}, 6),
        ("LocalLauncher", {"cpus_per_task": None}, 1),
        ("RayLauncher", {"ray": {"remote": {"num_cpus": 4}}}, 4),
        ("RayLauncher", {"ray": {"remote": {}}}, 1),
    ],
)
def test_the_launcher_says_how_many_threads_each_trial_has(name: str, settings: dict[str, Any], threads: int) -> None:
    assert leases.threads_of_each({"_target_": f"somewhere.{name}", **settings}, 16) == threads


def test_an_unknown_launcher_asks_for_a_declaration() -> None:
    with pytest.raises(ConfigError, match=r"set engine\.threads"):
        leases.threads_of_each({"_target_": "own.MyLauncher"}, 16)
