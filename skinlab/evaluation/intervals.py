"""How sure a number is: confidence intervals for proportions, for the AUC and, by resampling, for anything else.

Images of one lesion or patient are not independent. What takes `groups` or `units` allows for that; the plain Wilson
and DeLong intervals do not, and are for one image per group. Which model is better is decided in skinlab.comparison.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from skinlab.evaluation.metrics import Booleans, Floats, Integers
from skinlab.evaluation.ranking import roc_auc

DRAWN_AT_ONCE = 200_000
"""Rows times resamples of a bootstrap that are worked on together: as much as stays in a processor's cache."""


FARTHEST = 500.0
"""On a logarithm; an interval that reaches farther from a value next to 0 says nothing more, and must stay a number."""


class Interval(NamedTuple):
    """A confidence interval; `low` and `high` are nan where there is none, and `method` says how it was made."""

    low: float
    high: float
    method: str


class Bootstrap(NamedTuple):
    """Intervals of K statistics, float64 [K] each; nan where the resamples do not give one."""

    low: Floats
    high: Floats


class Ranges(NamedTuple):
    """What is known of K statistics, float64 [K] each.

    Attributes:
        top: the largest value, inf where there is none; the smallest is 0.
        freedom: independent units behind the spread of each, less one; no interval where it is below 1.
    """

    top: Floats
    freedom: Floats


# --- proportions ---------------------------------------------------------------------------------------------------


def wilson(successes: float, trials: float, confidence: float) -> Interval:
    """Score interval of a proportion (Wilson 1927): inside 0..1, and of a width above 0 even at 0 and 1.

    Args:
        successes: how often it happened.
        trials: out of how many independent ones; need not be whole, see `wilson_clustered`.
        confidence: level, e.g. 0.95.

    Returns:
        The interval; nan without trials.

    >>> low, high, _ = wilson(15, 20, confidence=0.95)
    >>> round(low, 3), round(high, 3)
    (0.531, 0.888)
    """
    if trials == 0:
        return Interval(math.nan, math.nan, "Wilson")
    squared = _quantile(confidence) ** 2
    proportion = successes / trials
    centre = (successes + squared / 2) / (trials + squared)
    half = math.sqrt(squared * (trials * proportion * (1 - proportion) + squared / 4)) / (trials + squared)
    # At 0 and 1 the bound is exact; elsewhere rounding must not carry it out of 0..1.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return Interval(low, high, "Wilson")


def wilson_clustered(hits: Booleans, units: Integers, confidence: float) -> Interval:
    """Wilson's interval with the number of images that would be worth as much if they were independent.

    That number is the images divided by the design effect, which is estimated from the totals of the units (Rao and
    Scott 1992); it is never more than the images. Where all images agree nothing can be estimated, and the units are
    counted. Near 0 and 1, where a percentile bootstrap is too narrow, this keeps its level better.

    Args:
        hits: whether it happened, bool [N].
        units: which unit each image belongs to, int64 [N]; see `unit_codes`.
        confidence: level, e.g. 0.95.

    Returns:
        The interval; nan without images.

    >>> low, high, _ = wilson_clustered(np.array([True] * 4), np.array([0, 0, 1, 1]), confidence=0.95)
    >>> (low, high) == wilson(2, 2, confidence=0.95)[:2]
    True
    """
    if not len(hits):
        return Interval(math.nan, math.nan, "Wilson, clustered")
    proportion = float(hits.mean())
    effective = _effective_size(hits, units)
    return wilson(proportion * effective, effective, confidence)._replace(method="Wilson, clustered")


def _effective_size(hits: Booleans, units: Integers) -> float:
    """Images over the design effect; between 0 and the number of images."""
    _, codes = np.unique(units, return_inverse=True)
    sizes = np.bincount(codes)
    count, images = len(sizes), len(hits)
    proportion = float(hits.mean())
    if count == 1 or proportion in (0.0, 1.0):
        return float(count)
    residuals = np.bincount(codes, weights=hits) - proportion * sizes
    variance = count / (count - 1) * float(np.sum(residuals**2)) / images**2
    independent = proportion * (1 - proportion) / images
    return images * min(1.0, independent / variance) if variance else float(images)


# --- calibration error ---------------------------------------------------------------------------------------------


