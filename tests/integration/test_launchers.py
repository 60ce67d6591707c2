"""The sweeper over Hydra's launchers, each for real: the same results as one after another, and no lease shared."""

import json
import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from skinlab import processors
from tests.integration.commands import TINY, Workplace, record

SAME = ("summary.json", "metrics.jsonl", "predictions.csv", "checkpoints/best.safetensors", "bundle/model.onnx")
"""Files of a run that hold what came out; the others also hold times and places."""
SWEEP = (*TINY, "engine.threads=1", "training.epochs=1", "optimizer.learning_rate=0.003,0.01,0.03")

ENGINES = [("cntk",), ("torch", "engine.precision=fp32"), ("torch", "engine.precision=bf16")]


def swept(workplace: Workplace, *words: str) -> list[Path]:
    """The runs of a sweep, which must succeed, in the order of the trials."""
    before = set(workplace.runs())
    done = workplace.skinlab("train", "-m", *words)
    assert done.code == 0, done.err + done.out
    return sorted(set(workplace.runs()) - before, key=lambda run: int(run.name))


def contents(run: Path, names: Iterable[str] = SAME) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in names}


def share_nothing(runs: Sequence[Path]) -> None:
    """No two trials had a processor at the same time."""
    for first, second in combinations([record(run) for run in runs], 2):
        together = set(first["lease"]["processors"]) & set(second["lease"]["processors"])
        assert not (together and overlap(first, second))


def overlap(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether one ended well after the other began, and the other way round; run.json knows whole seconds."""
    spans = [
        [datetime.fromisoformat(run[name]).timestamp() for name in ("started", "finished")] for run in (first, second)
    ]
    return min(spans[0][1], spans[1][1]) - max(spans[0][0], spans[1][0]) > 1


@pytest.fixture(scope="module")
def one_by_one(tmp_path_factory: pytest.TempPathFactory, cntk_home: Path) -> list[Path]:
    """The runs of the sweep in one process."""
    return swept(Workplace(tmp_path_factory.mktemp("one_by_one"), cntk_home), *SWEEP)


def check(runs: list[Path], one_by_one: list[Path]) -> None:
    state = json.loads((runs[0].parent / "sweep.json").read_text())
    assert [trial["status"] for trial in state["trials"]] == ["finished"] * 3
    assert [record(run)["status"] for run in runs] == ["finished"] * 3
    assert [contents(run) for run in runs] == [contents(run) for run in one_by_one]
    assert {record(run)["engine"]["threads"] for run in runs} == {1}
    share_nothing(runs)


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [("joblib", "hydra.launcher.n_jobs=2"), ("submitit_local",)], ids=lambda it: it[0])
def test_processes_of_this_machine(workplace: Workplace, one_by_one: list[Path], launcher: tuple[str, ...]) -> None:
    pytest.importorskip(f"hydra_plugins.hydra_{launcher[0].partition('_')[0]}_launcher")
    check(swept(workplace, *SWEEP, f"hydra/launcher={launcher[0]}", *launcher[1:]), one_by_one)


@pytest.mark.slow
def test_a_ray_cluster(workplace: Workplace, one_by_one: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hydra_plugins.hydra_ray_launcher")
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    local = [
        "hydra/launcher=ray",
        "+hydra.launcher.ray.init.num_cpus=2",
        "+hydra.launcher.ray.init.include_dashboard=false",
    ]
    check(swept(workplace, *SWEEP, *local), one_by_one)


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", [("cntk",), ("torch", "engine.precision=fp32"), ("torch", "engine.precision=bf16")], ids="-".join
)
def test_a_trial_alone_and_the_seventh_of_a_sweep_are_the_same_bytes(
    workplace: Workplace, engine: tuple[str, ...]
) -> None:
    words = (
        *TINY,
        "engine.threads=1",
        "training.epochs=1",
        "method.freeze=none",
        *(f"engine={engine[0]}", *engine[1:]),
    )
    others = ("network=mobilenet_v2,resnet18", "optimizer.minibatch_size=8,16", "network.dropout=0.5,0.2")
    runs = swept(workplace, *words, *others)
    seventh = runs[6]
    declared = record(seventh)["config"]
    alone = workplace.train(
        *words,
        f"network={declared['network']['name']}",
        f"optimizer.minibatch_size={declared['optimizer']['minibatch_size']}",
        f"network.dropout={declared['network']['dropout']}",
    )
    assert contents(seventh) == contents(alone)
    assert not (seventh / "plots").exists()
    first, log = (seventh / "train.log").read_text().splitlines()[0], (runs[0] / "train.log").read_text()
    assert "run: " in first
    assert f"{seventh.parent.name}/{seventh.name}" not in log


def test_the_threads_of_each_trial_are_settled_for_the_whole_sweep(workplace: Workplace) -> None:
    runs = swept(workplace, *TINY, "method=head", "training.epochs=1", "network.dropout=0,0.5")
    settled = json.loads((runs[0].parent / "sweep.json").read_text())["threads"]
    assert settled == len(processors.usable())
    assert {record(run)["config"]["engine"]["threads"] for run in runs} == {settled}
    assert {len(record(run)["lease"]["processors"]) for run in runs} == {settled}
    assert os.sched_getaffinity(0) == processors.usable()
