"""What is said of two experiments: one is better, or they cannot be told apart and what it would take. Only words."""

import math
from dataclasses import dataclass

from skinlab.comparison.power import SMALLEST, Needed, about
from skinlab.comparison.statistics import Difference


@dataclass(frozen=True)
class Pair:
    """Two experiments compared by one metric.

    Attributes:
        one: name of the first.
        other: name of the second.
        difference: of the metric, the first minus the second.
        adjusted: p by Holm's procedure over all pairs; nan where there is no p.
        level: at which Holm's procedure tests this pair.
        better: the name of the better one; None where they are not distinguishable.
        by_images: standard deviation of the difference by the choice of test images.
        by_seeds: by the choice of training seeds; None where that is not known.
        needed: what it would take to tell; None where they are told apart, or nothing is known.
        over_folds: whether the difference is a mean over folds.
    """

    one: str
    other: str
    difference: Difference
    adjusted: float
    level: float
    better: str | None
    by_images: float
    by_seeds: float | None
    needed: Needed | None
    over_folds: bool = False


def is_told(difference: Difference, adjusted: float, level: float) -> bool:
    """Whether there is a difference: by Holm's procedure, and by the interval that is shown beside it.

    The two agree but for proportions, where the mid-p test and the score interval can part at the edge.
    """
    return adjusted < level and not difference.low <= 0 <= difference.high


def sentence(pair: Pair) -> str:
    """The verdict in words."""
    difference, names = pair.difference, f"{pair.one} and {pair.other}"
    if math.isnan(difference.value):
        return f"{names} cannot be compared: the metric is not defined on these images"
    if pair.better:
        worse = pair.other if pair.better == pair.one else pair.one
        low, high = sorted((abs(difference.low), abs(difference.high)))
        return f"{pair.better} is better than {worse} by {abs(difference.value):.3f} [{low:.3f}, {high:.3f}]"
    if difference.value == difference.low == difference.high == 0:
        return f"{names} have the same value on these images"
    if math.isnan(difference.p):
        return f"{names} differ by {difference.value:+.3f}, and too few images say how sure that is"
    told = f"{names} are not distinguishable: {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
    if not difference.low <= 0 <= difference.high:
        told = f"{told}, which would tell if it were the only pair (p {pair.adjusted:.3f} by Holm)"
    if max(abs(difference.low), abs(difference.high)) < SMALLEST:
        return f"{told}; whichever is better, it is by less than {SMALLEST:g}"
    return f"{told}; {_would_tell(pair)}" if pair.needed else told


def _would_tell(pair: Pair) -> str:
    """What it would take."""
    needed = pair.needed
    if needed is None:
        return ""
    images = "images" if pair.over_folds else "test images"
    ways = []
    if needed.images is not None:
        ways.append(f"{about(needed.images)} more {images}")
    if needed.seeds is not None:
        ways.append(_seeds(needed.seeds))
    if needed.both is not None:
        ways.append(f"{about(needed.both[0])} more {images} together with {_seeds(needed.both[1])}")
    said = f"about {' or '.join(ways)} would tell"
    return f"{said} a difference of {needed.difference:g}" if needed.difference == SMALLEST else said


def _seeds(count: int) -> str:
    return f"{about(count)} more seed{'s' if count > 1 else ''} of each"
