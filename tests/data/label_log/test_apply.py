import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skinlab.data.label_log.apply import Correction, corrected
from skinlab.data.label_log.edit import set_label, undo
from skinlab.data.label_log.place import log_of
from skinlab.data.prepare import Prepared, prepare
from skinlab.data.sources import load
from skinlab.errors import DataError
from skinlab.schema import FolderDataset
from tests.data.data_builders import folder_dataset, holdout_split, noise_image, synthetic_dataset

Make = Callable[..., Path]


@pytest.fixture
def images(class_folder: Make) -> FolderDataset:
    return folder_dataset(class_folder(benign=8, malignant=8))


def relabel(dataset: Any, image_id: str, label: str) -> str:
    return set_label(log_of(dataset), load(dataset), image_id, label, why="histology", who="ada").hash


def prepared(dataset: Any, **changes: Any) -> Prepared:
    return prepare(replace(dataset, **changes), holdout_split(), 16)


def labels_of(found: Prepared) -> dict[str, str]:
    return dict(zip(found.manifest.image_ids, found.manifest.labels, strict=True))


def test_without_a_log_the_labels_are_those_of_the_source(images: FolderDataset) -> None:
    found = prepared(images)
    assert found.label_revision is None
    assert found.audit["label_log"] == {"revision": None, "applied": [], "absent": []}


def test_the_newest_revision_is_applied_and_told(images: FolderDataset) -> None:
    before = prepared(images)
    revision = relabel(images, "benign/benign_003", "malignant")
    after = prepared(images)
    assert labels_of(after) == labels_of(before) | {"benign/benign_003": "malignant"}
    assert after.targets.sum() == before.targets.sum() + 1
    assert after.label_revision == revision
    assert after.fingerprint != before.fingerprint
    told = {"image_id": "benign/benign_003", "source_label": "benign", "label": "malignant"}
    assert after.audit["label_log"] == {"revision": revision, "applied": [told], "absent": []}


def test_a_revision_reproduces_the_fingerprint_and_the_split_of_its_time(images: FolderDataset) -> None:
    at_start = prepared(images)
    first = relabel(images, "benign/benign_003", "malignant")
    at_first = prepared(images)
    relabel(images, "malignant/malignant_001", "benign")
    undo(log_of(images), "1", why="wrong slide", who="ada")
    for revision, then in (("none", at_start), (first, at_first), (first[:12], at_first)):
        now = prepared(images, label_revision=revision)
        assert (now.fingerprint, now.split_hash) == (then.fingerprint, then.split_hash)
        assert now.label_revision == then.label_revision
    assert labels_of(prepared(images)) == labels_of(at_start) | {"malignant/malignant_001": "benign"}


def test_corrections_come_before_classes_are_merged(images: FolderDataset) -> None:
    relabel(images, "benign/benign_003", "malignant")
    merged = prepared(images, classes={"no": ["benign"], "yes": ["malignant"]})
    assert labels_of(merged)["benign/benign_003"] == "yes"
    assert merged.audit["classes"] == {"no": {"benign": 7}, "yes": {"malignant": 9}}


def test_an_undone_correction_asks_nothing_of_the_image_any_more(images: FolderDataset) -> None:
    relabel(images, "benign/benign_003", "malignant")
    undo(log_of(images), "1", why="wrong slide", who="ada")
    noise_image(99).save(Path(images.path) / "benign" / "benign_003.png")
    assert corrected(load(images), images)[1].applied == []


def test_a_source_that_has_the_correction_itself_needs_none(images: FolderDataset, tmp_path: Path) -> None:
    relabel(images, "benign/benign_003", "malignant")
    manifest = load(images)
    pairs = zip(manifest.image_ids, manifest.labels, strict=True)
    labels = ["malignant" if name == "benign/benign_003" else label for name, label in pairs]
    same, corrections = corrected(replace(manifest, labels=labels), images)
    assert list(same.labels) == labels
    assert corrections.applied == []


def test_corrections_of_absent_images_are_told(images: FolderDataset) -> None:
    relabel(images, "benign/benign_003", "malignant")
    relabel(images, "benign/benign_004", "malignant")
    (Path(images.path) / "benign" / "benign_003.png").unlink()
    corrections = corrected(load(images), images)[1]
    assert corrections.absent == ["benign/benign_003"]
    assert corrections.applied == [Correction("benign/benign_004", "benign", "malignant")]


def test_another_file_under_the_id_stops_until_it_is_looked_at_again(images: FolderDataset) -> None:
    relabel(images, "benign/benign_003", "malignant")
    noise_image(99).save(Path(images.path) / "benign" / "benign_003.png")
    expected = (
        r"corrections of another file or label than there is now \(1\): benign/benign_003 \(another file\); look again"
    )
    with pytest.raises(DataError, match=expected):
        prepared(images)
    assert prepared(images, label_revision="none").label_revision is None
    relabel(images, "benign/benign_003", "malignant")  # the same label, for the new file
    assert labels_of(prepared(images))["benign/benign_003"] == "malignant"


def test_another_label_of_the_source_stops_and_the_first_ten_are_named(images: FolderDataset) -> None:
    names = [f"benign/benign_{i:03}" for i in range(8)] + [f"malignant/malignant_{i:03}" for i in range(4)]
    for name in names:
        relabel(images, name, "malignant" if name.startswith("benign") else "benign")
    other = replace(load(images), labels=["nevus"] * 16)
    with pytest.raises(
        DataError, match=r"corrections of .* \(12\): .*benign_000 \(now nevus, was benign\), .*001 .* and 2 more; look"
    ):
        corrected(other, images)


def test_an_image_that_cannot_be_read_is_left_to_the_audit(images: FolderDataset) -> None:
    relabel(images, "benign/benign_003", "malignant")
    image = Path(images.path) / "benign" / "benign_003.png"
    image.unlink()
    image.symlink_to("nowhere.png")
    assert [one["image_id"] for one in prepared(images).audit["corrupt"]] == ["benign/benign_003"]


def test_the_log_moves_with_its_folder(images: FolderDataset, tmp_path: Path) -> None:
    relabel(images, "benign/benign_003", "malignant")
    moved = shutil.copytree(images.path, tmp_path / "moved")
    assert prepared(folder_dataset(moved)).fingerprint == prepared(images).fingerprint


def test_a_revision_that_is_not_there_is_refused(images: FolderDataset) -> None:
    with pytest.raises(DataError, match=r"revision abcdef123456 of the labels is not available: there is no label log"):
        prepared(images, label_revision="abcdef1234567890")
    relabel(images, "benign/benign_003", "malignant")
    with pytest.raises(DataError, match="has no entry abcdef1234567890: it has 1"):
        prepared(images, label_revision="abcdef1234567890")


def test_a_declared_log_must_be_there(images: FolderDataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dataset\.label_log=.*other\.log: there is none; the first"):
        prepared(images, label_log=str(tmp_path / "other.log"))
    assert prepared(images, label_log=str(tmp_path / "other.log"), label_revision="none").label_revision is None


def test_phantoms_are_corrected_by_a_declared_log_only(tmp_path: Path) -> None:
    phantoms = synthetic_dataset(label_log=str(tmp_path / "p.log"))
    name, label = load(phantoms).image_ids[0], load(phantoms).labels[0]
    revision = relabel(phantoms, name, "malignant" if label == "benign" else "benign")
    assert corrected(load(phantoms), phantoms)[1].revision == revision
    with pytest.raises(DataError, match="dataset=synthetic has no label log unless dataset.label_log=PATH"):
        corrected(load(phantoms), synthetic_dataset(label_revision=revision))
