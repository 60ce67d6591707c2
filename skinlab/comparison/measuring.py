"""The numbers of experiments on shared images, and the differences of the one that decides, with Holm's correction."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from skinlab.comparison import power, sampling
from skinlab.comparison.arms import Arm
from skinlab.comparison.gate import Fold
from skinlab.comparison.sampling import LOWER_IS_BETTER, Sampled, Shares
from skinlab.comparison.seeds import Effect, difference_of, mean_of
from skinlab.comparison.statistics import (
    Difference,
    corrected_resampled,
    holm,
    holm_levels,
    paired_proportions,
    resampled_variance,
    student,
    within,
)
from skinlab.comparison.verdict import Pair, is_told
from skinlab.evaluation.intervals import bounded
from skinlab.evaluation.scores import column
from skinlab.evaluation.summary import METRICS, Entry, metrics_of, top_of


class Measured:
    """The numbers of experiments on shared images, and the differences of the one that decides."""

    def __init__(self, folds: Sequence[Fold], metric: str, confidence: float, resamples: int, *, causes: bool) -> None:
        self._folds, self._metric, self._confidence = folds, metric, confidence
        self._as_recorded = not causes
        self._values = [sampling.all_values(fold.images) for fold in folds]
        self._sampled: Sampled | None = None
        if len(folds) == 1:
            self._sampled = sampling.sampled(metric, folds[0].images, resamples)

    def numbers(self, arm: Arm) -> dict[str, dict[str, Any]]:
        """Each metric of an experiment on the test images."""
        recorded: Mapping[str, Entry] = arm.runs[0].result["test"]["metrics"]
        names = self._names(arm)
        if len(arm.runs) == 1 and (self._as_recorded or not self._folds):
            return {name: dict(recorded[name]) | {"sd": None} for name in names}
        if not self._folds:
            entries = [run.result["test"]["metrics"] for run in arm.runs]
            return {name: _spread([entry[name]["value"] for entry in entries]) for name in names}
        found = {name: _spread(self._by_run(arm, name)) for name in names}
        found[self._metric] |= self._interval(arm)
        return found

    def _names(self, arm: Arm) -> list[str]:
        """The metrics that all runs have: those of the positive class where the images have one."""
        if self._folds:
            return metrics_of(self._folds[0].images.positive)
        return [name for name in METRICS if all(name in run.result["test"]["metrics"] for run in arm.runs)]

    def _by_run(self, arm: Arm, metric: str) -> list[float | None]:
        """The values of the runs of an experiment, over folds and seeds."""
        found = [
            float(values[model, column(metric, fold.images.classes, fold.images.positive)])
            for fold, values in zip(self._folds, self._values, strict=True)
            for model in fold.models(arm)
        ]
        return [None if math.isnan(value) else value for value in found]

    def _interval(self, arm: Arm) -> dict[str, Any]:
        """Of the deciding metric of an experiment."""
        if self._sampled is not None:
            effect = mean_of(self._sampled, self._folds[0].models(arm))
            method = self._sampled.method.replace(", paired", "")
            found = student(effect.value, effect.variance, effect.freedom, self._confidence, method)
            if effect.by_seeds is not None:
                found = found._replace(method=f"{method}, over seeds")
        else:
            found = corrected_resampled(self._of_folds(arm), self._ratio(), self._confidence)
        if math.isnan(found.low):
            return {}
        low, high, top = found.low, found.high, self._top(arm)
        if 0 < found.value < top:
            low, high = bounded(found.value, found.high - found.value, top)
        return {"low": low, "high": high, "interval": found.method}

    def _top(self, arm: Arm) -> float:
        """The largest value of the metric that decides."""
        return top_of(self._metric, len(arm.runs[0].record["classes"]))

    def _of_folds(self, arm: Arm) -> list[float]:
        """The deciding metric by fold, the mean over its seeds."""
        return [
            fmean(
                float(values[model, column(self._metric, fold.images.classes, fold.images.positive)])
                for model in fold.models(arm)
            )
            for fold, values in zip(self._folds, self._values, strict=True)
        ]

    def _ratio(self) -> float:
        return fmean(len(fold.image_ids) / max(1, fold.trained) for fold in self._folds)

    def pairs(self, compared: Sequence[tuple[Arm, Arm]]) -> list[Pair]:
        """The differences, with Holm's correction over all of them."""
        effects = [self._effect(one, other) for one, other in compared]
        values = [difference.p for difference, _ in effects]
        level = 1 - self._confidence
        adjusted, levels = holm(values), holm_levels(values, level)
        return [
            self._pair(one, other, difference, effect, *corrected)
            for (one, other), (difference, effect), corrected in zip(
                compared, effects, zip(adjusted, levels, strict=True), strict=True
            )
        ]

    def _effect(self, one: Arm, other: Arm) -> tuple[Difference, Effect]:
        """The difference of two experiments with its variance."""
        if self._sampled is None:
            by_fold = [a - b for a, b in zip(self._of_folds(one), self._of_folds(other), strict=True)]
            found = corrected_resampled(by_fold, self._ratio(), self._confidence)
            return found, Effect(found.value, resampled_variance(by_fold, self._ratio()), None, len(by_fold) - 1)
        fold = self._folds[0]
        ones, others = fold.models(one), fold.models(other)
        effect = difference_of(self._sampled, ones, others)
        if isinstance(self._sampled, Shares) and effect.by_seeds is None and not fold.images.clustered:
            discordant = self._sampled.discordant(ones[0], others[0])
            return paired_proportions(*discordant, self._sampled.hits.shape[1], self._confidence), effect
        method = self._sampled.method + (", seeds as readers" if effect.by_seeds is not None else "")
        return student(effect.value, effect.variance, effect.freedom, self._confidence, method), effect

    def _pair(
        self, one: Arm, other: Arm, difference: Difference, effect: Effect, adjusted: float, level: float
    ) -> Pair:
        better = None
        if is_told(difference, adjusted, 1 - self._confidence):
            first = (difference.value > 0) != (self._metric in LOWER_IS_BETTER)
            better = one.name if first else other.name
        wanted = abs(difference.value) if abs(difference.value) >= power.SMALLEST else power.SMALLEST
        needed = None
        if better is None and not math.isnan(adjusted) and effect.variance > 0:
            images = sum(len(fold.image_ids) for fold in self._folds)
            seeds = min(len(one.seeds), len(other.seeds))
            needed = power.needed(wanted, effect.by_images, effect.by_seeds, images, seeds, level)
        return Pair(
            one=one.name,
            other=other.name,
            difference=within(difference, self._top(one)),
            adjusted=adjusted,
            level=level,
            better=better,
            by_images=math.sqrt(effect.by_images),
            by_seeds=None if effect.by_seeds is None else math.sqrt(effect.by_seeds),
            needed=needed,
            over_folds=len(self._folds) > 1,
        )


def _spread(values: Sequence[float | None]) -> dict[str, Any]:
    """A number over several runs; its interval is filled in where there is one."""
    defined = [value for value in values if value is not None]
    whole = len(defined) == len(values)
    return {
        "value": fmean(defined) if whole else None,
        "low": None,
        "high": None,
        "interval": None,
        "why": None if whole else "a run does not define it",
        "sd": stdev(defined) if whole and len(defined) > 1 else None,
    }
