"""The learning rate of each step."""

from math import cos, pi

import numpy as np
from numpy.typing import NDArray

from skinlab import schema

ONE_CYCLE_RISE = 0.3
"""Fraction of training in which the one-cycle rate rises (Smith & Topin, "Super-convergence", 2019)."""
ONE_CYCLE_START = 1 / 25


def rates(schedule: schema.Schedule, base: float, epochs: int, steps: int) -> NDArray[np.float64]:
    """The learning rate of each step: float64 [epochs * steps].

    Args:
        schedule: which curve.
        base: the declared learning rate.
        epochs: length of training.
        steps: minibatches an epoch; a step's rate is that of the middle of its time.
    """
    middles = ((step + 0.5) / steps for step in range(epochs * steps))
    return np.array([learning_rate(schedule, base, epochs, epoch) for epoch in middles])


def learning_rate(schedule: schema.Schedule, base: float, epochs: int, epoch: float) -> float:
    """The learning rate at a point of training.

    Args:
        schedule: which curve.
        base: the declared learning rate; the curves are multiples of it.
        epochs: length of training.
        epoch: where in training, in epochs from 0; a step in the middle of an epoch has a fraction.

    Returns:
        the rate for the mean gradient of a minibatch.
    """
    if schedule.name == "one_cycle":
        return base * _one_cycle(epoch / epochs)
    warm = min(1.0, epoch / schedule.warmup_epochs) if schedule.warmup_epochs else 1.0
    if schedule.name == "cosine":
        return base * warm * (1 + cos(pi * epoch / epochs)) / 2
    return base * warm * _phase_factor(schedule.phases, epochs, int(epoch))


def _phase_factor(phases: list[schema.Phase], epochs: int, epoch: int) -> float:
    """The factor of the phase in which this epoch starts, phases being stretched to `epochs`."""
    declared = sum(phase.epochs for phase in phases)
    position = epoch * declared / epochs
    for phase in phases:
        if position < phase.epochs:
            return phase.factor
        position -= phase.epochs
    return phases[-1].factor


def _one_cycle(progress: float) -> float:
    if progress < ONE_CYCLE_RISE:
        return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * progress / ONE_CYCLE_RISE
    return (1 + cos(pi * (progress - ONE_CYCLE_RISE) / (1 - ONE_CYCLE_RISE))) / 2
