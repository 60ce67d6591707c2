"""200 random scoring problems, ties and degenerate cases included, and what isic-challenge-scoring 5.6.0 makes of them.

The package is no dependency: what it needs (`zipfile-deflate64`) exists as source only and wants a compiler. So its
answers are kept in isic_expected.json, which this script writes in an environment that has it:

    pip install isic-challenge-scoring==5.6.0 && python tests/evaluation/isic_problems.py
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXPECTED = Path(__file__).with_name("isic_expected.json")
PROBLEMS = 200


@dataclass(frozen=True)
class Problem:
    """Rows by image: truth 0 or 1 and probability of each category; weight of each image."""

    truth: list[list[int]]
    probabilities: list[list[float]]
    weights: list[float]


def problem(seed: int) -> Problem:
    """A problem of its seed alone: Python promises that `random()` stays the same."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    categories = (1, 2, 3, 7, 8)[seed % 5]
    images = 2 + int(draw.random() * 60)
    covered = seed % 12 > 0 and 2 * categories  # one problem in twelve may lack a category
    decimals = (1, 2, 6)[int(draw.random() * 3)]  # few decimals: many tie
    truth, probabilities = [], []
    for row in range(max(images, covered)):
        choices = categories + (categories == 1)
        column = row % choices if row < covered else int(draw.random() * choices)
        truth.append([int(k == column) for k in range(categories)])
        raw = [draw.random() + 0.5 * hit for hit in truth[-1]]
        total = sum(raw) if categories > 1 else 1.5
        probabilities.append([round(value / total, decimals) for value in raw])
    if seed % 40 == 3:  # constant scores
        probabilities = [probabilities[0]] * len(truth)
    weighted = seed % 3 == 0
    weights = [float(not weighted or row < covered or draw.random() < 0.8) for row in range(len(truth))]
    return Problem(truth, probabilities, weights)


def main() -> None:
    import warnings

    warnings.simplefilter("ignore")
    answers = [_answer(problem(seed)) for seed in range(PROBLEMS)]
    EXPECTED.write_text("[\n" + ",\n".join(json.dumps(answer) for answer in answers) + "\n]\n")


def _answer(given: Problem) -> dict[str, Any] | None:
    """Scores by category; None where the package itself fails: it does where a category has no image."""
    import pandas as pd
    from isic_challenge_scoring import ClassificationMetric, ClassificationScore

    names = [f"c{k}" for k in range(len(given.truth[0]))]
    weights = pd.DataFrame({"score_weight": given.weights, "validation_weight": given.weights})
    truth = pd.DataFrame(given.truth, columns=names, dtype=float)
    predicted = pd.DataFrame(given.probabilities, columns=names)
    try:
        score = ClassificationScore(truth, predicted, weights, ClassificationMetric.AUC)
    except ValueError:
        return None
    per_category = {
        name: [None if pd.isna(value) else round(float(value), 12) for value in score.per_category[name]]
        for name in score.per_category.columns
    }
    return {"balanced_accuracy": float(score.aggregate["balanced_accuracy"]), "per_category": per_category}


if __name__ == "__main__":
    main()
