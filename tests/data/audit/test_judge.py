"""The audit of a prepared data set: what is merged, refused, left out and recorded."""

import json

import numpy as np
import pytest
from PIL import Image

from skinlab.data import prepare as module
from skinlab.data.prepare import prepare
from skinlab.errors import DataError
from skinlab.schema import Audit
from tests.data.audit.copies import COPIES, saved, skin
from tests.data.data_builders import folder_dataset, holdout_split

RULES = {"near_duplicates": True, "similarity": 0.83, "on_leak": "fail", "small_class": 30, "outlier_z": 6.0}
RULES |= {"known_duplicates": [], "known_errors": []}


@pytest.fixture
def folder(tmp_path):
    """Two classes of 12; a copy of benign/0 is benign, one of benign/1 is malignant."""
    root = tmp_path / "images"
    for number, label in enumerate(("benign", "malignant")):
        (root / label).mkdir(parents=True)
        for i in range(12):
            (root / label / f"{label[0]}{i:02}.jpg").write_bytes(saved(skin(100 * number + i)))
    (root / "benign" / "copy.jpg").write_bytes(COPIES["all"](skin(0), 1))
    (root / "malignant" / "conflict.jpg").write_bytes(COPIES["flipped"](skin(1), 2))
    return root


def prepared(folder, **changes):
    return prepare(folder_dataset(folder), holdout_split(), 96, audit=Audit(**{**RULES, **changes}))


@pytest.fixture
def given(monkeypatch):
    """A split that was drawn without looking: the copies are in test, their originals in training."""

    def split(image_ids, labels, groups, _split):
        ends = {"benign/copy": "test", "malignant/conflict": "test", "benign/b00": "train", "benign/b01": "train"}
        return [ends.get(name, ("train", "validation", "test")[row % 3]) for row, name in enumerate(image_ids)]

    monkeypatch.setattr(
        module.splits, "assign", lambda rows, _sha, groups, kind: (split(rows.image_ids, rows.labels, groups, kind), {})
    )


def test_near_duplicates_are_kept_in_one_subset_by_our_own_split(folder):
    for seed in range(4):
        found = prepare(folder_dataset(folder), holdout_split(seed=seed), 96, audit=Audit(**RULES))
        subset = dict(zip(found.manifest.image_ids, found.subsets, strict=True))
        assert subset["benign/copy"] == subset["benign/b00"]
        assert subset["malignant/conflict"] == subset["benign/b01"]
        assert found.findings.leaks == []


def test_near_duplicates_and_conflicting_labels_are_recorded(folder):
    audit = prepared(folder).audit
    assert json.loads(json.dumps(audit)) == audit
    pairs = {tuple(pair["images"]): pair["labels"] for pair in audit["near_duplicates"]}
    assert pairs == {
        ("benign/b00", "benign/copy"): ["benign", "benign"],
        ("benign/b01", "malignant/conflict"): ["benign", "malignant"],
    }
    (conflict,) = audit["near_duplicates_with_conflicting_labels"]
    assert conflict["images"] == ["benign/b01", "malignant/conflict"]
    assert {(one["label"], one["subset"]) for one in audit["small_classes"]} == {
        (label, subset) for label in ("benign", "malignant") for subset in ("validation", "test")
    }


def test_a_given_split_that_leaks_is_refused(folder, given):
    with pytest.raises(DataError, match=r"2 pairs .* benign/b00 \(train\) and benign/copy \(test\): near-duplicates"):
        prepared(folder)


def test_leaks_are_left_out_on_the_training_side(folder, given):
    found = prepared(folder, on_leak="drop")
    assert found.findings.left_out == ["benign/b00", "benign/b01"]
    rows = np.concatenate([found.rows(subset) for subset in ("train", "validation", "test")])
    assert len(rows) == len(found.manifest) - 2
    assert sum(sum(counts.values()) for counts in found.findings.counts.values()) == len(rows)
    assert len(found.findings.leaks) == 2


def test_leaks_are_said_and_recorded(folder, given, caplog):
    found = prepared(folder, on_leak="warn")
    assert "left_out" not in found.subsets
    assert [leak.images for leak in found.findings.leaks] == [
        ["benign/b00", "benign/copy"],
        ["benign/b01", "malignant/conflict"],
    ]
    assert "2 pairs of images are in two subsets" in caplog.text


def test_without_the_search_no_pixel_decides(folder, given):
    found = prepared(folder, near_duplicates=False)
    assert found.findings.near_duplicates is None
    assert found.findings.leaks == []


def test_an_image_unlike_the_others_is_recorded(folder):
    dark = np.asarray(skin(50)) // 40
    (folder / "benign" / "dark.jpg").write_bytes(saved(Image.fromarray(dark)))
    measures = {(one.image_id, one.measure) for one in prepared(folder).findings.outliers}
    assert {("benign/dark", "brightness"), ("benign/dark", "contrast")} <= measures