def calibration_error(
    stated: Floats, came_true: Booleans, bins: Integers, units: Integers, confidence: float
) -> Interval:
    """Interval of the expected calibration error that allows for its bias; it covers more often than it says.

    The error is a sum of distances, which chance makes larger, never smaller: a bootstrap only adds to that and misses
    the truth nearly always. The bias is largest where calibration is perfect, and there it is known: the mean of
    absolute normal deviations. The lower bound takes that off, the upper one needs nothing.

    Args:
        stated: probability of each image, float64 [N].
        came_true: bool [N].
        bins: bin of each image, int64 [N].
        units: which unit each image belongs to, int64 [N], see `unit_codes`.
        confidence: level, e.g. 0.95.

    Returns:
        The interval, from 0 to 1; nan without images.
    """
    if not len(stated):
        return Interval(math.nan, math.nan, "bias-bounded")
    error, bias, variance = 0.0, 0.0, 0.0
    for number in np.unique(bins):
        inside = bins == number
        share, hits = float(inside.mean()), came_true[inside]
        error += share * abs(float(hits.mean() - stated[inside].mean()))
        effective = _effective_size(hits, units[inside])
        # Two hits and two misses are added (Agresti and Coull 1998): a bin that is all hits is not certain.
        likely = (float(hits.mean()) * effective + 2) / (effective + 4)
        spread = likely * (1 - likely) / effective
        bias += share * math.sqrt(2 / math.pi * spread)
        variance += share**2 * spread
    half = _quantile(confidence) * math.sqrt(variance)
    return Interval(max(0.0, error - bias - half), min(1.0, error + half), "bias-bounded")


# --- AUC -----------------------------------------------------------------------------------------------------------


def structural_components(positives: Booleans, scores: Floats) -> tuple[Floats, Floats]:
    """What each image contributes to the AUC (DeLong et al. 1988), by the midranks of Sun and Xu (2014).

    Args:
        positives: bool [N].
        scores: float64 [N].

    Returns:
        For each positive image the fraction of negatives below it, for each negative the fraction of positives above
        it, ties counted half: float64 [positives] and float64 [negatives], in the order of the images. The mean of
        each is the AUC. The covariance of two models on the same images is that of their components.
    """
    ranks = _midranks(scores)
    above = ranks[positives] - _midranks(scores[positives])
    below = ranks[~positives] - _midranks(scores[~positives])
    with np.errstate(divide="ignore", invalid="ignore"):
        return above / len(below), 1 - below / len(above)


class Contributions(NamedTuple):
    """What the units of a test set add to the variance of an AUC.

    Attributes:
        up: by their positive images, float64 [units]; sums to 0.
        down: by their negative ones, float64 [units]; sums to 0.
        factors: for the units with positives, those with negatives, and all: n / (n - 1).
    """

    up: Floats
    down: Floats
    factors: tuple[float, float, float]


def contributions(positives: Booleans, scores: Floats, units: Integers | None = None) -> Contributions | None:
    """The structural components of an AUC, summed by unit.

    Args:
        positives: bool [N].
        scores: float64 [N].
        units: which unit each image belongs to, int64 [N], see `unit_codes`; or None: each is its own.

    Returns:
        The contributions; None where the images of a class come from fewer than two units.
    """
    above, below = structural_components(positives, scores)
    _, codes = np.unique(np.arange(len(scores)) if units is None else units, return_inverse=True)
    count = int(codes.max(initial=-1)) + 1
    holding = len(np.unique(codes[positives])), len(np.unique(codes[~positives])), count
    if min(holding) <= 1:
        return None
    up = np.bincount(codes[positives], weights=above - above.mean(), minlength=count) / len(above)
    down = np.bincount(codes[~positives], weights=below - below.mean(), minlength=count) / len(below)
    of_positives, of_negatives, of_all = (number / (number - 1) for number in holding)
    return Contributions(up, down, (of_positives, of_negatives, of_all))


def delong_covariance(one: Contributions, other: Contributions) -> float:
    """Covariance of the AUCs of two models on the same images; with itself, the variance.

    DeLong, DeLong and Clarke-Pearson (1988) for independent images; Obuchowski (1997) where images share units, which
    is the same with the components summed by unit first.
    """
    of_positives, of_negatives, of_all = one.factors
    return float(
        np.sum(one.up * other.up) * of_positives
        + np.sum(one.down * other.down) * of_negatives
        + np.sum(one.up * other.down + one.down * other.up) * of_all
    )


def delong_variance(positives: Booleans, scores: Floats, units: Integers | None = None) -> float:
    """Variance of the AUC, in n log n time: see `delong_covariance`; nan where there are no `contributions`."""
    own = contributions(positives, scores, units)
    return math.nan if own is None else delong_covariance(own, own)


