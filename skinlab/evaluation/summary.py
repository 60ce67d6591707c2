"""The final numbers of one set of predictions, each with its interval: what summary.json holds of a subset.

Metrics and intervals are made elsewhere; here is decided which interval goes with which number, and what is said where
there is none.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skinlab.data.wording import listed
from skinlab.evaluation import calibration, intervals, isic, metrics
from skinlab.evaluation.intervals import Interval
from skinlab.evaluation.metrics import Booleans, Floats, Integers
from skinlab.evaluation.ranking import ISIC_2024_SENSITIVITY
from skinlab.evaluation.scores import CLASS_LABELS, OF_POSITIVE, Levels, Predictions, columns, scorer

BINARY = 2
UNSEEN = -1
"""As a target: a label that the model was not trained on."""
METRICS = (
    "auc",
    "partial_auc",
    "average_precision",
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "npv",
    "f1",
    "sensitivity_at_specificity",
    "specificity_at_sensitivity",
    "brier",
    "log_loss",
    "ece",
)
"""The numbers of a summary, in order."""
ABOUT_POSITIVE = frozenset(OF_POSITIVE) | CLASS_LABELS.keys() - {"auc"}
"""Those of the positive class alone; the AUC of more than two classes is the mean over all."""
OVER_CLASSES = ("macro_auc", "macro_average_precision", "balanced_accuracy", "isic_balanced_accuracy")
"""Means over the classes: as sure as the rarest of them."""
OVER_IMAGES = ("accuracy", "brier", "log_loss", "ece")
"""Means over the images, whatever their class."""
NO_INTERVAL = "too few images of a class, or resamples that agree or do not define it"
NOT_DRAWN = "no resamples were asked for"

Entry = dict[str, float | str | None]
"""A number: value, low, high, interval (its method), and why, which says what is missing, None where nothing is."""


@dataclass(frozen=True)
class Settings:
    """How numbers are computed, the same for all sets of predictions of a run.

    Attributes:
        confidence: level of the intervals, e.g. 0.95.
        resamples: of the bootstrap; 0: what has no closed form has no interval, which is quick.
        seed: of the bootstrap.
        levels: at which specificity sensitivity is given, and the reverse.
        threshold: of two classes, the probability from which on an image is called positive. Of more, the most
            probable class is taken.
    """

    confidence: float
    resamples: int
    seed: int
    levels: Levels
    threshold: float = 0.5


def metrics_of(positive: int | None) -> list[str]:
    """Names of the numbers that a summary has, in order: without a positive class none is about a class alone."""
    return [name for name in METRICS if positive is not None or name not in ABOUT_POSITIVE]


def summarise(
    targets: Integers,
    probabilities: Floats,
    classes: Sequence[str],
    positive: int | None,
    groups: Sequence[str | None] | None,
    settings: Settings,
    image_ids: Sequence[str] | None = None,
    thresholds: Floats | None = None,
) -> dict[str, Any]:
    """All numbers of one set of predictions.

    Proportions have Wilson intervals, the AUC of a class DeLong's, the rest a bootstrap that is stratified by class.
    Where a group has several images all of them allow for it, and `interval` says "clustered". The order of the images
    does not matter, not even to the last bit.

    Args:
        targets: true classes, int64 [N]; an image that is `UNSEEN` is left out and counted.
        probabilities: of each class, float64 [N, C].
        classes: C names.
        positive: index of the class that AUC, sensitivity, precision, ... are about. Of more than two classes the AUC
            is the macro mean over all of them; the others see this class against the rest. None: of more than two
            classes none is the positive one, and there are no such others.
        groups: lesion or patient of each image, None where not known; or None for all.
        settings: how numbers are computed.
        image_ids: names of the images, none of which may be there twice; None: not known.
        thresholds: of each image, float64 [N], where several models with thresholds of their own predicted; None: that
            of the settings.

    Returns:
        A dict that json can write, keys always in the same order. A value or interval that is not defined is None, and
        `why` says why; no content of the images or predictions raises.

    Raises:
        ValueError: the arguments do not fit together.

    >>> chances = np.array([0.1, 0.2, 0.4, 0.3, 0.8, 0.9])
    >>> probabilities = np.stack([1 - chances, chances], axis=1)
    >>> settings = Settings(confidence=0.95, resamples=100, seed=1, levels=Levels(0.9, 0.95))
    >>> summary = summarise(np.array([0, 0, 0, 1, 1, 1]), probabilities, ["benign", "malignant"], 1, None, settings)
    >>> round(summary["metrics"]["auc"]["value"], 3), summary["confusion_matrix"]
    (0.889, [[3, 0], [1, 2]])
    """
    _check(targets, probabilities, classes, positive, groups)
    spoiled = _spoiled(targets, probabilities, image_ids)
    seen, all_groups = targets != UNSEEN, [None] * len(targets) if groups is None else list(groups)
    of_seen = [group for group, kept in zip(all_groups, seen, strict=True) if kept]
    limits = np.full(len(targets), settings.threshold) if thresholds is None else thresholds
    ordered, groups = _in_canonical_order(targets[seen], probabilities[seen], positive, of_seen, limits[seen])
    known = [group for group in groups if group is not None]
    several = len(classes) > BINARY
    return {
        "images": len(ordered.targets),
        "classes": dict(zip(classes, np.bincount(ordered.targets, minlength=len(classes)).tolist(), strict=True)),
        "images_of_unseen_label": int((~seen).sum()),
        "groups": len(set(known)) or None,
        "images_without_group": len(groups) - len(known),
        "positive_class": None if positive is None else classes[positive],
        "threshold": None if several or len(set(limits.tolist())) > 1 else settings.threshold,
        "at_specificity": settings.levels.specificity,
        "at_sensitivity": settings.levels.sensitivity,
        "confidence": settings.confidence,
        "resamples": settings.resamples,
        "seed": settings.seed,
        **(_undefined(classes, positive, spoiled) if spoiled else _numbers(ordered, classes, groups, settings)),
    }


def _numbers(
    predictions: Predictions, classes: Sequence[str], groups: Sequence[str | None], settings: Settings
) -> dict[str, Any]:
    """What is computed, in the order of the summary."""
    entries = _entries(predictions, classes, groups, settings)
    of_class = [{metric: entries[metric, code] for metric in CLASS_LABELS} for code in range(len(classes))]
    whole = {name: entry for (name, code), entry in entries.items() if code is None}
    found = whole | ({} if predictions.positive is None else of_class[predictions.positive])
    if len(classes) > BINARY:
        found["auc"] = whole["macro_auc"]
    matrix = metrics.confusion_matrix(predictions.targets, predictions.decisions, len(classes))
    return {
        "metrics": {name: found[name] for name in metrics_of(predictions.positive)},
        "confusion_matrix": matrix.tolist(),
        "per_class": dict(zip(classes, of_class, strict=True)),
        "challenges": {year: {"metric": name} | found[name] for year, name in isic.CHALLENGES.items() if name in found},
        "reliability": _reliability(predictions, groups, settings.confidence),
    }


def _undefined(classes: Sequence[str], positive: int | None, why: str) -> dict[str, Any]:
    """The same where nothing can be computed."""
    nothing = _entry(math.nan, None, why)
    return {
        "metrics": dict.fromkeys(metrics_of(positive), nothing),
        "confusion_matrix": None,
        "per_class": {name: dict.fromkeys(CLASS_LABELS, nothing) for name in classes},
        "challenges": {
            year: {"metric": name} | nothing
            for year, name in isic.CHALLENGES.items()
            if positive is not None or name not in OF_POSITIVE
        },
        "reliability": [],
    }


# --- which interval ------------------------------------------------------------------------------------------------


def _entries(
    predictions: Predictions, classes: Sequence[str], groups: Sequence[str | None], settings: Settings
) -> dict[tuple[str, int | None], Entry]:
    """Every number of `scores.columns`."""
    score, names = scorer(predictions, settings.levels), columns(len(classes), predictions.positive)
    rows = len(predictions.targets)
    values = score(np.ones((1, rows)))[0]
    # Where there is a closed form it is taken: it keeps its level better than a bootstrap, above all near 0 and 1.
    closed = _closed_forms(predictions, groups, settings.confidence)
    if settings.resamples:
        bounds = intervals.bootstrap(
            score,
            rows,
            groups,
            resamples=settings.resamples,
            confidence=settings.confidence,
            seed=settings.seed,
            strata=predictions.targets,
            ranges=_ranges(predictions, groups),
        )
    else:
        bounds = intervals.Bootstrap(*np.full((2, len(names)), np.nan))
    _, clustered = _units(groups)
    method = "bootstrap, clustered" if clustered else "bootstrap"
    missing = NO_INTERVAL if settings.resamples else NOT_DRAWN
    found = {}
    for name, value, low, high in zip(names, values, bounds.low, bounds.high, strict=True):
        interval = closed.get(name) or Interval(float(low), float(high), method)
        found[name] = _entry(value, interval, _why(name, predictions, classes), missing)
    return found


def _ranges(predictions: Predictions, groups: Sequence[str | None]) -> intervals.Ranges:
    """What a bootstrap is told of each number: how large it can be, and how many units its spread was seen in."""
    units, _ = _units(groups)
    in_class = np.array([len(np.unique(units[predictions.targets == code])) for code in range(predictions.classes)])
    against = np.array([len(np.unique(units[predictions.targets != code])) for code in range(predictions.classes)])
    of_class = np.minimum(in_class, against) - 1
    freedom: dict[str, float] = {name: in_class.min() - 1 for name in OVER_CLASSES}
    freedom |= {name: len(np.unique(units)) - predictions.classes for name in OVER_IMAGES}
    names = columns(predictions.classes, predictions.positive)
    top = [top_of(name, predictions.classes) for name, _ in names]
    if predictions.positive is not None:
        of_positive = of_class[predictions.positive]
        freedom |= dict.fromkeys(OF_POSITIVE, of_positive)
        # The partial AUC is about the rarely found fifth of the positives: no more than these tell how far it spreads.
        in_part = (1 - ISIC_2024_SENSITIVITY) * in_class[predictions.positive] - 1
        freedom["partial_auc"] = min(of_positive, max(1.0, in_part))
    known = [freedom[name] if code is None else of_class[code] for name, code in names]
    return intervals.Ranges(np.array(top), np.array(known, dtype=np.float64))


def top_of(name: str, classes: int) -> float:
    """The largest value of a number; the smallest is 0."""
    tops = {"partial_auc": 1 - ISIC_2024_SENSITIVITY, "log_loss": math.inf, "brier": 1.0 if classes == BINARY else 2.0}
    return tops.get(name, 1.0)


def _closed_forms(
    predictions: Predictions, groups: Sequence[str | None], confidence: float
) -> dict[tuple[str, int | None], Interval]:
    """Wilson's of the proportions and DeLong's of the AUC of each class against the rest."""
    targets, decisions = predictions.targets, predictions.decisions
    units, clustered = _units(groups)
    found: dict[tuple[str, int | None], Interval] = {
        ("accuracy", None): _proportion(decisions == targets, np.ones_like(targets, dtype=bool), groups, confidence)
    }
    for code in range(predictions.classes):
        truly, called = targets == code, decisions == code
        scores = predictions.probabilities[:, code]
        found |= {
            ("sensitivity", code): _proportion(called, truly, groups, confidence),
            ("specificity", code): _proportion(~called, ~truly, groups, confidence),
            ("precision", code): _proportion(truly, called, groups, confidence),
            ("npv", code): _proportion(~truly, ~called, groups, confidence),
            ("auc", code): intervals.delong(truly, scores, confidence, units if clustered else None),
        }
    of = calibration.confidence(targets, predictions.probabilities, predictions.positive)
    error = intervals.calibration_error(of.stated, of.came_true > 0, calibration.bin_of(of.stated), units, confidence)
    found["ece", None] = error._replace(method=error.method + (", clustered" if clustered else ""))
    if predictions.positive is not None and predictions.classes == BINARY:
        found["macro_auc", None] = found["auc", predictions.positive]
    return found


def _proportion(hits: Booleans, of: Booleans, groups: Sequence[str | None], confidence: float) -> Interval:
    units, clustered = _units(groups)
    if clustered:
        return intervals.wilson_clustered(hits[of], units[of], confidence)
    return intervals.wilson(int(hits[of].sum()), int(of.sum()), confidence)


def _units(groups: Sequence[str | None]) -> tuple[Integers, bool]:
    """The independent unit of each image, and whether any has several."""
    units = intervals.unit_codes(groups, len(groups))
    return units, len(np.unique(units)) < len(groups)


def _reliability(
    predictions: Predictions, groups: Sequence[str | None], confidence: float
) -> list[dict[str, float | int | None]]:
    """Stated probability against what came true, by bin that has an image: the points of a calibration plot."""
    of = calibration.confidence(predictions.targets, predictions.probabilities, predictions.positive)
    bins, code = calibration.binned(of), calibration.bin_of(of.stated)
    points: list[dict[str, float | int | None]] = []
    for number in np.flatnonzero(bins.images):
        interval = _proportion(of.came_true > 0, code == number, groups, confidence)
        points.append(
            {
                "from": number / calibration.BINS,
                "to": (number + 1) / calibration.BINS,
                "images": int(bins.images[number]),
                "stated": float(bins.stated[number] / bins.images[number]),
                "observed": float(bins.came_true[number] / bins.images[number]),
                "low": _number(interval.low),
                "high": _number(interval.high),
            }
        )
    return points


# --- why not -------------------------------------------------------------------------------------------------------


def _why(name: tuple[str, int | None], predictions: Predictions, classes: Sequence[str]) -> str:
    """What is missing where this number is not defined."""
    metric, code = name
    counts = np.bincount(predictions.targets, minlength=len(classes))
    if not len(predictions.targets):
        return "there is no image"
    code = predictions.positive if code is None and metric not in OVER_CLASSES else code
    if code is None:
        return f"no image is {listed([label for label, count in zip(classes, counts, strict=True) if not count])}"
    label = classes[code]
    reasons = {
        "specificity": f"every image is {label}",
        "precision": f"no image is called {label}",
        "npv": f"every image is called {label}",
        "f1": f"no image is {label} or called so",
    }
    return reasons.get(metric, f"no image is {label}" if not counts[code] else f"every image is {label}")


def _spoiled(targets: Integers, probabilities: Floats, image_ids: Sequence[str] | None) -> str | None:
    """Why no number can be computed at all."""
    if bad := int((~np.isfinite(probabilities)).any(axis=1).sum()):
        return f"predictions of {bad} of {len(targets)} images are not finite numbers"
    if twice := sorted(name for name, count in Counter(image_ids or ()).items() if count > 1):
        return f"{len(twice)} image ids are there more than once: {listed(twice)}"
    return None


# --- form ----------------------------------------------------------------------------------------------------------


def _entry(value: float, interval: Interval | None, why: str, missing: str = NO_INTERVAL) -> Entry:
    """The number as JSON has it; `why` is taken where it is not defined, `missing` where its interval is not."""
    if interval is None or math.isnan(value):
        return {"value": None, "low": None, "high": None, "interval": None, "why": why}
    low, high = _number(interval.low), _number(interval.high)
    if low is None or high is None:
        return {
            "value": float(value),
            "low": None,
            "high": None,
            "interval": None,
            "why": f"no interval: {missing}",
        }
    return {"value": float(value), "low": low, "high": high, "interval": interval.method, "why": None}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


# --- input ---------------------------------------------------------------------------------------------------------


def _check(
    targets: Integers,
    probabilities: Floats,
    classes: Sequence[str],
    positive: int | None,
    groups: Sequence[str | None] | None,
) -> None:
    expected = (len(targets), len(classes))
    if probabilities.shape != expected:
        raise ValueError(f"probabilities have shape {probabilities.shape}, targets and classes ask for {expected}")
    if groups is not None and len(groups) != len(targets):
        raise ValueError(f"{len(groups)} groups for {len(targets)} images")
    named = len(classes) != BINARY if positive is None else 0 <= positive < len(classes)
    if len(set(classes)) != len(classes) or not named:
        raise ValueError(f"class {positive} is not one of the distinct classes {list(classes)}")
    if len(targets) and not UNSEEN <= targets.min() <= targets.max() < len(classes):
        raise ValueError(f"targets reach from {targets.min()} to {targets.max()}, there are {len(classes)} classes")


def _in_canonical_order(
    targets: Integers, probabilities: Floats, positive: int | None, groups: Sequence[str | None], thresholds: Floats
) -> tuple[Predictions, list[str | None]]:
    """The images sorted by score: what follows is then the same for any given order, and ranks without sorting anew."""
    units = intervals.unit_codes(groups, len(targets))
    first = -1 if positive is None else positive
    order = np.lexsort([thresholds, units, targets, *probabilities.T, probabilities[:, first]])
    probabilities = probabilities[order]
    decisions = metrics.decide(probabilities, positive, thresholds[order])
    return Predictions(targets[order], decisions, probabilities, positive), [groups[row] for row in order]
