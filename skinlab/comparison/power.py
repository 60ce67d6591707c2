"""How many more images or seeds it would take to tell a difference: the usual calculation from the paired variance."""

import math
from dataclasses import dataclass
from statistics import NormalDist

POWER = 0.8
"""The chance with which a difference that is there should be found."""
SMALLEST = 0.01
"""A smaller observed difference is not worth finding; what is said then is what it takes to find one of this size."""


@dataclass(frozen=True)
class Needed:
    """What would have to be added.

    Attributes:
        difference: that is to be found.
        images: test images, with as many seeds as there are; None: they alone are not enough.
        seeds: of each experiment, on the same images; None: they alone are not enough, or nothing is known of seeds.
        both: images and seeds together, where neither alone is enough; else None.
    """

    difference: float
    images: int | None
    seeds: int | None
    both: tuple[int, int] | None


def needed(
    difference: float,
    by_images: float,
    by_seeds: float | None,
    images: int,
    seeds: int,
    level: float,
    power: float = POWER,
) -> Needed:
    """What it takes to find a difference at a level with a power, if the variances are those that were seen.

    Args:
        difference: above 0.
        by_images: variance of the observed difference by the choice of images; falls with their number.
        by_seeds: by the choice of seeds; None: not known, each experiment was run once.
        images: there are.
        seeds: of each experiment.
        level: of the two-sided test, adjusted for how many there are.
        power: chance of finding it.

    >>> needed(0.02, 0.0004, None, images=100, seeds=1, level=0.05)
    Needed(difference=0.02, images=685, seeds=None, both=None)
    """
    normal = NormalDist()
    allowed = (difference / (normal.inv_cdf(1 - level / 2) + normal.inv_cdf(power))) ** 2
    noise = by_seeds or 0.0
    of_images = _more(images, by_images, allowed - noise)
    of_seeds = None if by_seeds is None else _more(seeds, by_seeds, allowed - by_images)
    both = None
    if of_images is None and of_seeds is None:
        factor = (by_images + noise) / allowed
        both = max(1, math.ceil(images * (factor - 1))), max(1, math.ceil(seeds * (factor - 1)))
    return Needed(difference, of_images, of_seeds, both)


def _more(count: int, spread: float, allowed: float) -> int | None:
    """How many to add so that a variance falls to what is allowed; at least one, None where nothing is."""
    return max(1, math.ceil(count * (spread / allowed - 1))) if allowed > 0 else None


def about(count: int) -> str:
    """A number of two digits: it is an estimate.

    >>> about(6), about(1437)
    ('6', '1,400')
    """
    digits = max(0, len(str(count)) - 2)
    return f"{round(count, -digits):,}"
