"""Sweeps that were never run: trials, and run directories as a trial leaves them."""

import json
from pathlib import Path
from typing import Any

from skinlab import machine
from skinlab.run import RUN_FILE
from skinlab.sweeps.state import Sweep, Trial

GONE = {**machine.process_identity(), "pid": 2**22 + 1}
"""A process that does not live."""
OBJECTIVES = [{"metric": "auc", "direction": "maximize"}]


def trial(number: int, group: int | None = None, **facts: Any) -> Trial:
    """A trial of a sweep over the learning rate."""
    rate = facts.pop("rate", 0.1 / (number + 1))
    parameters = facts.pop("parameters", {"optimizer.learning_rate": rate})
    return Trial(
        number=number,
        parameters=parameters,
        drawn=parameters,
        overrides=[f"{key}={value}" for key, value in parameters.items()],
        run=str(number),
        group=number if group is None else group,
        **facts,
    )


def finished(number: int, *values: float, **facts: Any) -> Trial:
    """A trial with values."""
    return trial(number, status="finished", values=list(values), **facts)


def sweep(path: Path, *trials: Trial, **facts: Any) -> Sweep:
    """A sweep with these trials, owned by this process."""
    made = Sweep.create(path, {"objectives": OBJECTIVES, "best": None, "pareto": [], **facts})
    made.add(trials)
    return made


def run_dir(path: Path, status: str, epochs: int = 0, auc: float | None = None, **facts: Any) -> Path:
    """A run directory; a running one is of a process that lives."""
    path.mkdir(parents=True, exist_ok=True)
    record = {
        "schema_version": 1,
        "status": status,
        "error": None,
        "started": "2026-01-01T00:00:00+00:00",
        "finished": None,
        "process": machine.process_identity(),
        **facts,
    }
    (path / RUN_FILE).write_text(json.dumps(record))
    lines = [{"epoch": epoch + 1, "validation_auc": 0.5, "validation_loss": 0.7} for epoch in range(epochs)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if auc is not None:
        summary = {"validation": {"metrics": {"auc": {"value": auc}}}, "test": {"metrics": {"auc": {"value": 0.0}}}}
        (path / "summary.json").write_text(json.dumps(summary))
    return path