def delong(positives: Booleans, scores: Floats, confidence: float, units: Integers | None = None) -> Interval:
    """Interval of the AUC: normal on the logit, with the variance of `delong_variance`.

    On the logit because there the bounds stay inside 0..1 and lean towards 0.5 as the sampling distribution does; a
    symmetric interval that is clipped keeps its level worse near 1 (Pepe 2003). Where the variance is
    nothing, as at an AUC of exactly 1, or cannot be had, `newcombe` takes its place.

    Args:
        positives: bool [N].
        scores: float64 [N].
        confidence: level, e.g. 0.95.
        units: which unit each image belongs to, int64 [N], see `unit_codes`; or None: each is its own.

    Returns:
        The interval, with the name of the method that was used; nan where one of the two classes has no image.
    """
    suffix = "" if units is None else ", clustered"
    area = roc_auc(positives, scores)
    if math.isnan(area):
        return Interval(math.nan, math.nan, "DeLong" + suffix)
    variance = delong_variance(positives, scores, units)
    if area in (0.0, 1.0) or not variance > 0:
        kinds = np.arange(len(scores)) if units is None else units
        counts = len(np.unique(kinds[positives])), len(np.unique(kinds[~positives]))
        return newcombe(area, *counts, confidence)._replace(method="Newcombe" + suffix)
    centre = math.log(area / (1 - area))
    half = _quantile(confidence) * math.sqrt(variance) / (area * (1 - area))
    return Interval(_expit(centre - half), _expit(centre + half), "DeLong" + suffix)


def newcombe(area: float, positives: int, negatives: int, confidence: float) -> Interval:
    """Score-type interval of an AUC from the area and the counts alone (Newcombe 2006, part 2, method 5).

    It does for the AUC what Wilson's does for a proportion: the variance (Hanley and McNeil 1982, with both counts
    replaced by their mean) is taken at the bound, so a perfect ranking of few images is not called certain.

    Args:
        area: the AUC, 0..1.
        positives: how many, at least 1.
        negatives: how many, at least 1.
        confidence: level, e.g. 0.95.

    Returns:
        The interval.
    """
    from scipy.optimize import brentq

    squared = _quantile(confidence) ** 2
    mean_others = (positives + negatives) / 2 - 1

    def excess(bound: float) -> float:
        spread = 1 + mean_others * ((1 - bound) / (2 - bound) + bound / (1 + bound))
        return (area - bound) ** 2 - squared * bound * (1 - bound) * spread / (positives * negatives)

    margin = 1e-12  # at an area of 0 or 1 the area itself is a root, and not the one that is wanted
    low = brentq(excess, 0.0, min(area, 1 - margin)) if area > 0 else 0.0
    high = brentq(excess, max(area, margin), 1.0) if area < 1 else 1.0
    return Interval(float(low), float(high), "Newcombe")


