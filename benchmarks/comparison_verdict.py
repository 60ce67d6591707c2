"""How often a verdict is wrong where there is nothing to find, and how often it finds what is there, in simulations.

The population is known: scores are a signal, noise that all models share, and noise of each model; with seeds, the
signal of each training varies too. Models are compared as `skinlab compare` does it, at 95 % confidence. Folds are
real cross-validations of a small classifier whose training subsets overlap.

    python benchmarks/comparison_verdict.py [SIMULATIONS]
"""

import math
import sys
import time
from pathlib import Path
from statistics import NormalDist, fmean

import numpy as np

from skinlab.comparison.arms import Arm, Finished, letters
from skinlab.comparison.gate import Fold, pairs_of
from skinlab.comparison.measuring import Measured
from skinlab.comparison.power import needed
from skinlab.comparison.sampling import Images
from skinlab.evaluation.scores import Levels

SIMULATIONS = 1000
IMAGES = 200
PREVALENCE = 0.4
SHARED = 0.5
"""Fraction of the noise of a score that all models share."""
SIGNAL = 1.3
RESAMPLES = 300
CONFIDENCE = 0.95


def experiments(counts):
    """Experiments with so many seeds each; their config says the seed and nothing else."""
    found = []
    for place, count in enumerate(counts):
        config = [{"config": {"seed": seed, "split": {"name": "holdout"}}} for seed in range(count)]
        runs = [Finished(Path(f"{place}-{seed}"), record, {}) for seed, record in enumerate(config)]
        found.append(Arm(letters(place), runs, {}))
    return found


