"""Two sources of chance in a difference: which images were drawn, and with which seeds the models were trained.

Seeds are to a method what readers are to a way of imaging: each scores the same images. The analysis is that of
Obuchowski and Rockette (1995) in the form of Hillis (Statistics in Medicine 33:330, 2014) for readers of their own in
each arm: no seed is taken to make two methods more alike. Bouthillier et al. (MLSys 2021) show that comparisons of
learning methods that leave out the seed find differences that are not there.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from skinlab.comparison.sampling import Sampled


@dataclass(frozen=True)
class Effect:
    """A number, or the difference of two, with its variance by source.

    Attributes:
        value: the number.
        by_images: variance by the choice of images.
        by_seeds: by the choice of seeds; None where there is one of each: then it is about these models alone.
        freedom: degrees of freedom of the sum (Satterthwaite).
    """

    value: float
    by_images: float
    by_seeds: float | None
    freedom: float

    @property
    def variance(self) -> float:
        """Of both sources."""
        return self.by_images + (self.by_seeds or 0.0)


def mean_of(sampled: Sampled, runs: Sequence[int]) -> Effect:
    """The mean over the seeds of one method.

    Args:
        sampled: the metric.
        runs: which models.
    """
    squares, freedom = _scatter(sampled, runs)
    by_seeds = squares / freedom / len(runs) if freedom else None
    value = fmean(sampled.values[run] for run in runs)
    return _effect(sampled, value, _between(sampled, runs), by_seeds, freedom)


def difference_of(sampled: Sampled, ones: Sequence[int], others: Sequence[int]) -> Effect:
    """The mean of one method minus that of another.

    The variance by images is that of a difference of two seeds of their own, Cov2 + Cov2 - 2 Cov3 in the words of
    Hillis; that by seeds is pooled over both methods, so that one of them may have a single seed.

    Args:
        sampled: the metric.
        ones: models of the first method.
        others: of the other.
    """
    apart = fmean(sampled.covariance(one, other) for one in ones for other in others)
    by_images = _between(sampled, ones) + _between(sampled, others) - 2 * apart
    (one_squares, one_freedom), (other_squares, other_freedom) = _scatter(sampled, ones), _scatter(sampled, others)
    freedom = one_freedom + other_freedom
    pooled = (one_squares + other_squares) / freedom if freedom else None
    by_seeds = None if pooled is None else pooled * (1 / len(ones) + 1 / len(others))
    value = fmean(sampled.values[run] for run in ones) - fmean(sampled.values[run] for run in others)
    return _effect(sampled, value, by_images, by_seeds, freedom)


def _between(sampled: Sampled, runs: Sequence[int]) -> float:
    """Covariance of two seeds of a method over the images; of a single one its variance, which is more."""
    if len(runs) == 1:
        return sampled.covariance(runs[0], runs[0])
    return fmean(sampled.covariance(one, other) for one, other in combinations(runs, 2))


def _scatter(sampled: Sampled, runs: Sequence[int]) -> tuple[float, int]:
    """Sum of squares around the mean of the seeds, and its degrees of freedom."""
    mean = fmean(sampled.values[run] for run in runs)
    return sum((sampled.values[run] - mean) ** 2 for run in runs), len(runs) - 1


def _effect(sampled: Sampled, value: float, by_images: float, by_seeds: float | None, freedom: int) -> Effect:
    known = by_images if math.isnan(by_images) else max(by_images, 0.0)  # an estimate below 0 is 0, as Hillis has it
    if not by_seeds:
        return Effect(value, known, by_seeds, sampled.freedom)
    parts = known**2 / sampled.freedom if sampled.freedom > 0 else math.inf
    return Effect(value, known, by_seeds, (known + by_seeds) ** 2 / (parts + by_seeds**2 / freedom))
