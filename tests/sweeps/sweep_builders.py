"""Sweeps that were never run: trials, and run directories as a trial leaves them."""

import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skinlab import files, machine
from skinlab.run import RUN_FILE
from skinlab.sweeps import leaderboard
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


def rising(auc: float | None, epoch: int) -> float:
    """A curve that comes near to a value; level where there is none."""
    return 0.5 if auc is None else auc - 0.3 * 0.5**epoch


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
    lines = [
        {"epoch": epoch + 1, "validation_auc": rising(auc, epoch), "validation_loss": 0.7} for epoch in range(epochs)
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if auc is not None:
        summary = {"validation": {"metrics": {"auc": {"value": auc}}}, "test": {"metrics": {"auc": {"value": 0.0}}}}
        (path / "summary.json").write_text(json.dumps(summary))
    files.write_json(path / RUN_FILE, record)  # last and whole, as of a real run: what is finished has its numbers
    return path


RATE, DROPOUT, BATCH = "optimizer.learning_rate", "network.dropout", "optimizer.minibatch_size"
SPACE = {
    RATE: {"interval": [0.0001, 1.0], "log": True, "type": "float"},
    DROPOUT: {"interval": [0.0, 0.9], "log": False, "type": "float"},
    BATCH: [16, 32, 64],
}
TWO = [*OBJECTIVES, {"metric": "ece", "direction": "minimize"}]


def declared(space: dict[str, Any], **sweeping: Any) -> dict[str, Any]:
    """The part of sweep.json that the page reads, of trials of 9 epochs."""
    settings = {"sampler": "tpe", "seed": 1, "pruner": "median", "scaled": None, **sweeping}
    config = {"name": "phantoms", "seed": 1, "training.epochs": 9, "training.monitor": "auc", "engine.threads": 1}
    return {
        "command": "skinlab train -m",
        "code": {"version": "0.1.0", "commit": "0" * 40, "dirty": True},
        "threads": 1,
        "declaration": {"overrides": [], "space": space, "sweep": settings, "config": config, "launcher": "basic"},
    }


def searched(path: Path, trials: int = 40, objectives: Sequence[dict[str, str]] = OBJECTIVES) -> Sweep:
    """A sweep whose result depends on the learning rate much, on dropout a little; some pruned, one failed."""
    draw = random.Random(1)  # noqa: S311 - points, not secrets
    made = sweep(path, objectives=objectives, **declared(SPACE))
    for number in range(trials):
        values = {RATE: 10 ** draw.uniform(-4, 0), DROPOUT: draw.uniform(0, 0.9), BATCH: draw.choice([16, 32, 64])}
        auc = 0.9 - 0.1 * (math.log10(values[RATE]) + 2) ** 2 - 0.05 * values[DROPOUT]
        status = "failed" if number == 3 else "pruned" if auc < 0.6 else "finished"
        run_dir(
            path / str(number), status, epochs=2 if status == "pruned" else 9, auc=auc, pruned="auc in epoch 2: low"
        )
        facts = {"epochs": 9, "seconds": 2.0 + number, "started": made.record["started"]}
        if status == "finished":
            facts["values"] = [auc, values[DROPOUT]][: len(objectives)]
        if status == "pruned":
            facts |= {"epochs": 2, "seconds": 1.0}
        failure = {"error": "<b>no memory</b>"} if status == "failed" else {}
        made.trials.append(trial(number, parameters=values, status=status, **facts, **failure))
    made.update(**leaderboard.result(made.trials, [objective["direction"] for objective in objectives]))
    return made
