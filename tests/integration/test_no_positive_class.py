"""Whole runs on classes that nobody knows: of three, no number is about one alone; of two, the choice is said."""

import json
import re
from pathlib import Path

import pytest

from tests.integration.commands import Workplace
from tests.integration.pictures import picture

SHORT = (
    "training.epochs=1",
    "training.monitor=auc",
    "network.image_size=32",
    "optimizer.minibatch_size=8",
    "evaluation.bootstrap=100",
    "evaluation.calibration=temperature",
)
ALL_CLASSES = ["auc", "accuracy", "balanced_accuracy", "brier", "log_loss", "ece"]
SINGLE = re.compile(r"positive class\b|\b(sensitivity|specificity) \d", re.IGNORECASE)
"""What would be said of a class that has no name."""


def folder_of(place: Path, *classes: str) -> Path:
    """12 pictures of each class, in the folder of its name."""
    for name in classes:
        (place / name).mkdir(parents=True)
        for number in range(12):
            picture(f"{name}{number}").save(place / name / f"{name}{number}.png")
    return place


def words_of(page: str) -> str:
    """What a reader sees of a page: without what was declared, which has the names of keys."""
    text = re.sub(r"<(style|script|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["torch", "cntk"])
def test_of_three_unknown_classes_no_number_is_about_one_alone(
    workplace: Workplace, tmp_path: Path, engine: str
) -> None:
    images = folder_of(tmp_path / "images", "a", "b", "c")
    done = workplace.skinlab("train", "dataset=folder", f"dataset.path={images}", f"engine={engine}", *SHORT)
    assert done.code == 0, done.err
    assert "no class is singled out (dataset.positive_class=NAME singles one out)" in done.out
    run = workplace.run()
    test = json.loads((run / "summary.json").read_text())["test"]
    assert (test["positive_class"], list(test["metrics"])) == (None, ALL_CLASSES)
    assert test["metrics"]["auc"]["value"] == pytest.approx(
        sum(of["auc"]["value"] for of in test["per_class"].values()) / 3
    )
    report = words_of((run / "report.html").read_text())
    card = (run / "bundle" / "MODEL_CARD.md").read_text()
    for text in (done.out, done.err, report, card):
        assert SINGLE.findall(text) == []
    for text in (done.out, report, card):
        assert "AUC, macro" in text
        assert "Balanced accuracy" in text
    assert (run / "plots" / "precision_recall.png").is_file()
    assert json.loads((run / "bundle" / "signature.json").read_text())["positive_class"] is None
    predicted = workplace.skinlab("predict", str(run), str(images / "a" / "a0.png"))
    assert predicted.code == 0, predicted.err
    *probabilities, label, decision, _ = predicted.out.splitlines()[1].split(",")[1:]
    assert label == decision == "abc"[max(range(3), key=lambda code: float(probabilities[code]))]
    scored = workplace.skinlab("evaluate", str(run), "--on-overlap", "drop")
    assert scored.code == 0, scored.err
    assert "no class is singled out" in scored.out


def test_an_objective_of_the_positive_class_is_refused_before_training(workplace: Workplace, tmp_path: Path) -> None:
    images = folder_of(tmp_path / "images", "a", "b", "c")
    asked = ("dataset=folder", f"dataset.path={images}", "sweep.objectives=[auc,specificity]")
    done = workplace.skinlab("train", *asked, *SHORT)
    assert done.code != 0
    assert "sweep.objectives: specificity: needs a positive class, and none of a, b, c is known as one" in done.err
    assert not (workplace.run() / "checkpoints").exists()


def test_of_two_unknown_classes_the_one_that_is_taken_is_said_everywhere(workplace: Workplace, tmp_path: Path) -> None:
    images = folder_of(tmp_path / "images", "a", "b")
    done = workplace.skinlab("train", "dataset=folder", f"dataset.path={images}", "engine=torch", *SHORT)
    assert done.code == 0, done.err
    said = (
        "positive class: b (of two classes neither is known as the positive one: set dataset.positive_class=a to turn "
        "it round)"
    )
    assert said in done.err
    run = workplace.run()
    assert json.loads((run / "audit.json").read_text())["assumed_positive"] == "b"
    assert said in (run / "report.html").read_text()
    assert said in (run / "bundle" / "MODEL_CARD.md").read_text()
    declared = workplace.train(
        "dataset=folder", f"dataset.path={images}", "dataset.positive_class=a", "engine=torch", *SHORT
    )
    assert "neither is known" not in (declared / "report.html").read_text()
    assert json.loads((declared / "summary.json").read_text())["test"]["positive_class"] == "a"