def _midranks(values: Floats) -> Floats:
    """Ranks from 1, those that tie sharing their mean."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return ranks


# --- resampling ----------------------------------------------------------------------------------------------------


def unit_codes(groups: Sequence[str | None] | None, images: int) -> Integers:
    """Number of the independent unit of each image: its group or, where that is not known, the image itself.

    Known groups are numbered in the order of their names, so that no other order plays a part.

    Args:
        groups: name of the group of each image, None where not known; or None for all.
        images: how many images there are, N.

    Returns:
        int64 [N].

    >>> unit_codes(["b", None, "a", "b"], images=4).tolist()
    [1, 2, 0, 1]
    """
    if groups is None:
        return np.arange(images)
    known = {name: code for code, name in enumerate(sorted({group for group in groups if group is not None}))}
    alone = iter(range(len(known), len(known) + images))
    return np.array([next(alone) if group is None else known[group] for group in groups], dtype=np.int64)


def bootstrap(
    statistic: Callable[[Floats], Floats],
    rows: int,
    groups: Sequence[str | None] | None,
    *,
    resamples: int,
    confidence: float,
    seed: int,
    strata: Integers | None = None,
    ranges: Ranges | None = None,
) -> Bootstrap:
    """Bootstrap (Efron 1979) that draws whole groups, so that images of one group stay together.

    As many units as there are, with replacement; an image without a group is a unit. With `strata` that is done within
    each stratum, which keeps a resample from losing a class. A unit of several strata counts for the rarest of them:
    there are never more strata than classes, and so none of them is needlessly small.

    With `ranges` the interval is Student's with the standard error of the resamples, on the logit of the range or, of
    an open one, the logarithm (Boyd, Eng and Page 2013 take the logit for the average precision): percentiles are too
    narrow for what is skewed near an end of its range. Without, and for a value at an end, it is the percentiles.

    Args:
        statistic: given how often each row was drawn, whole numbers as float64 [R, rows]; returns float64 [R, K].
        rows: how many there are.
        groups: name of the group of each row, None where not known; or None for all.
        resamples: how many.
        confidence: level, e.g. 0.95.
        seed: what is drawn is a function of it, of the groups and strata, and for rows without a group of their order.
        strata: stratum of each row, int64 [rows], or None for no stratification.
        ranges: of the statistics, or None: not known.

    Returns:
        Bounds of each statistic. Resamples where it is nan are left out; where these are more than half, or where the
        bounds coincide (all resamples alike say nothing about uncertainty), the bounds are nan.

    >>> values = np.arange(100.0)
    >>> def means(drawn):
    ...     return (drawn @ values / drawn.sum(axis=1))[:, None]
    >>> low, high = bootstrap(means, 100, None, resamples=500, confidence=0.95, seed=1)
    >>> bool(43 < low[0] < 45), bool(54 < high[0] < 56)
    (True, True)
    """
    values = resampled(statistic, rows, groups, resamples=resamples, seed=seed, strata=strata)
    bounds = _percentiles(values, confidence)
    return bounds if ranges is None else _within(ranges, statistic(np.ones((1, rows)))[0], values, bounds, confidence)


def resampled(
    statistic: Callable[[Floats], Floats],
    rows: int,
    groups: Sequence[str | None] | None,
    *,
    resamples: int,
    seed: int,
    strata: Integers | None = None,
) -> Floats:
    """The statistics of each resample of `bootstrap`, float64 [R, K]; the arguments are its."""
    units = unit_codes(groups, rows)
    members = _members(units, np.zeros(rows, dtype=np.int64) if strata is None else strata)
    drawn = _draws(members, resamples, max(1, DRAWN_AT_ONCE // max(1, rows)), seed)
    return np.concatenate([statistic(counts[:, units]) for counts in drawn])


def _members(units: Integers, strata: Integers) -> list[Integers]:
    """The units of each stratum; a unit of several belongs to the one with the fewest rows."""
    names, codes, counts = np.unique(strata, return_inverse=True, return_counts=True)
    rarity = np.argsort(np.argsort(counts, kind="stable"), kind="stable")  # 0: the rarest
    stratum = np.full(units.max(initial=-1) + 1, len(names))
    np.minimum.at(stratum, units, rarity[codes])
    return [np.flatnonzero(stratum == code) for code in range(len(names))]


def _draws(members: list[Integers], resamples: int, at_once: int, seed: int) -> Iterator[Floats]:
    """How often each unit is drawn, float64 [some resamples, units]; the draws do not depend on how many at once."""
    generators = [np.random.default_rng([seed, stratum]) for stratum in range(len(members))]
    for start in range(0, resamples, at_once):
        count = min(at_once, resamples - start)
        drawn = np.zeros((count, sum(map(len, members))))
        for units, generator in zip(members, generators, strict=True):
            size = len(units)
            chosen = generator.integers(size, size=(count, size)) + size * np.arange(count)[:, None]
            drawn[:, units] = np.bincount(chosen.ravel(), minlength=count * size).reshape(count, size)
        yield drawn


def _percentiles(values: Floats, confidence: float) -> Bootstrap:
    """Equal-tailed quantiles of each column that is mostly defined and not constant."""
    tail = (1 - confidence) / 2
    bounds = np.full((2, values.shape[1]), np.nan)
    for column, sample in zip(bounds.T, values.T, strict=True):
        defined = sample[~np.isnan(sample)]
        if 2 * len(defined) >= len(sample):
            column[:] = np.quantile(defined, [tail, 1 - tail])
    alike = np.isclose(bounds[0], bounds[1], rtol=0, atol=1e-12)
    bounds[:, alike] = np.nan
    return Bootstrap(low=bounds[0], high=bounds[1])


def _within(ranges: Ranges, values: Floats, resampled: Floats, percentiles: Bootstrap, confidence: float) -> Bootstrap:
    """Student's intervals on the logit or logarithm in place of percentiles where these were defined."""
    from scipy.special import stdtrit

    inside = (values > 0) & (values < ranges.top) & ~np.isnan(percentiles.low)
    low, high = (np.where(ranges.freedom >= 1, bound, np.nan) for bound in percentiles)
    for column in np.flatnonzero(inside & (ranges.freedom >= 1)):
        value, top = values[column], ranges.top[column]
        width = stdtrit(ranges.freedom[column], (1 + confidence) / 2) * np.nanstd(resampled[:, column], ddof=1)
        low[column], high[column] = bounded(float(value), float(width), float(top))
    return Bootstrap(low, high)


# --- shared --------------------------------------------------------------------------------------------------------


def bounded(value: float, half: float, top: float) -> tuple[float, float]:
    """Bounds inside the range of a value from 0 to `top`: on the logit or, where there is no top, the logarithm.

    Args:
        value: above 0 and below `top`.
        half: half the width of the interval that would be symmetric.
        top: the largest value, inf where there is none.

    >>> low, high = bounded(0.9, 0.1, top=1.0)
    >>> round(low, 3), round(high, 3)
    (0.748, 0.965)
    """
    if math.isinf(top):
        factor = math.exp(min(half / value, FARTHEST))
        return value / factor, value * factor
    centre, width = math.log(value / (top - value)), half * top / (value * (top - value))
    return top * _expit(centre - width), top * _expit(centre + width)


def _quantile(confidence: float) -> float:
    """Standard normal quantile that leaves (1 - confidence) / 2 on either side."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))
