"""From declaration to split images, and the record of what was found."""

import csv
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinlab.data import prepare as module
from skinlab.data.images import read
from skinlab.data.prepare import prepare
from skinlab.data.split import SUBSETS, split_csv_text
from skinlab.errors import DataError
from tests.data import profiles
from tests.data.data_builders import folder_dataset, holdout_split, synthetic_dataset, table_dataset

Make = Callable[..., Path]


def test_all_columns_belong_to_the_same_image(class_folder: Make) -> None:
    prepared = prepare(folder_dataset(class_folder(benign=10, malignant=8)), holdout_split(), 16)
    assert prepared.classes == ["benign", "malignant"]
    assert prepared.positive == 1
    assert isinstance(prepared.images, np.memmap)
    assert prepared.targets.dtype == np.int64
    for i, path in enumerate(prepared.manifest.paths):
        assert np.array_equal(prepared.images[i], read(path, 16))
        assert prepared.classes[prepared.targets[i]] == prepared.manifest.labels[i] == Path(path).parent.name
    rows = np.concatenate([prepared.rows(subset) for subset in SUBSETS])
    assert sorted(rows.tolist()) == list(range(18))
    assert prepared.rows("test").dtype == np.int64


def test_unknown_subset_is_refused(class_folder: Make) -> None:
    prepared = prepare(folder_dataset(class_folder(a=5, b=5)), holdout_split(), 16)
    with pytest.raises(ValueError, match="no subset tset"):
        prepared.rows("tset")


def test_second_run_gives_the_same(class_folder: Make) -> None:
    dataset = folder_dataset(class_folder(a=6, b=6))
    first, second = (prepare(dataset, holdout_split(), 16) for _ in range(2))
    assert (first.fingerprint, first.split_hash, first.audit) == (second.fingerprint, second.split_hash, second.audit)
    assert np.array_equal(first.images, second.images)


def test_fingerprint_is_of_the_data_and_not_of_place_size_or_split(class_folder: Make, tmp_path: Path) -> None:
    root = class_folder(a=6, b=6)
    expected = prepare(folder_dataset(root), holdout_split(), 16)
    moved = Path(shutil.copytree(root, tmp_path / "copy"))
    other = prepare(folder_dataset(moved), holdout_split(seed=5), 20)
    assert other.fingerprint == expected.fingerprint
    assert other.split_hash != expected.split_hash
    (moved / "a" / "a_000.png").rename(moved / "b" / "a_000.png")
    assert prepare(folder_dataset(moved), holdout_split(), 16).fingerprint != expected.fingerprint


def test_fingerprint_and_pixels_follow_the_colour_setting(class_folder: Make) -> None:
    root = class_folder(a=6, b=6)
    profile = profiles.rgb(profiles.DISPLAY_P3, profiles.SRGB_CURVE)
    Image.new("RGB", (16, 16), (200, 80, 60)).save(root / "a" / "a_000.png", icc_profile=profile)
    converted, ignored = (
        prepare(folder_dataset(root, colour_profile=way), holdout_split(), 16) for way in ("convert", "ignore")
    )
    assert converted.images[0, 0, 0].tolist() == [216, 69, 50]
    assert ignored.images[0, 0, 0].tolist() == [200, 80, 60]
    assert converted.fingerprint != ignored.fingerprint
    assert (converted.colour_profile, ignored.colour_profile) == ("convert", "ignore")


def test_corrupt_images_are_left_out_and_recorded(class_folder: Make) -> None:
    root = class_folder(a=8, b=8)
    (root / "a" / "a_003.png").write_bytes(b"")
    (root / "b" / "b_001.png").write_bytes((root / "b" / "b_001.png").read_bytes()[:500])
    (root / "b" / "text.jpg").write_text("not an image")
    (root / "b" / "link.png").symlink_to(root / "nowhere.png")
    prepared = prepare(folder_dataset(root), holdout_split(), 16)
    reasons = {entry["image_id"]: entry["reason"] for entry in prepared.audit["corrupt"]}
    assert list(reasons) == ["a/a_003", "b/b_001", "b/link", "b/text"]
    assert reasons["a/a_003"] == "the file is empty"
    assert reasons["b/link"] == "cannot be read: No such file or directory"
    assert len(prepared.manifest) == len(prepared.images) == len(prepared.sha256) == len(prepared.targets) == 14
    for i, path in enumerate(prepared.manifest.paths):
        assert np.array_equal(prepared.images[i], read(path, 16))


def test_corrupt_images_stop_the_run_where_declared(class_folder: Make) -> None:
    root = class_folder(a=15, b=4)
    for i in range(12):
        (root / "a" / f"a_{i:03}.png").write_bytes(b"")
    expected = (
        r"12 of 19 images cannot be read: a/a_000 \(the file is empty\), .* and 2 more; .*dataset\.on_corrupt=drop"
    )
    with pytest.raises(DataError, match=expected):
        prepare(folder_dataset(root, on_corrupt="fail"), holdout_split(), 16)


def test_no_readable_image_at_all_is_an_error(class_folder: Make) -> None:
    root = class_folder(a=2, b=2)
    for file in root.glob("*/*"):
        file.write_text("text")
    with pytest.raises(DataError, match="none of the 4 images can be read"):
        prepare(folder_dataset(root), holdout_split(), 16)


