"""The swept keys as axes of a chart: where a value lies between 0 and 1, and what is written there. Draws nothing."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skinlab.sweeps.space import REPLICATES

MOST_TICKS = 5
LONGEST = 12
"""Letters of a value that are written; a longer one ends in dots."""


@dataclass(frozen=True)
class Axis:
    """A swept key.

    Attributes:
        key: as declared.
        name: its last part, where that is enough.
        listed: its values in their order along the axis; empty: an interval.
        is_ordered: whether there is something between two values: they are numbers.
        low: end of an interval.
        high: the other end.
        log: whether its magnitude is what counts.
    """

    key: str
    name: str
    listed: tuple[Any, ...] = ()
    is_ordered: bool = True
    low: float = 0.0
    high: float = 1.0
    log: bool = False

    def at(self, value: Any) -> float:
        """Where a value lies.

        >>> Axis("lr", "lr", low=0.001, high=0.1, log=True).at(0.01)
        0.5
        """
        if self.listed:
            return self.listed.index(value) / (len(self.listed) - 1) if len(self.listed) > 1 else 0.5
        low, high, own = (math.log10(each) if self.log else each for each in (self.low, self.high, value))
        return (own - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Places and what is written there, from low to high."""
        if self.listed:
            step = math.ceil(len(self.listed) / MOST_TICKS)
            return [(self.at(value), said(value)) for value in self.listed[::step]]
        if self.log:
            return self._powers()
        from skinlab.report.svg import ticks

        return [(self.at(value), said(value)) for value in ticks(self.low, self.high, MOST_TICKS)]

    def _powers(self) -> list[tuple[float, str]]:
        """Powers of ten; the ends where there are fewer than two of them."""
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        powers = [10.0**power for power in range(first, last + 1)]
        chosen = powers[:: math.ceil(len(powers) / MOST_TICKS)] if len(powers) > 1 else [self.low, self.high]
        return [(self.at(value), said(value)) for value in chosen]


def axes(space: Mapping[str, Any]) -> list[Axis]:
    """The axes of a search.

    Args:
        space: as sweep.json has it; seeds and folds repeat a point, so they are no axes.
    """
    keys = [key for key in space if key not in REPLICATES]
    last = [key.rpartition(".")[2] for key in keys]
    names = last if len(set(last)) == len(last) else keys
    return [_axis(key, name, space[key]) for key, name in zip(keys, names, strict=True)]


def _axis(key: str, name: str, described: Any) -> Axis:
    if isinstance(described, Mapping):
        low, high = described["interval"]
        return Axis(key, name, low=low, high=high, log=described["log"])
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in described)
    return Axis(key, name, tuple(sorted(described) if numbers else _different(described)), is_ordered=numbers)


def _different(values: Sequence[Any]) -> list[Any]:
    """Each value once; they may be lists, which no dictionary takes."""
    return [value for at, value in enumerate(values) if value not in values[:at]]


def said(value: Any) -> str:
    """A value in few letters.

    >>> said(0.0003), said("dermoscopy_strong"), said(16)
    ('0.0003', 'dermoscopy_…', '16')
    """
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
