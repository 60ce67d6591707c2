"""The default experiment learns what is in the phantoms, and nothing where there is nothing to learn.

Four epochs instead of fifteen: the schedule's phases stretch with them, and the test AUC has come to rest by then.
"""

import json
from typing import Any

import pytest

from tests.integration.commands import Workplace

pytestmark = pytest.mark.slow

FEWER = ("training.epochs=4", "evaluation.bootstrap=100")


def auc_of(workplace: Workplace, *overrides: str) -> dict[str, Any]:
    """The test subset's AUC with its interval."""
    run = workplace.train(*overrides, *FEWER)
    auc: dict[str, Any] = json.loads((run / "summary.json").read_text())["test"]["metrics"]["auc"]
    return auc


def test_the_default_experiment_tells_the_classes_apart(workplace: Workplace) -> None:
    assert auc_of(workplace)["value"] > 0.9


def test_shuffled_labels_cannot_be_learned(workplace: Workplace) -> None:
    auc = auc_of(workplace, "experiment=phantoms_shuffled")
    assert auc["low"] <= 0.5 or auc["value"] < 0.65
