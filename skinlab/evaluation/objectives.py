"""Metrics that a search may be asked to make better, and which way that is. Validation alone is looked at."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Direction = Literal["maximize", "minimize"]

DIRECTIONS: dict[str, Direction] = {
    "auc": "maximize",
    "loss": "minimize",
    "accuracy": "maximize",
    "balanced_accuracy": "maximize",
    "partial_auc": "maximize",
    "average_precision": "maximize",
    "sensitivity": "maximize",
    "specificity": "maximize",
    "precision": "maximize",
    "npv": "maximize",
    "f1": "maximize",
    "sensitivity_at_specificity": "maximize",
    "specificity_at_sensitivity": "maximize",
    "brier": "minimize",
    "log_loss": "minimize",
    "ece": "minimize",
}
"""Which way each metric is better; `loss` is the name that training.monitor has for the log loss."""
MONITORS = {"auc": "validation_auc", "loss": "validation_loss", "accuracy": "validation_accuracy"}
"""What training.monitor is called in metrics.jsonl."""


def metric(name: str) -> str:
    """The name in summary.json.

    >>> metric("loss"), metric("auc")
    ('log_loss', 'auc')
    """
    return "log_loss" if name == "loss" else name


def validation_values(summary: Mapping[str, Any], names: Sequence[str]) -> list[float] | None:
    """The objectives of a finished run; None where one of them is not defined.

    Args:
        summary: the content of summary.json; its test subset is not looked at.
        names: keys of `DIRECTIONS`.
    """
    metrics = summary["validation"]["metrics"]
    values = [metrics.get(metric(name), {}).get("value") for name in names]
    return None if any(value is None for value in values) else [float(value) for value in values]


def better(direction: Direction, value: float, other: float) -> bool:
    """Whether a value is better than another one.

    >>> better("minimize", 0.1, 0.2), better("maximize", 0.1, 0.2)
    (True, False)
    """
    return value > other if direction == "maximize" else value < other