def test_class_without_a_readable_image_is_an_error(class_folder: Make) -> None:
    root = class_folder(a=4, b=1)
    (root / "b" / "b_000.png").write_bytes(b"")
    with pytest.raises(DataError, match="no image of class b can be read: b/b_000"):
        prepare(folder_dataset(root), holdout_split(), 16)


def test_labels_outside_the_declared_classes_are_counted(class_folder: Make) -> None:
    root = class_folder(a=5, b=5, c=3, d=2)
    prepared = prepare(folder_dataset(root, classes=["b", "a"]), holdout_split(), 16)
    assert prepared.audit["left_out_labels"] == {"c": 3, "d": 2}
    assert prepared.classes == ["b", "a"]
    assert len(prepared.manifest) == 10


def test_duplicates_stay_in_one_subset_and_conflicts_are_recorded(class_folder: Make) -> None:
    root = class_folder(a=12, b=12)
    for i in range(4):
        shutil.copy(root / "a" / "a_000.png", root / "a" / f"copy_{i}.png")
    shutil.copy(root / "a" / "a_001.png", root / "b" / "conflict.png")
    for seed in range(5):
        prepared = prepare(folder_dataset(root), holdout_split(seed=seed), 16)
        subset = dict(zip(prepared.manifest.image_ids, prepared.subsets, strict=True))
        assert len({subset["a/a_000"], *(subset[f"a/copy_{i}"] for i in range(4))}) == 1
        assert subset["a/a_001"] == subset["b/conflict"]
    assert prepared.audit["duplicates"] == [
        ["a/a_000", "a/copy_0", "a/copy_1", "a/copy_2", "a/copy_3"],
        ["a/a_001", "b/conflict"],
    ]
    assert prepared.audit["duplicates_with_conflicting_labels"] == [["a/a_001", "b/conflict"]]
    assert prepared.audit["duplicates_across_subsets"] == []


def test_shuffled_labels_keep_images_and_class_sizes(class_folder: Make) -> None:
    root = class_folder(a=20, b=10)
    plain = prepare(folder_dataset(root), holdout_split(), 16)
    shuffled = prepare(folder_dataset(root, shuffle_labels=True), holdout_split(), 16)
    assert shuffled.manifest.image_ids == plain.manifest.image_ids
    assert Counter(shuffled.manifest.labels) == Counter(plain.manifest.labels)
    assert shuffled.targets.tolist() != plain.targets.tolist()
    assert shuffled.fingerprint != plain.fingerprint


def test_audit_counts_and_is_ready_for_json(class_folder: Make) -> None:
    root = class_folder(a=10, b=5)
    (root / "notes.txt").write_text("x")
    audit = prepare(folder_dataset(root), holdout_split(), 16).audit
    assert json.loads(json.dumps(audit)) == audit
    assert audit["counts"] == {
        "a": {"train": 6, "validation": 2, "test": 2},
        "b": {"train": 3, "validation": 1, "test": 1},
    }
    assert (audit["images"], audit["ignored_files"], audit["images_without_group"]) == (15, {".txt": 1}, 15)


def test_split_hash_is_that_of_the_written_table(class_folder: Make) -> None:
    import hashlib

    prepared = prepare(folder_dataset(class_folder(a=5, b=5)), holdout_split(), 16)
    manifest = prepared.manifest
    text = split_csv_text(manifest.image_ids, prepared.sha256, manifest.labels, manifest.groups, prepared.subsets)
    assert prepared.split_hash == hashlib.sha256(text.encode()).hexdigest()
    assert len(list(csv.DictReader(io.StringIO(text)))) == 10


def test_phantoms_are_prepared_with_lesions_kept_together() -> None:
    prepared = prepare(synthetic_dataset(images=60, images_per_lesion=2.0), holdout_split(), 32)
    subsets = {group: set() for group in prepared.manifest.groups}
    for group, subset in zip(prepared.manifest.groups, prepared.subsets, strict=True):
        subsets[group].add(subset)
    assert {len(found) for found in subsets.values()} == {1}
    assert prepared.audit["images_without_group"] == 0
    assert prepared.classes[prepared.positive] == "malignant"


def test_progress_is_reported_while_decoding(class_folder: Make) -> None:
    seen: list[tuple[int, int]] = []
    prepare(folder_dataset(class_folder(a=5, b=5)), holdout_split(), 16, lambda done, total: seen.append((done, total)))
    assert seen[-1] == (10, 10)


def test_real_images_as_folder_and_as_table_are_the_same_data(isic2017: Path) -> None:
    folder = prepare(folder_dataset(isic2017), holdout_split(), 32)
    table = prepare(table_dataset(isic2017 / "metadata.csv", group_column="lesion_id"), holdout_split(), 32)
    assert folder.fingerprint == table.fingerprint
    assert np.array_equal(folder.images, table.images)
    assert len(folder.images) == 800
    assert folder.audit["corrupt"] == table.audit["corrupt"] == []
    subsets = {group: set() for group in table.manifest.groups if group is not None}
    for group, subset in zip(table.manifest.groups, table.subsets, strict=True):
        if group is not None:
            subsets[group].add(subset)
    assert {len(found) for found in subsets.values()} == {1}


def test_a_survey_knows_the_classes_and_opens_no_image(class_folder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "decoded", lambda *_: pytest.fail("an image was read"))
    found = module.survey(folder_dataset(class_folder(malignant=5, benign=5)), holdout_split())
    assert (found.classes, found.positive, len(found.manifest)) == (["benign", "malignant"], 1, 10)
