"""How fast training is: a few steps, timed after a warm-up. Knows no files and no declaration."""

import time
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from skinlab.data.loader import Loader
from skinlab.engines.base import Engine
from skinlab.training.range_test import batches

WARM_UP = 2
"""Steps that are not timed: the first ones reserve memory and choose algorithms."""
MOST_STEPS, ENOUGH_SECONDS = 20, 5.0
"""Timing ends with the first of these, after one step at least."""


@dataclass(frozen=True)
class Pace:
    """What was measured.

    Attributes:
        steps: how many were timed.
        images: in them.
        seconds: that they took, with the preparation of their minibatches.
    """

    steps: int
    images: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Images a second."""
        return self.images / self.seconds


def measure(engine: Engine, loader: Loader) -> Pace:
    """Train a few steps.

    Args:
        engine: built for a plan with at least `WARM_UP + MOST_STEPS` rates.
        loader: the training minibatches; epochs follow one another as long as steps are wanted.
    """
    images = steps = 0
    elapsed = 0.0
    with closing(batches(loader)) as found:
        for step, batch in enumerate(islice(found, WARM_UP)):
            engine.train_step(batch, step)
        started = time.monotonic()
        for step, batch in enumerate(islice(found, MOST_STEPS), start=WARM_UP):
            engine.train_step(batch, step)
            steps, images, elapsed = steps + 1, images + len(batch), time.monotonic() - started
            if elapsed > ENOUGH_SECONDS:
                break
    return Pace(steps, images, elapsed)