def draw(generator, signals, images, per_lesion=1):
    """Images, and what a model of each signal says of them; images of a lesion are alike."""
    lesions = -(-images // per_lesion)
    lesion = np.repeat(np.arange(lesions), per_lesion)[:images]
    positive = (np.arange(lesions) < PREVALENCE * lesions)[lesion]

    def noise():
        alone, alike = generator.normal(size=images), generator.normal(size=lesions)[lesion]
        return alone if per_lesion == 1 else math.sqrt(0.5) * (alone + alike)

    shared, probabilities = noise(), []
    for signal in signals:
        score = math.sqrt(SHARED) * shared + math.sqrt(1 - SHARED) * noise() + signal * positive
        chance = 1 / (1 + np.exp(-SIGNAL * (score - SIGNAL / 2)))
        probabilities.append(np.stack([1 - chance, chance], axis=1))
    groups = [f"lesion {number}" for number in lesion] if per_lesion > 1 else [None] * images
    levels = Levels(specificity=0.9, sensitivity=0.95)
    return Images(positive.astype(np.int64), groups, probabilities, [0.5] * len(probabilities), 1, levels)


def verdicts(found, folds, metric):
    measured = Measured(folds, metric, CONFIDENCE, RESAMPLES, causes=False)
    return measured.pairs(pairs_of(found, None))


def compared(generator, metric, counts, *, images=IMAGES, spread=0.0, apart=0.0, per_lesion=1):
    """The pairs of a simulation; `spread` is the deviation of a training's signal, `apart` that of the experiments."""
    found = experiments(counts)
    signals = [
        SIGNAL + place * apart + spread * generator.normal() for place, count in enumerate(counts) for _ in range(count)
    ]
    drawn = draw(generator, signals, images, per_lesion)
    runs = [run for arm in found for run in arm.runs]
    fold = Fold(None, runs, [f"{row:05d}" for row in range(images)], [""] * images, drawn, 2 * images)
    return verdicts(found, [fold], metric)


def cross_validated(generator, images=200, folds=5):
    """Two classifiers that learn from other columns, each as good as the other's, on the same folds."""
    positive = np.arange(images) % 2 == 0
    columns = generator.normal(size=(images, 20)) + 0.25 * positive[:, None]
    part = generator.permutation(images) % folds
    found, made = experiments((1, 1)), []
    for fold in range(folds):
        train, test = part != fold, part == fold
        said = []
        for own in (columns[:, :10], columns[:, 10:]):
            direction = own[train & positive].mean(axis=0) - own[train & ~positive].mean(axis=0)
            chance = 1 / (1 + np.exp(-(own[test] @ direction)))
            said.append(np.stack([1 - chance, chance], axis=1))
        count = int(test.sum())
        drawn = Images(positive[test].astype(np.int64), [None] * count, said, [0.5, 0.5], 1, Levels(0.9, 0.95))
        names = [f"{row:04d}" for row in range(count)]
        made.append(Fold(fold, [arm.runs[0] for arm in found], names, names, drawn, int(train.sum())))
    return verdicts(found, made, "auc")


NULL = {
    "AUC, DeLong": ("auc", (1, 1), {}),
    "AUC, DeLong, 4 images of a lesion": ("auc", (1, 1), {"per_lesion": 4}),
    "accuracy, McNemar mid-p": ("accuracy", (1, 1), {}),
    "accuracy, 4 images of a lesion": ("accuracy", (1, 1), {"per_lesion": 4}),
    "average precision, bootstrap": ("average_precision", (1, 1), {}),
    "balanced accuracy, bootstrap, 4 of a lesion": ("balanced_accuracy", (1, 1), {"per_lesion": 4}),
    "Brier score, bootstrap": ("brier", (1, 1), {}),
    "AUC, 5 + 5 seeds": ("auc", (5, 5), {"spread": 0.3}),
    "AUC, 3 + 3 seeds": ("auc", (3, 3), {"spread": 0.3}),
    "AUC, 5 + 1 seeds": ("auc", (5, 1), {"spread": 0.3}),
    "AUC, 5 + 5 seeds that hardly matter": ("auc", (5, 5), {"spread": 0.05}),
    "accuracy, 5 + 5 seeds": ("accuracy", (5, 5), {"spread": 0.3}),
    "Brier score, 5 + 5 seeds, bootstrap": ("brier", (5, 5), {"spread": 0.3}),
    "AUC, 4 experiments, 6 pairs, any verdict": ("auc", (1, 1, 1, 1), {}),
    "(for contrast) AUC, one seed each, as methods": ("auc", (1, 1), {"spread": 0.3}),
}


def told(simulate, simulations):
    """How often any pair is told apart, and the standard error of that."""
    hits = 0
    for number in range(simulations):
        hits += any(pair.better for pair in simulate(np.random.default_rng(number)))
    rate = hits / simulations
    return rate, math.sqrt(rate * (1 - rate) / simulations)


def null(simulations):
    print(f"no difference: verdicts of {simulations} simulations that find one; 5 % are to be expected")
    for name, (metric, counts, how) in NULL.items():
        clock = time.perf_counter()
        rate, error = told(lambda generator, m=metric, c=counts, h=how: compared(generator, m, c, **h), simulations)
        print(
            f"  {name:<46}{100 * rate:>6.1f} % ± {100 * error:.1f}   {time.perf_counter() - clock:5.0f} s", flush=True
        )
    rate, error = told(cross_validated, simulations)
    print(f"  {'AUC, 5 folds, corrected resampled t':<46}{100 * rate:>6.1f} % ± {100 * error:.1f}")


def true_difference(apart, metric):
    """Of two models in the population."""
    normal = NormalDist()
    one, other = SIGNAL, SIGNAL + apart
    if metric == "auc":
        return normal.cdf(other / math.sqrt(2)) - normal.cdf(one / math.sqrt(2))
    cut = SIGNAL / 2
    return PREVALENCE * (normal.cdf(other - cut) - normal.cdf(one - cut))


def power(simulations):
    print("a known difference: as many images (and seeds) as 80 % power takes, by what 100 pilots say of the variance")
    for name, metric, counts, how in (
        ("AUC", "auc", (1, 1), {"apart": 0.3}),
        ("accuracy", "accuracy", (1, 1), {"apart": 0.4}),
        ("AUC, from 5 + 5 seeds", "auc", (5, 5), {"apart": 0.25, "spread": 0.1}),
    ):
        pilots = [compared(np.random.default_rng(10_000 + n), metric, counts, **how)[0] for n in range(100)]
        by_images = fmean(pilot.by_images**2 for pilot in pilots)
        by_seeds = fmean(pilot.by_seeds**2 for pilot in pilots) if pilots[0].by_seeds is not None else None
        wanted = true_difference(how["apart"], metric)
        more = needed(wanted, by_images, by_seeds, IMAGES, counts[0], 1 - CONFIDENCE)
        images, seeds = enough(more, counts[0])
        rate, error = told(
            lambda generator, m=metric, s=seeds, h=how, n=images: compared(generator, m, (s, s), images=n, **h),
            simulations,
        )
        said = f"  {name:<22} difference {wanted:.3f}, {images} images, {seeds} + {seeds} seeds: found in"
        print(f"{said} {100 * rate:.1f} % ± {100 * error:.1f}", flush=True)


def enough(more, seeds):
    """Images and seeds in all: more images where they are enough, else more of both or more seeds."""
    if more.images is not None:
        return IMAGES + more.images, seeds
    if more.both is not None:
        return IMAGES + more.both[0], seeds + more.both[1]
    return IMAGES, seeds + more.seeds


def main():
    simulations = int(sys.argv[1]) if len(sys.argv) > 1 else SIMULATIONS
    null(simulations)
    power(simulations)


if __name__ == "__main__":
    main()
