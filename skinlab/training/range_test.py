"""The learning-rate range test: training at a rate that rises with every step, until the loss runs away.

Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017. Knows no files and no declaration.
"""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from skinlab.data.loader import Loader
from skinlab.engines.base import Batch, Engine

Told = Callable[[int, float, float], None]
"""Is told of each step: its number from 1, its rate, its smoothed loss."""

SETTLING = 0.1
"""Fraction of the declared steps in which losses are too few to be judged."""


@dataclass(frozen=True)
class RangeTest:
    """What was seen, step by step; shorter than declared where the loss ran away.

    Attributes:
        rates: float64 [steps], the learning rates.
        losses: float64 [steps], the loss of each minibatch before its update.
        smoothed: float64 [steps], their moving average.
        diverged: whether the loss ran away.
        settling: steps at the start that are not judged.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    diverged: bool
    settling: int

    def suggestion(self) -> float | None:
        """The rate at which the smoothed loss falls fastest by the logarithm of the rate; None where it never falls.

        Only what leads to the smallest loss is judged, by the slope over two steps: a loss that ran away may fall
        steeply, too, and at the smallest one itself the next step is where it runs away.
        """
        lowest = int(self.smoothed.argmin()) if len(self.smoothed) else 0
        if lowest <= self.settling:
            return None
        slopes = np.gradient(self.smoothed[: lowest + 1], np.log(self.rates[: lowest + 1]))[self.settling : lowest]
        return float(self.rates[self.settling + int(slopes.argmin())])


def rising_rates(lowest: float, highest: float, steps: int) -> NDArray[np.float64]:
    """Learning rates float64 [steps] from `lowest` to `highest`, each the same multiple of the one before.

    >>> rising_rates(0.001, 0.1, 3).tolist()
    [0.001, 0.01, 0.1]
    """
    return np.geomspace(lowest, highest, steps)


def run_range_test(
    engine: Engine, loader: Loader, rates: NDArray[np.float64], smoothing: float, divergence: float, told: Told
) -> RangeTest:
    """Train one step at each rate.

    Args:
        engine: built for a plan with these rates.
        loader: the training minibatches; epochs follow one another as long as there are rates.
        rates: float64 [steps], rising.
        smoothing: weight of the earlier losses in the moving average.
        divergence: the loss has run away where its average is this many times the smallest average so far.
        told: hears of each step.

    Returns:
        what was seen.
    """
    losses: list[float] = []
    smoothed: list[float] = []
    settling, diverged = max(1, round(SETTLING * len(rates))), False
    with closing(batches(loader)) as found:
        for step, batch in enumerate(islice(found, len(rates))):
            loss = engine.train_step(batch, step).loss
            if diverged := not isfinite(loss):
                break
            losses.append(loss)
            smoothed.append(_average(losses, smoothing))
            told(step + 1, float(rates[step]), smoothed[-1])
            if diverged := step >= settling and smoothed[-1] > divergence * min(smoothed):
                break
    return RangeTest(rates[: len(losses)], np.array(losses), np.array(smoothed), diverged, settling)


def batches(loader: Loader) -> Generator[Batch, None, None]:
    """Minibatches without an end: one epoch follows another."""
    for epoch in count():
        yield from loader.epoch(epoch)


def _average(losses: list[float], smoothing: float) -> float:
    """The exponential moving average of all losses so far, the newest with the greatest weight; weights add up to 1."""
    weights = smoothing ** np.arange(len(losses))[::-1]
    return float(np.average(losses, weights=weights))
