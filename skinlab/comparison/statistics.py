"""Tests and intervals of a difference between two models on the same images, and of many such differences at once.

Pure functions of numbers; where these come from is decided in `sampling` and `seeds`.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, variance
from typing import NamedTuple


class Difference(NamedTuple):
    """One number minus another.

    Attributes:
        value: the difference.
        low: lower bound of its interval, nan where there is none.
        high: upper bound.
        p: of a two-sided test that there is no difference; nan where there is none.
        method: how both were made.
    """

    value: float
    low: float
    high: float
    p: float
    method: str


def within(difference: Difference, top: float) -> Difference:
    """A difference of two values from 0 to `top`, whose interval says nothing that cannot be.

    >>> within(Difference(0.1, -3.6, 3.8, 0.9, "two seeds"), 1.0)[:3]
    (0.1, -1.0, 1.0)
    """
    if math.isnan(difference.low):
        return difference
    return difference._replace(low=max(difference.low, -top), high=min(difference.high, top))


def student(value: float, spread: float, freedom: float, confidence: float, method: str) -> Difference:
    """Student's test and interval of a difference; the normal one where the degrees of freedom are inf.

    Args:
        value: the difference.
        spread: its variance.
        freedom: degrees of freedom behind the variance.
        confidence: level of the interval, e.g. 0.95.
        method: what is said of how the variance was made.

    Returns:
        The difference. Without variance two models agree wherever it matters: the interval is the value itself, and p
        is 1 where that is 0. Otherwise, and below one degree of freedom, there is neither interval nor p.

    >>> found = student(0.03, 0.0001, math.inf, 0.95, "DeLong, paired")
    >>> round(found.low, 4), round(found.high, 4), round(found.p, 4)
    (0.0104, 0.0496, 0.0027)
    """
    from scipy.special import stdtr, stdtrit

    if value == 0 and spread == 0:
        return Difference(0.0, 0.0, 0.0, 1.0, method)
    if not spread > 0 or not freedom >= 1:
        return Difference(value, math.nan, math.nan, math.nan, method)
    deviation = math.sqrt(spread)
    if math.isinf(freedom):
        normal = NormalDist()
        quantile, p = normal.inv_cdf((1 + confidence) / 2), 2 * normal.cdf(-abs(value) / deviation)
    else:
        quantile, p = stdtrit(freedom, (1 + confidence) / 2), 2 * stdtr(freedom, -abs(value) / deviation)
    half = float(quantile) * deviation
    return Difference(value, value - half, value + half, float(p), method)


# --- paired proportions --------------------------------------------------------------------------------------------


def mcnemar(only_one: int, only_other: int) -> float:
    """Two-sided mid-p value of McNemar's test (1947).

    The mid-p version keeps its level at every number of discordant images, where the exact test is far below and the
    continuity correction further still (Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91, 2013).

    Args:
        only_one: images that the first model alone calls rightly.
        only_other: images that the other alone calls rightly.

    >>> round(mcnemar(1, 7), 4)
    0.0391
    """
    from scipy.stats import binom

    discordant, fewer = only_one + only_other, min(only_one, only_other)
    if discordant == 0:
        return 1.0
    if only_one == only_other:
        return float(1 - 0.5 * binom.pmf(fewer, discordant, 0.5))
    return float(2 * binom.cdf(fewer, discordant, 0.5) - binom.pmf(fewer, discordant, 0.5))


def tango(only_one: int, only_other: int, images: int, confidence: float) -> tuple[float, float]:
    """Score interval of a difference of paired proportions (Tango, Statistics in Medicine 17:891, 1998).

    Args:
        only_one: images that the first model alone calls rightly.
        only_other: images that the other alone calls rightly.
        images: how many there are in all, at least 1.
        confidence: level, e.g. 0.95.

    Returns:
        Bounds of the first proportion minus the other, inside -1..1.

    >>> low, high = tango(1, 7, 21, 0.95)
    >>> round(low, 3), round(high, 3)
    (-0.517, -0.026)
    """
    from scipy.optimize import brentq

    value, quantile = (only_one - only_other) / images, NormalDist().inv_cdf((1 + confidence) / 2)

    def excess(bound: float) -> float:
        """How far the score statistic is beyond the quantile; both squared, to have no root in a denominator."""
        linear = -only_one - only_other + (2 * images - only_one + only_other) * bound
        constant = -only_other * bound * (1 - bound)
        share = (math.sqrt(max(linear**2 - 8 * images * constant, 0.0)) - linear) / (4 * images)
        spread = images * (2 * share + bound * (1 - bound))
        return (images * (value - bound)) ** 2 - quantile**2 * spread

    margin = 1e-12  # without discordant images the difference itself is a root, and not the one that is wanted
    low = brentq(excess, -1.0, value - margin) if value > -1 else -1.0
    high = brentq(excess, value + margin, 1.0) if value < 1 else 1.0
    return float(low), float(high)


def paired_proportions(only_one: int, only_other: int, images: int, confidence: float) -> Difference:
    """McNemar's test with Tango's interval."""
    low, high = tango(only_one, only_other, images, confidence)
    value = (only_one - only_other) / images
    return Difference(value, low, high, mcnemar(only_one, only_other), "McNemar mid-p, Tango")


# --- folds ---------------------------------------------------------------------------------------------------------


def corrected_resampled(differences: Sequence[float], ratio: float, confidence: float) -> Difference:
    """Test of the mean difference over folds (Nadeau and Bengio, Machine Learning 52:239, 2003).

    The folds share training images, so that the variance of their mean is not that of independent numbers over their
    count: the test adds the ratio of test to training images to the inverse of the count.

    Args:
        differences: by fold, at least two.
        ratio: test images over training images of a fold.
        confidence: level of the interval, e.g. 0.95.

    >>> found = corrected_resampled([0.01, 0.03, 0.02, 0.04, 0.05], 0.25, 0.95)
    >>> round(found.value, 3), round(found.p, 3)
    (0.03, 0.047)
    """
    spread = resampled_variance(differences, ratio)
    return student(fmean(differences), spread, len(differences) - 1, confidence, "corrected resampled t")


def resampled_variance(differences: Sequence[float], ratio: float) -> float:
    """Variance of the mean difference over folds, as `corrected_resampled` has it."""
    return (1 / len(differences) + ratio) * variance(differences)


# --- many ----------------------------------------------------------------------------------------------------------


def holm(values: Sequence[float]) -> list[float]:
    """Adjusted p values (Holm, Scandinavian Journal of Statistics 6:65, 1979).

    A difference whose adjusted value is below a level is one that Holm's procedure finds at it; the chance that it
    finds any that is not there is at most the level, however the tests depend on each other.

    Args:
        values: one for each comparison; nan where there is none, which counts for nothing.

    >>> [round(value, 3) for value in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    places = sorted((place for place, value in enumerate(values) if not math.isnan(value)), key=values.__getitem__)
    adjusted, largest = [math.nan] * len(values), 0.0
    for rank, place in enumerate(places):
        largest = max(largest, min(1.0, (len(places) - rank) * values[place]))
        adjusted[place] = largest
    return adjusted


def holm_levels(values: Sequence[float], level: float) -> list[float]:
    """The level at which Holm's procedure tests each comparison, if it comes to it; nan where there is no p value.

    >>> holm_levels([0.2, 0.001], level=0.05)
    [0.05, 0.025]
    """
    places = sorted((place for place, value in enumerate(values) if not math.isnan(value)), key=values.__getitem__)
    levels = [math.nan] * len(values)
    for rank, place in enumerate(places):
        levels[place] = level / (len(places) - rank)
    return levels
