"""Run directories as training leaves them, without the training: numbers are made up."""

from functools import cache
from pathlib import Path
from typing import Any

from skinlab.config import compose, to_dict
from skinlab.run import Run

GROUP_CHOICES = "hydra:\n  runtime:\n    choices:\n      experiment: {experiment}\n      dataset: {dataset}\n"


@cache
def declared(*overrides: str) -> dict[str, Any]:
    return to_dict(compose(["experiment=debug", *overrides]).config)


def number(value: float | None) -> dict[str, Any]:
    if value is None:
        return {"value": None, "low": None, "high": None, "interval": None, "why": "one class only"}
    return {"value": value, "low": value - 0.1, "high": value + 0.1, "interval": "DeLong", "why": None}


def summary(auc: float | None, test_auc: float = 0.5, brier: float = 0.2) -> dict[str, Any]:
    return {
        "best_epoch": 2,
        "note": "",
        "validation": {"metrics": {"auc": number(auc), "brier": number(brier)}},
        "test": {"metrics": {"auc": number(test_auc), "brier": number(brier)}},
    }


def make_run(
    path: Path,
    *overrides: str,
    status: str = "finished",
    auc: float | None = 0.8,
    test_auc: float = 0.5,
    brier: float = 0.2,
    dataset: str = "synthetic",
    **facts: Any,
) -> Path:
    """A run directory; `facts` change run.json."""
    config = declared(*overrides)
    code = {"version": "0.1.0", "commit": "a" * 40, "dirty": False}
    run = Run.create(path, {"experiment": config["name"], "seed": config["seed"], "config": config, "code": code})
    (path / ".hydra").mkdir()
    (path / ".hydra" / "hydra.yaml").write_text(GROUP_CHOICES.format(experiment="debug", dataset=dataset))
    (path / "checkpoints").mkdir()
    (path / "checkpoints" / "best.safetensors").write_bytes(b"weights of " + path.name.encode())
    if status == "finished":
        run.write_json("summary.json", summary(auc, test_auc, brier))
    run.update(**{"status": status, "started": "2026-11-01T10:00:00+00:00", **facts})
    (path / ".reserve").unlink()
    (path / ".lock").unlink()
    return path


def make_runs(output: Path) -> None:
    """Four runs of two experiments, one of them of a sweep."""
    runs = output / "runs" / "debug"
    make_run(runs / "20261101-100000-aaaa01", "seed=1", auc=0.7, test_auc=0.9, brier=0.3)
    make_run(
        runs / "20261102-100000-bbbb02",
        "network=resnet34",
        auc=0.9,
        brier=0.1,
        dataset="isic2017",
        started="2026-11-02T10:00:00+00:00",
    )
    make_run(
        runs / "20261103-100000-cccc03",
        status="failed",
        started="2026-11-03T10:00:00+00:00",
        error="the loss became NaN",
    )
    sweep = output / "sweeps" / "lr" / "20261104-100000-dddd04"
    make_run(sweep / "3", "optimizer.learning_rate=0.1", "name=lr", auc=None, started="2026-11-04T10:00:00+00:00")
