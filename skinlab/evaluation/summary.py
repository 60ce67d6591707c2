"""The final numbers of one set of predictions, each with its interval: what summary.json holds and the terminal shows.

Metrics and intervals are made elsewhere; here is decided which interval goes with which number.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import EngineError
from skinlab.evaluation import intervals, metrics
from skinlab.evaluation.intervals import Interval
from skinlab.evaluation.metrics import Booleans, Floats, Integers

BINARY = 2
LABELS = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "f1": "F1",
    "brier": "Brier score",
    "log_loss": "Log loss",
}


def summarise(
    targets: Integers,
    probabilities: Floats,
    classes: Sequence[str],
    positive: int,
    groups: Sequence[str | None] | None,
    *,
    confidence: float,
    resamples: int,
    seed: int,
    threshold: float = 0.5,
) -> dict[str, Any]:
    """All numbers of one set of predictions.

    Proportions have Wilson intervals, the AUC of two classes DeLong's, the rest a bootstrap that is stratified by
    class. Where a group has several images all of them allow for it, and `interval` says "clustered". The order of the
    images does not matter, not even to the last bit.

    Args:
        targets: true classes, int64 [N].
        probabilities: of each class, float64 [N, C].
        classes: C names.
        positive: index of the class that AUC, sensitivity, precision, ... are about. Of more than two classes the AUC
            is the macro mean over all of them; the others see this class against the rest.
        groups: lesion or patient of each image, None where not known; or None for all.
        confidence: level of the intervals, e.g. 0.95.
        resamples: of the bootstrap.
        seed: of the bootstrap.
        threshold: of two classes, the probability from which on an image is called positive. Of more, the most
            probable class is taken.

    Returns:
        A dict that json can write, keys always in the same order; None stands for what is not defined, be it a number
        or an interval.

    Raises:
        EngineError: a probability is not a finite number.
        ValueError: the arguments do not fit together.

    >>> chances = np.array([0.1, 0.2, 0.4, 0.3, 0.8, 0.9])
    >>> probabilities = np.stack([1 - chances, chances], axis=1)
    >>> summary = summarise(np.array([0, 0, 0, 1, 1, 1]), probabilities, ["benign", "malignant"], 1, None,
    ...                     confidence=0.95, resamples=100, seed=1)
    >>> round(summary["metrics"]["auc"]["value"], 3), summary["confusion_matrix"]
    (0.889, [[3, 0], [1, 2]])
    """
    _check(targets, probabilities, classes, positive, groups)
    targets, probabilities, groups = _in_canonical_order(targets, probabilities, positive, groups)
    decisions = metrics.decide(probabilities, positive, threshold)
    arrays = (targets, decisions, probabilities)
    values = _values(*arrays, positive=positive)
    # Where there is a closed form it is taken: it keeps its level better than a bootstrap, above all near 0 and 1.
    bounds = _bootstrap_intervals(arrays, positive, groups, resamples=resamples, confidence=confidence, seed=seed)
    bounds |= _closed_form_intervals(arrays, positive, groups, confidence)
    matrix = metrics.confusion_matrix(targets, decisions, len(classes))
    known = [group for group in groups if group is not None]
    return {
        "images": len(targets),
        "classes": dict(zip(classes, matrix.sum(axis=1).tolist(), strict=True)),
        "groups": len(set(known)) or None,
        "images_without_group": len(targets) - len(known),
        "positive_class": classes[positive],
        "threshold": threshold if len(classes) == BINARY else None,
        "confidence": confidence,
        "resamples": resamples,
        "seed": seed,
        "metrics": {name: _entry(values[name], bounds[name]) for name in LABELS},
        "confusion_matrix": matrix.tolist(),
        "per_class": _per_class(targets, probabilities, classes, matrix),
    }


def format_table(summary: dict[str, Any], subset: str = "test") -> str:
    """Lines for the terminal: what was evaluated, then one number a line with its interval.

    Args:
        summary: what `summarise` returned.
        subset: name of the subset that the images are of.

    Returns:
        Text without a newline at the end.
    """
    entries = summary["metrics"]
    # "95 %" from 0.95, and 99.9 from 0.999, without the digits of binary fractions.
    level = f"{100 * summary['confidence']:.10g} %"
    labels = metric_labels(len(summary["classes"]))
    rows = [(labels[name], *cells(entry, level)) for name, entry in entries.items()]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        f"{label:<{widths[0]}}  {value:>{widths[1]}}  {bounds:<{widths[2]}}  {method}".rstrip()
        for label, value, bounds, method in rows
    ]
    return "\n".join([heading(summary, subset), *lines])


def metric_labels(classes: int) -> dict[str, str]:
    """What each metric is called in a table, for so many classes."""
    return LABELS | ({"auc": "AUC, macro"} if classes > BINARY else {})


# --- which interval ------------------------------------------------------------------------------------------------


def _values(targets: Integers, decisions: Integers, probabilities: Floats, *, positive: int) -> dict[str, float]:
    """Every metric by name, in the order of `LABELS`."""
    matrix = metrics.confusion_matrix(targets, decisions, probabilities.shape[1])
    truly, scores = targets == positive, probabilities[:, positive]
    binary = probabilities.shape[1] == BINARY
    return {
        "auc": metrics.roc_auc(truly, scores) if binary else metrics.macro_roc_auc(targets, probabilities),
        "average_precision": metrics.average_precision(truly, scores),
        "accuracy": metrics.accuracy(matrix),
        "balanced_accuracy": metrics.balanced_accuracy(matrix),
        "sensitivity": float(metrics.sensitivity(matrix)[positive]),
        "specificity": float(metrics.specificity(matrix)[positive]),
        "precision": float(metrics.precision(matrix)[positive]),
        "f1": float(metrics.f1(matrix)[positive]),
        "brier": metrics.brier(targets, probabilities),
        "log_loss": metrics.log_loss(targets, probabilities),
    }


def _bootstrap_intervals(
    arrays: tuple[Integers, Integers, Floats],
    positive: int,
    groups: Sequence[str | None] | None,
    *,
    resamples: int,
    confidence: float,
    seed: int,
) -> dict[str, Interval]:
    """Intervals of all metrics, from the same resamples of targets, decisions and probabilities."""

    def statistic(*drawn: NDArray[Any]) -> list[float]:
        return list(_values(*drawn, positive=positive).values())

    lows, highs = intervals.bootstrap(
        statistic, arrays, groups, resamples=resamples, confidence=confidence, seed=seed, strata=arrays[0]
    )
    _, clustered = _units(groups, len(arrays[0]))
    method = "bootstrap, clustered" if clustered else "bootstrap"
    return {
        name: Interval(float(low), float(high), method) for name, low, high in zip(LABELS, lows, highs, strict=True)
    }


def _closed_form_intervals(
    arrays: tuple[Integers, Integers, Floats],
    positive: int,
    groups: Sequence[str | None] | None,
    confidence: float,
) -> dict[str, Interval]:
    """Wilson's of the proportions and, of two classes, DeLong's of the AUC."""
    targets, decisions, probabilities = arrays
    units, clustered = _units(groups, len(targets))

    def proportion(hits: Booleans, of: Booleans) -> Interval:
        if clustered:
            return intervals.wilson_clustered(hits[of], units[of], confidence)
        return intervals.wilson(int(hits[of].sum()), int(of.sum()), confidence)

    truly, called = targets == positive, decisions == positive
    found = {
        "accuracy": proportion(decisions == targets, np.ones_like(truly)),
        "sensitivity": proportion(called, truly),
        "specificity": proportion(~called, ~truly),
        "precision": proportion(truly, called),
    }
    if probabilities.shape[1] == BINARY:
        found["auc"] = intervals.delong(truly, probabilities[:, positive], confidence, units if clustered else None)
    return found


def _units(groups: Sequence[str | None] | None, images: int) -> tuple[Integers, bool]:
    """The independent unit of each image, and whether any has several."""
    units = intervals.unit_codes(groups, images)
    return units, len(np.unique(units)) < images


# --- form ----------------------------------------------------------------------------------------------------------


def _entry(value: float, interval: Interval) -> dict[str, float | str | None]:
    low, high = _number(interval.low), _number(interval.high)
    method = None if low is None or math.isnan(value) else interval.method
    return {"value": _number(value), "low": low, "high": high, "interval": method}


def _per_class(
    targets: Integers, probabilities: Floats, classes: Sequence[str], matrix: Integers
) -> dict[str, dict[str, float | None]]:
    """Each class against the rest."""
    by_class = {
        "sensitivity": metrics.sensitivity(matrix),
        "specificity": metrics.specificity(matrix),
        "precision": metrics.precision(matrix),
        "f1": metrics.f1(matrix),
    }
    rows = {}
    for code, name in enumerate(classes):
        truly, scores = targets == code, probabilities[:, code]
        rows[name] = {
            "images": int(truly.sum()),
            "auc": _number(metrics.roc_auc(truly, scores)),
            "average_precision": _number(metrics.average_precision(truly, scores)),
            **{metric: _number(values[code]) for metric, values in by_class.items()},
        }
    return rows


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def heading(summary: dict[str, Any], subset: str) -> str:
    """What was evaluated, in one line."""
    counts = ", ".join(f"{images} {name}" for name, images in summary["classes"].items())
    noun = "image" if summary["images"] == 1 else "images"
    groups = _group_phrase(summary["groups"], summary["images_without_group"])
    threshold = summary["threshold"]
    rule = "it is the most probable" if threshold is None else f"its probability is at least {threshold:g}"
    return (
        f"on {summary['images']} {subset} {noun} ({counts}){groups}; "
        f"positive class: {summary['positive_class']}, called where {rule}"
    )


def _group_phrase(groups: int | None, alone: int) -> str:
    if groups is None:
        return ""
    return f" of {groups} groups" + (f" and {alone} of unknown group" if alone else "")


def cells(entry: dict[str, Any], level: str) -> tuple[str, str, str]:
    """Value, bounds and method of one metric, as text; `level` is that of the interval, e.g. "95 %"."""
    if entry["value"] is None:
        return "-", "undefined", ""
    if entry["interval"] is None:
        return f"{entry['value']:.3f}", "no interval", ""
    return f"{entry['value']:.3f}", f"[{entry['low']:.3f}, {entry['high']:.3f}]", f"{level} {entry['interval']}"


# --- input ---------------------------------------------------------------------------------------------------------


def _check(
    targets: Integers,
    probabilities: Floats,
    classes: Sequence[str],
    positive: int,
    groups: Sequence[str | None] | None,
) -> None:
    expected = (len(targets), len(classes))
    if probabilities.shape != expected:
        raise ValueError(f"probabilities have shape {probabilities.shape}, targets and classes ask for {expected}")
    if groups is not None and len(groups) != len(targets):
        raise ValueError(f"{len(groups)} groups for {len(targets)} images")
    if len(set(classes)) != len(classes) or not 0 <= positive < len(classes):
        raise ValueError(f"class {positive} is not one of the distinct classes {list(classes)}")
    if len(targets) and not 0 <= targets.min() <= targets.max() < len(classes):
        raise ValueError(f"targets reach from {targets.min()} to {targets.max()}, there are {len(classes)} classes")
    if bad := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        raise EngineError(
            f"predictions of {bad} of {len(targets)} images are not finite numbers: training diverged; "
            "lower optimizer.learning_rate"
        )


def _in_canonical_order(
    targets: Integers, probabilities: Floats, positive: int, groups: Sequence[str | None] | None
) -> tuple[Integers, Floats, list[str | None]]:
    """The images sorted by score: what follows is then the same for any given order, and ranks without sorting anew."""
    units = intervals.unit_codes(groups, len(targets))
    order = np.lexsort([units, targets, *probabilities.T, probabilities[:, positive]])
    names = [None] * len(targets) if groups is None else [groups[row] for row in order]
    return targets[order], probabilities[order], names
