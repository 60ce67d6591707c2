"""The numbers of a cross-validation: each metric by fold, its mean and spread, and the pooled out-of-fold result.

Which runs are the folds of one experiment is decided elsewhere.
"""

from collections.abc import Sequence
from statistics import fmean, stdev
from textwrap import wrap
from typing import Any

from skinlab.evaluation.tables import cells, heading, labels_of, level_of

WIDTH = 110
"""Of the text below the table."""
MOST_COLUMNS = 10
"""Of more folds than this the table shows the smallest and the largest value; the JSON has all."""


def across(summaries: Sequence[dict[str, Any]], pooled: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each metric over the folds.

    Args:
        summaries: of the test subset of each fold, as `summary.summarise` returns them, in the order of the folds.
        pooled: the summary of all their test predictions together.

    Returns:
        By metric: the value of each fold (None where it is not defined, and `why` says why), their mean and standard
        deviation (divisor n - 1), and the pooled value with its interval. The mean of fewer folds is another quantity:
        mean and deviation are None where a fold has no value. The deviation is no standard error of the mean: the
        training subsets overlap, so that the folds are not independent, and no unbiased estimate of the variance of
        the mean exists (Bengio and Grandvalet, JMLR 5:1089, 2004).

    >>> entries = [{"value": 0.5, "why": None}, {"value": 1.0, "why": None}]
    >>> one, other = ({"metrics": {"auc": entry}} for entry in entries)
    >>> found = across([one, other], other)["auc"]
    >>> found["folds"], found["mean"], round(found["sd"], 3), found["pooled"]["value"]
    ([0.5, 1.0], 0.75, 0.354, 1.0)
    """
    found = {}
    for name in pooled["metrics"]:
        entries = [summary["metrics"][name] for summary in summaries]
        values = [entry["value"] for entry in entries]
        defined = [value for value in values if value is not None]
        whole = len(defined) == len(values)
        found[name] = {
            "folds": values,
            "why": [entry["why"] if entry["value"] is None else None for entry in entries],
            "mean": fmean(defined) if whole else None,
            "sd": stdev(defined) if whole else None,
            "pooled": pooled["metrics"][name],
        }
    return found


def format_folds(metrics: dict[str, dict[str, Any]], pooled: dict[str, Any]) -> str:
    """Lines for the terminal: what was tested, one metric a line, and how to read them.

    Args:
        metrics: what `across` returned.
        pooled: the summary of all test predictions together.

    Returns:
        Text without a newline at the end.
    """
    folds = folds_of(metrics)
    level, labels = level_of(pooled), labels_of(pooled)
    shown = [f"fold {fold}" for fold in range(folds)] if folds <= MOST_COLUMNS else ["lowest", "highest"]
    rows = [("", *shown, "mean", "SD", "pooled", "", "")]
    rows += [(labels[name], *_columns(entry), *cells(entry["pooled"], level)) for name, entry in metrics.items()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_aligned(row, widths) for row in rows]
    below = [*undefined(metrics, labels), *wrap(reading(folds), WIDTH)]
    return "\n".join([heading(pooled, "out-of-fold"), *lines, *below])


def folds_of(metrics: dict[str, dict[str, Any]]) -> int:
    """How many folds the numbers are of."""
    return len(metrics["auc"]["folds"])


def undefined(metrics: dict[str, dict[str, Any]], labels: dict[str, str]) -> list[str]:
    """What a fold does not define, and why: a line for each fold and reason.

    Args:
        metrics: what `across` returned.
        labels: what each number is called.

    >>> undefined({"auc": {"why": [None, "no image is malignant"]}}, {"auc": "AUC"})
    ['fold 1: undefined: no image is malignant: AUC']
    """
    found: dict[tuple[int, str], list[str]] = {}
    for name, entry in metrics.items():
        for fold, why in enumerate(entry["why"]):
            if why is not None:
                found.setdefault((fold, why), []).append(labels[name])
    return [f"fold {fold}: undefined: {why}: {', '.join(names)}" for (fold, why), names in sorted(found.items())]


def _columns(entry: dict[str, Any]) -> list[str]:
    values: list[float | None] = entry["folds"]
    if len(values) > MOST_COLUMNS:
        defined = [value for value in values if value is not None]
        values = [min(defined), max(defined)] if defined else [None, None]
    return [_number(value) for value in (*values, entry["mean"], entry["sd"])]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names, bounds and methods to the left, numbers to the right."""
    left = {0, len(row) - 2, len(row) - 1}
    return "  ".join(
        f"{cell:<{width}}" if place in left else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip()


def reading(folds: int) -> str:
    """How the columns are to be read."""
    return (
        f"SD is the spread of {folds} folds, not a standard error: the folds share training images, so that "
        f"SD / sqrt({folds}) would be too small. Pooled: each image is tested once, by the model of its fold; the "
        "interval is about other images, not other trainings. AUC and average precision, pooled, rank scores of "
        "different models together; their means over the folds do not."
    )
