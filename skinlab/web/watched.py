"""How a run or a sweep stands that may be going on: read anew from its files whenever it is asked for."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skinlab import files, records
from skinlab.errors import OutputError
from skinlab.report import charts
from skinlab.report.words import sentence
from skinlab.run import Run
from skinlab.sweeps import leaderboard, progress
from skinlab.sweeps.page import PAGE
from skinlab.sweeps.report import expected
from skinlab.sweeps.state import Sweep, Trial

CURVES = ("train_loss", "validation_loss", "validation_auc", "validation_accuracy")
LARGEST_METRICS = 50_000_000
"""Bytes of metrics.jsonl that are read: some hundred thousand epochs."""
MOST_EPOCHS = 2_000
"""Of a curve; of more the last are drawn."""
MOST_TRIALS = 500
"""Of a sweep's table; of more those that run and those that ended last."""


def run(path: Path) -> dict[str, Any]:
    """What the page of a run that is not finished shows.

    Raises:
        OutputError: it cannot be read.
    """
    from markupsafe import Markup

    opened = Run.open(path)
    record, epochs = opened.record, epochs_of(path)
    drawn = charts.learning_curves(epochs, None) if epochs else None
    declared = record.get("config", {})
    return {
        "title": f"{record.get('experiment', 'run')} {path.name}",
        "warning": sentence(records.warning(declared.get("dataset", {}).get("name"))),
        "state": opened.status,
        "error": record.get("error"),
        "epoch": epochs[-1]["epoch"] if epochs else 0,
        "epochs": declared.get("training", {}).get("epochs"),
        "last": [(name.replace("_", " "), epochs[-1][name]) for name in CURVES] if epochs else [],
        "spent": _spent(record),
        "curves": None if drawn is None else Markup(drawn),  # noqa: S704 - made of escaped parts
        "folder": path,
    }


def epochs_of(path: Path) -> list[dict[str, Any]]:
    """The epochs of a run so far: their number and what is drawn of each, None where it is no number.

    Raises:
        OutputError: metrics.jsonl cannot be read.
    """
    file = path / "metrics.jsonl"
    try:
        if file.stat().st_size > LARGEST_METRICS:
            raise OutputError(f"{file} is too large for a page")
        lines = file.read_text(encoding="utf-8").splitlines()[-MOST_EPOCHS:]
        found = [files.json_object(line) for line in lines]
        return [{"epoch": int(one["epoch"]), **{name: _number(one.get(name)) for name in CURVES}} for one in found]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{file} cannot be read: {error!r}") from error


def _number(value: object) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if known else None  # type: ignore[arg-type]


def _spent(record: dict[str, Any]) -> str:
    """How long it has run; of one that ended, how long it did."""
    total = record.get("timings", {}).get("total_s")
    if record["status"] == "running":
        begun = datetime.fromisoformat(record.get("resumed", [record["started"]])[-1])
        total = (datetime.now(UTC) - begun).total_seconds()
    return progress.duration(total)


# --- sweeps --------------------------------------------------------------------------------------------------------


def sweep(path: Path) -> dict[str, Any]:
    """What the page of a sweep shows, while it runs and after.

    Raises:
        OutputError: it cannot be read.
    """
    opened = Sweep.open(path)
    try:
        opened.refresh()
        return _standing(opened)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise OutputError(f"{path}: sweep.json is not as skinlab writes it ({error!r})") from error


def standing(path: Path) -> dict[str, str]:
    """How a sweep stands by sweep.json alone, in a few words: its status, and how many trials came to what.

    Raises:
        OutputError: it cannot be read.
    """
    opened = Sweep.open(path)
    try:
        counts = ", ".join(f"{count} {status}" for status, count in opened.counts().items())
        return {"status": opened.status, "said": f"{len(opened.trials)} trials: {counts}"}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OutputError(f"{path}: sweep.json is not as skinlab writes it ({error!r})") from error


def charts_of(path: Path) -> Path | None:
    """The page of charts that a sweep leaves when it ends; its links lead to files, so that it is opened as one."""
    return path / PAGE if (path / PAGE).is_file() else None


def _standing(opened: Sweep) -> dict[str, Any]:
    names = [objective["metric"] for objective in opened.record["objectives"]]
    directions = [objective["direction"] for objective in opened.record["objectives"]]
    dataset = opened.record.get("declaration", {}).get("config", {}).get("dataset.name")
    order = leaderboard.ranked(leaderboard.grouped(opened.trials), directions)
    ended = sum(trial.has_ended for trial in opened.trials)
    return {
        "title": f"sweep {opened.path.parent.name} {opened.path.name}",
        "warning": sentence(records.warning(dataset)),
        "charts": charts_of(opened.path),
        "state": opened.status,
        "error": opened.record.get("error"),
        "heading": sentence(progress.heading(opened)),
        "ended": ended,
        "total": len(opened.trials),
        "objectives": names,
        "groups": [_group(place, group, names) for place, group in enumerate(order[:MOST_TRIALS], start=1)],
        "trials": [_trial(trial, len(names)) for trial in _shown(opened.trials)],
        "hidden": max(0, len(opened.trials) - MOST_TRIALS),
        "optimism": expected(opened),
    }


def _shown(trials: list[Trial]) -> list[Trial]:
    """Those that run, then those that ended last, then those that wait."""
    running = [trial for trial in trials if trial.status == "running"]
    ended = sorted((t for t in trials if t.has_ended), key=lambda t: (t.finished or "", t.number), reverse=True)
    rest = [trial for trial in trials if trial.status != "running" and not trial.has_ended]
    return [*running, *ended, *rest][:MOST_TRIALS]


def _group(place: int, group: leaderboard.Group, names: list[str]) -> dict[str, Any]:
    """A line of the leaderboard."""
    spreads = [group.spread(number) for number in range(len(names))]
    values = [
        f"{mean:.4f}" if spread is None else f"{mean:.4f} [{spread[1]:.4f}, {spread[2]:.4f}]"
        for mean, spread in zip(group.means, spreads, strict=True)
    ]
    return {
        "place": place,
        "parameters": progress.assignment(group.parameters) or "as declared",
        "values": values,
        "runs": [trial.run for trial in group.trials],
    }


def _trial(trial: Trial, objectives: int) -> dict[str, Any]:
    values = [f"{value:.4f}" for value in trial.values] if trial.values else [""] * objectives
    total = trial.parameters.get("training.epochs")
    return {
        "number": trial.number,
        "status": trial.status,
        "run": trial.run,
        "has_run": trial.status != "waiting",
        "parameters": progress.assignment(trial.parameters),
        "epochs": f"{trial.epochs} of {total}" if trial.epochs and total else str(trial.epochs or ""),
        "values": values,
        "spent": progress.duration(progress.seconds_spent(trial)),
        "error": trial.error,
    }
