"""How often the 95 % intervals of a summary hold the truth: simulated test sets from a population that is known.

Three kinds of test set: independent images, as many of each class as in every other set; lesions of one to three images
that are alike, the same way; and independent images of which chance decides how many are malignant. The truth is what
the same numbers are on a population of half a million images.
"""

import sys
from collections import Counter

import numpy as np

from skinlab.evaluation.scores import Levels, Predictions, columns, scorer
from skinlab.evaluation.summary import METRICS, Settings, summarise

SETS = 1000
LESIONS = 150
PREVALENCE = 0.4
ALIKE = 0.6
"""Fraction of the variance of a score that images of a lesion share."""
SETTINGS = Settings(confidence=0.95, resamples=500, seed=1, levels=Levels(specificity=0.9, sensitivity=0.95))


KINDS = {
    "one image each": {"clustered": False},
    "1 to 3 images each": {"clustered": True},
    "prevalence drawn": {"clustered": False, "drawn": True},
}


def draw(generator, lesions, *, clustered, drawn=False):
    """Targets, probabilities and lesion of each image; a fixed number of lesions of each class, unless it is drawn."""
    malignant = (generator.random(lesions) if drawn else np.arange(lesions) / lesions) < PREVALENCE
    sizes = generator.integers(1, 4, size=lesions) if clustered else np.ones(lesions, dtype=np.int64)
    units = np.repeat(np.arange(lesions), sizes)
    shared = np.sqrt(ALIKE) * generator.normal(size=lesions)[units]
    noise = shared + np.sqrt(1 - ALIKE) * generator.normal(size=len(units))
    # The logit of an image of a Gaussian pair of classes, stated 1.3 times too surely.
    distance = 1.8
    score = distance * malignant[units] + noise
    logit = distance * (score - distance / 2) + np.log(PREVALENCE / (1 - PREVALENCE))
    chance = 1 / (1 + np.exp(-1.3 * logit))
    return malignant[units].astype(np.int64), np.stack([1 - chance, chance], axis=1), units


def truth(generator, *, clustered):
    """The numbers of the population."""
    targets, probabilities, _ = draw(generator, 250_000 if clustered else 500_000, clustered=clustered)
    decisions = (probabilities[:, 1] >= SETTINGS.threshold).astype(np.int64)
    score = scorer(Predictions(targets, decisions, probabilities, 1), SETTINGS.levels)
    values = score(np.ones((1, len(targets))))[0]
    found = {name: value for (name, code), value in zip(columns(2), values, strict=True) if code in (None, 1)}
    return {name: found[name] for name in METRICS}


def coverage(sets, *, clustered, drawn=False):
    generator = np.random.default_rng(0)
    true = truth(generator, clustered=clustered)
    held: Counter = Counter()
    methods = {}
    for _ in range(sets):
        targets, probabilities, units = draw(generator, LESIONS, clustered=clustered, drawn=drawn)
        groups = [f"lesion {unit}" for unit in units]
        metrics = summarise(targets, probabilities, ["benign", "malignant"], 1, groups, SETTINGS)["metrics"]
        for name, entry in metrics.items():
            held[name] += entry["low"] is not None and entry["low"] <= true[name] <= entry["high"]
            methods[name] = entry["interval"]
    return true, {name: held[name] / sets for name in METRICS}, methods


def main():
    sets = int(sys.argv[1]) if len(sys.argv) > 1 else SETS
    found = [coverage(sets, **kind) for kind in KINDS.values()]
    print(f"{sets} test sets of {LESIONS} lesions each; 95 % intervals, {SETTINGS.resamples} resamples")
    print(f"{'number':<28}{'truth':>7}" + "".join(f"{name:>20}" for name in KINDS) + "  method")
    for name in METRICS:
        covered = "".join(f"{100 * held[name]:>18.1f} %" for _, held, _ in found)
        print(f"{name:<28}{found[1][0][name]:>7.3f}{covered}  {found[0][2][name]}")


if __name__ == "__main__":
    main()
