"""What the images do not define says why in every output of a whole run, and stops nothing."""

import csv
import json
from pathlib import Path

import pytest

from tests.integration.commands import Workplace, record
from tests.integration.pictures import picture

WHY = "no image is malignant"
LEFT_OUT = "test images left out, their labels are unseen in training: 2 x other"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """24 images to train and select with, then three benign ones for the test and two of a label of their own."""
    rows = [
        (f"{number:02}", ("benign", "malignant")[number % 2], "val" if number > 15 else "train") for number in range(24)
    ]
    rows += [(f"test{number}", "benign" if number < 3 else "other", "test") for number in range(5)]
    (tmp_path / "images").mkdir()
    for name, _, _ in rows:
        picture(name).save(tmp_path / "images" / f"{name}.png")
    with (tmp_path / "table.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([("image_id", "label", "part"), *rows])
    return tmp_path / "table.csv"


@pytest.mark.slow
def test_one_class_in_test_and_a_label_unseen_in_training(workplace: Workplace, table: Path) -> None:
    declared = ("dataset=table", f"dataset.path={table}", f"dataset.image_root={table.parent / 'images'}")
    short = ("training.epochs=1", "network.image_size=32", "optimizer.minibatch_size=8", "evaluation.bootstrap=100")
    more = ("split=column", "split.column=part", "evaluation.subgroups=[part]", "evaluation.calibration=temperature")
    done = workplace.skinlab("train", *declared, *short, *more)
    assert done.code == 0, done.err
    run = workplace.run()
    assert record(run)["status"] == "finished"
    assert f"undefined: {WHY}" in done.out
    assert "2 of labels unseen in training left out" in done.out
    assert "class malignant has no image in test" in done.err
    test = json.loads((run / "summary.json").read_text())["test"]
    assert (test["images"], test["images_of_unseen_label"]) == (3, 2)
    assert test["metrics"]["auc"] == dict.fromkeys(("value", "low", "high", "interval")) | {"why": WHY}
    assert test["metrics"]["specificity"]["value"] is not None
    for page in ("report.html", "bundle/MODEL_CARD.md"):
        text = (run / page).read_text()
        assert f"undefined: {WHY}" in text, page
        assert LEFT_OUT in text, page
    picture("alone").save(table.parent / "images" / "alone.png")
    (table.parent / "one.csv").write_text("image_id,label\nalone,malignant\n")
    scored = workplace.skinlab("evaluate", str(run), f"dataset.path={table.parent / 'one.csv'}")
    assert scored.code == 0, scored.err
    assert "on 1 table image (0 benign, 1 malignant)" in scored.out
    assert "undefined: every image is malignant" in scored.out
    (page,) = run.glob("evaluations/*/report.html")
    assert "undefined: every image is malignant" in page.read_text()
