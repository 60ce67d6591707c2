import json

import numpy as np
import pytest

from skinlab.evaluation import isic
from tests.evaluation.isic_problems import EXPECTED, PROBLEMS, problem

ANSWERS = json.loads(EXPECTED.read_text())


def scores(seed):
    given = problem(seed)
    return isic.classification_scores(
        np.array(given.truth, dtype=bool), np.array(given.probabilities), np.array(given.weights)
    )


def test_scores_equal_those_of_the_published_package_on_200_problems():
    compared = 0
    for seed, expected in enumerate(ANSWERS):
        found = scores(seed)
        if expected is None:
            continue
        assert found["balanced_accuracy"] == pytest.approx(expected["balanced_accuracy"], abs=1e-9)
        for name, values in expected["per_category"].items():
            ours = [category[name] for category in found["per_category"]]
            theirs = [np.nan if value is None else value for value in values]
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9, err_msg=f"{name} of problem {seed}")
            compared += len(values)
    assert compared > 4000
    assert len(ANSWERS) == PROBLEMS


def test_what_the_package_fails_at_is_nan_here():
    failing = [seed for seed, expected in enumerate(ANSWERS) if expected is None]
    assert failing
    for seed in failing:
        areas = [category["auc_sens_80"] for category in scores(seed)["per_category"]]
        assert np.isnan(areas).any()
