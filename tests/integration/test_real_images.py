"""Real dermoscopy images, from a folder and from a table."""

import csv
from pathlib import Path

import pytest

from tests.integration.commands import Workplace, metrics, record

pytestmark = pytest.mark.slow

SHORT = ("network.image_size=32", "training.epochs=1", "optimizer.minibatch_size=64", "evaluation.bootstrap=100")


def subsets(run: Path) -> list[dict[str, str]]:
    with (run / "split.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_of_800_images_trains(workplace: Workplace, real_images: Path) -> None:
    run = workplace.train("dataset=folder", f"dataset.path={real_images / 'isic2017'}", *SHORT)
    facts = record(run)
    assert facts["status"] == "finished"
    assert facts["classes"] == ["benign", "malignant"]
    assert facts["bundle_check"]["images"] == 64
    rows = subsets(run)
    assert len(rows) == 800
    counted = [sum(row["subset"] == name for row in rows) for name in ("train", "validation", "test")]
    assert counted == [480, 120, 200]
    assert len(metrics(run)) == 1


def test_a_table_keeps_the_images_of_a_lesion_together(workplace: Workplace, real_images: Path) -> None:
    table = real_images / "isic2017" / "metadata.csv"
    group = ("dataset.group_column=lesion_id", "evaluation.bootstrap=100")
    run = workplace.train("dataset=table", f"dataset.path={table}", *group, "method=featurize", "network.image_size=32")
    rows = subsets(run)
    assert len(rows) == 800
    with table.open(newline="") as stream:
        declared = {row["image_id"]: row for row in csv.DictReader(stream)}
    lesions: dict[str, set[str]] = {}
    for row in rows:
        known = declared[row["image_id"].rpartition("/")[2]]
        assert (row["label"], row["group"]) == (known["label"], known["lesion_id"])
        if row["group"]:
            lesions.setdefault(row["group"], set()).add(row["subset"])
    assert len(lesions) > 100
    assert all(len(subset) == 1 for subset in lesions.values())
