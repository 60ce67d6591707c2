"""Seconds for all numbers of a test subset with intervals, by images, classes and subgroups."""

import statistics
import time

import numpy as np

from skinlab.evaluation.scores import Levels
from skinlab.evaluation.subgroups import summarise_subgroups
from skinlab.evaluation.summary import Settings, summarise

SETTINGS = Settings(confidence=0.95, resamples=1000, seed=1, levels=Levels(specificity=0.9, sensitivity=0.95))
REPETITIONS = 3


def predictions(images, classes):
    generator = np.random.default_rng(0)
    targets = np.arange(images) % classes
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), targets] += 1.5
    return targets, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def seconds(call):
    times = []
    for _ in range(REPETITIONS):
        clock = time.perf_counter()
        call()
        times.append(time.perf_counter() - clock)
    return statistics.median(times)


def measured(images, classes):
    """Seconds of the whole, and of three columns of five subgroups each."""
    targets, probabilities = predictions(images, classes)
    names = [f"class {code}" for code in range(classes)]
    groups = [f"lesion {row // 2}" for row in range(images)]
    columns = {column: [f"{column}{row // 7 % 5}" for row in range(images)] for column in "abc"}
    known = (targets, probabilities, names, 1, groups, SETTINGS)
    return (
        seconds(lambda: summarise(*known)),
        seconds(lambda: summarise_subgroups(columns, list(columns), *known, smallest=10)),
    )


def main():
    print(f"{SETTINGS.resamples} resamples; median of {REPETITIONS}")
    print(f"{'images':>7}  {'classes':>7}  {'all numbers, s':>14}  {'15 subgroups, s':>15}")
    for images, classes in ((600, 2), (600, 7), (10_000, 2)):
        whole, parts = measured(images, classes)
        print(f"{images:>7}  {classes:>7}  {whole:>14.2f}  {parts:>15.2f}")


if __name__ == "__main__":
    main()
