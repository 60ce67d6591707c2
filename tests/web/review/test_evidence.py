"""What runs and the audit say of the images of a data set."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab import files
from skinlab.data.manifest import Manifest
from skinlab.errors import DataError
from skinlab.run import Run
from skinlab.web.review.evidence import gather

IDS = ["a", "b", "c", "d"]
MANIFEST = Manifest(IDS, [""] * 4, ["nv", "mel", "nv", "mel"], [None] * 4)
AUDIT: dict[str, Any] = {
    "duplicates": [["a", "b", "gone"]],
    "near_duplicates": [{"images": ["c", "d"], "labels": ["nv", "mel"], "similarity": 0.97}],
    "leaks": [{"images": ["a", "b"], "subsets": ["train", "test"], "reason": "duplicate", "similarity": None}],
    "outliers": [{"image_id": "d", "measure": "file_size", "value": 12.0, "z": 9.0}],
    "corrupt": [{"image_id": "gone", "reason": "empty"}],
}


def run_of(
    path: Path, predictions: dict[str, tuple[str, float]], classes: Any = None, names: tuple[str, str] = ("mel", "nv")
) -> Path:
    """A run's directory; `predictions` has the subset and the probability of the first class of each image."""
    run = Run.create(path, {"config": {"dataset": {"classes": classes}}})
    rows = [f"{name},{subset},x,{p},{1 - p}" for name, (subset, p) in predictions.items()]
    head = f"image_id,subset,label,probability_{names[0]},probability_{names[1]}"
    run.write_text("predictions.csv", "\n".join([head, *rows, ""]))
    split = [f"{name},{'0' * 64},x,,{subset}" for name, (subset, _) in predictions.items()]
    run.write_text("split.csv", "\n".join(["image_id,sha256,label,group,subset", *split, ""]))
    run.update(status="finished")
    return path


def test_of_one_run_the_images_that_it_was_not_trained_on_are_judged(tmp_path: Path) -> None:
    run = run_of(
        tmp_path / "r", {"a": ("test", 0.1), "b": ("validation", 0.7), "c": ("train", 0.5), "x": ("test", 0.9)}
    )
    found = gather(MANIFEST, [run], None)
    assert found.predictions is not None
    assert found.predictions.probabilities[:2].tolist() == [[0.1, 0.9], [0.7, pytest.approx(0.3)]]
    assert np.isnan(found.predictions.probabilities[2:]).all()
    assert found.subsets == ["test", "validation", "train", ""]
    assert found.predictions.class_of == {"mel": 0, "nv": 1}
    assert not found.audited


def test_of_folds_the_test_images_are_judged_and_an_image_that_several_tested_by_their_mean(tmp_path: Path) -> None:
    first = run_of(tmp_path / "0", {"a": ("test", 0.2), "b": ("validation", 0.9)})
    second = run_of(tmp_path / "1", {"a": ("test", 0.4), "b": ("test", 0.6)})
    found = gather(MANIFEST, [first, second], None)
    assert found.predictions is not None
    assert found.predictions.probabilities[:2, 0] == pytest.approx([0.3, 0.6])
    assert found.subsets is None


def test_merged_classes_are_judged_as_the_run_merged_them(tmp_path: Path) -> None:
    merged = {"bad": ["mel", "bcc"], "good": ["nv"]}
    run = run_of(tmp_path / "r", {"a": ("test", 0.2)}, merged, ("bad", "good"))
    found = gather(MANIFEST, [run], None).predictions
    assert found is not None
    assert found.class_of == {"mel": 0, "bcc": 0, "nv": 1}


def test_runs_of_different_classes_are_not_mixed(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path / "0", {"a": ("test", 0.2)}),
        run_of(tmp_path / "1", {"a": ("test", 0.2)}, None, ("x", "y")),
    ]
    with pytest.raises(DataError, match="has the classes x, y, other runs mel, nv"):
        gather(MANIFEST, runs, None)


def test_copies_conflict_by_the_labels_of_now(tmp_path: Path) -> None:
    files.write_json(tmp_path / "audit.json", AUDIT)
    copies = gather(MANIFEST, [], tmp_path / "audit.json").copies
    assert copies.conflicting(np.array([0, 1, 0, 0])).tolist() == [True, True, False, False]
    assert copies.conflicting(np.array([0, 0, 0, 1])).tolist() == [False, False, True, True]
    assert copies.of(3) == [(2, 0.97)]
    assert copies.of(0) == [(1, 1.0)]


def test_findings_are_told_by_image(tmp_path: Path) -> None:
    files.write_json(tmp_path / "audit.json", AUDIT)
    found = gather(MANIFEST, [], tmp_path / "audit.json")
    assert found.audited
    assert found.findings == {
        "duplicate": {0: "same file as b, gone", 1: "same file as a, gone"},
        "near-duplicate": {2: "shows the same as d (similarity 0.97)", 3: "shows the same as c (similarity 0.97)"},
        "leak": {0: "in another subset than b (duplicate)", 1: "in another subset than a (duplicate)"},
        "outlier": {3: "file size 12 stands out"},
    }


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text("{}")
    with pytest.raises(DataError, match=r"audit.json cannot be read as an audit .*: `skinlab data audit` writes one"):
        gather(MANIFEST, [], tmp_path / "audit.json")
    run = run_of(tmp_path / "r", {"a": ("test", 0.2)})
    (run / "predictions.csv").write_text("image_id,subset,label,probability_mel,probability_nv\na,test,x,much,little\n")
    with pytest.raises(DataError, match="the run directory is not whole"):
        gather(MANIFEST, [run], None)
