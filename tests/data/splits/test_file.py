"""The split of an earlier run, taken over for the same images."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.prepare import Prepared, prepare
from skinlab.data.split import split_csv_text
from skinlab.errors import DataError
from tests.data.data_builders import (
    file_split,
    folder_dataset,
    ham10000_dataset,
    holdout_split,
    kfold_split,
    noise_image,
)

Make = Callable[..., Path]


def written(prepared: Prepared, path: Path) -> Path:
    rows = prepared.manifest
    text = split_csv_text(rows.image_ids, prepared.sha256, rows.labels, rows.groups, prepared.subsets)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def root(class_folder: Make) -> Path:
    return class_folder(a=20, b=20)


@pytest.fixture
def earlier(root: Path, tmp_path: Path) -> Path:
    """The split.csv of a run on `root`."""
    return written(prepare(folder_dataset(root), holdout_split(seed=3), 16), tmp_path / "split.csv")


def test_the_same_images_get_the_same_split_and_hash(root: Path, earlier: Path) -> None:
    first = prepare(folder_dataset(root), holdout_split(seed=3), 16)
    again = prepare(folder_dataset(root), file_split(earlier), 16)
    assert (again.subsets, again.split_hash) == (first.subsets, first.split_hash)
    assert again.audit["split"] == {"not_used_of_file": [], "label_changed_since": []}


def test_a_file_pins_the_subsets_by_id(root: Path, earlier: Path) -> None:
    lines = earlier.read_text().splitlines()
    expected = {line.split(",")[0]: line.rsplit(",", 1)[1] for line in lines[1:]}
    prepared = prepare(folder_dataset(root), file_split(earlier), 16)
    assert dict(zip(prepared.manifest.image_ids, prepared.subsets, strict=True)) == expected


def test_images_that_could_not_be_read_then_and_now_are_no_difference(root: Path, tmp_path: Path) -> None:
    (root / "a" / "broken.png").write_bytes((root / "a" / "a_000.png").read_bytes()[:300])
    path = written(prepare(folder_dataset(root), holdout_split(), 16), tmp_path / "split.csv")
    assert len(prepare(folder_dataset(root), file_split(path), 16).subsets) == 40


def changed(root: Path) -> None:
    """One image more, one changed, one gone."""
    noise_image(500).save(root / "a" / "new.png")
    noise_image(501).save(root / "b" / "b_001.png")
    (root / "b" / "b_002.png").unlink()


def test_other_images_are_refused_by_kind_and_name(root: Path, earlier: Path) -> None:
    changed(root)
    expected = (
        r"the images are not those of the file: 1 not in the file: a/new; 1 changed since: b/b_001; "
        r"1 only in the file: b/b_002; .* split\.on_mismatch=drop"
    )
    with pytest.raises(DataError, match=expected):
        prepare(folder_dataset(root), file_split(earlier), 16)


def test_of_many_differences_ten_are_named(root: Path, earlier: Path) -> None:
    for i in range(12):
        noise_image(600 + i).save(root / "a" / f"new_{i:02}.png")
    with pytest.raises(DataError, match=r"12 not in the file: a/new_00, .*a/new_09 and 2 more"):
        prepare(folder_dataset(root), file_split(earlier), 16)


def test_other_images_are_left_out_and_recorded_where_declared(root: Path, earlier: Path) -> None:
    expected = prepare(folder_dataset(root), file_split(earlier), 16)
    subset = dict(zip(expected.manifest.image_ids, expected.subsets, strict=True))
    changed(root)
    prepared = prepare(folder_dataset(root), file_split(earlier, on_mismatch="drop"), 16)
    assert len(prepared.images) == len(prepared.subsets) == 38
    assert prepared.subsets == [subset[name] for name in prepared.manifest.image_ids]
    assert prepared.audit["split"] == {
        "not_in_file": ["a/new"],
        "changed_since": ["b/b_001"],
        "not_used_of_file": ["b/b_001", "b/b_002"],
        "label_changed_since": [],
    }


def test_a_corrected_label_keeps_its_subset_and_is_recorded(root: Path, earlier: Path) -> None:
    text = earlier.read_text()
    line = next(line for line in text.splitlines() if ",train" in line and line.startswith("a/"))
    earlier.write_text(text.replace(line, line.replace(",a,", ",b,")))
    audit = prepare(folder_dataset(root), file_split(earlier), 16).audit
    assert audit["split"]["label_changed_since"] == [line.split(",")[0]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image_id,label\na,x\n", "is not the split.csv of a run: it has no column sha256, group, subset"),
        (
            "image_id,sha256,label,group,subset\na,1,x,,tset\n",
            r"1 rows are in none of train, validation, test: a \(tset\)",
        ),
        ("image_id,sha256,label,group,subset\na,1,x,,test\na,1,x,,test\n", "1 ids are in more than one row: a"),
    ],
)
def test_a_file_that_is_no_split_is_refused(root: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        prepare(folder_dataset(root), file_split(tmp_path / "split.csv"), 16)


def test_a_missing_file_is_named(root: Path) -> None:
    with pytest.raises(DataError, match=r"split\.path=nowhere\.csv: no such file; it is the split\.csv of a run"):
        prepare(folder_dataset(root), file_split("nowhere.csv"), 16)


def test_shuffled_labels_need_no_seed_of_the_split(root: Path, earlier: Path) -> None:
    one, other = (prepare(folder_dataset(root, shuffle_labels=True), file_split(earlier), 16) for _ in range(2))
    assert one.manifest.labels == other.manifest.labels


def test_a_fold_of_real_images_survives_a_move(ham10000: Path, tmp_path: Path) -> None:
    first = prepare(ham10000_dataset(ham10000), kfold_split(fold=1), 32)
    path = written(first, tmp_path / "split.csv")
    moved = tmp_path / "ham"
    shutil.copytree(ham10000 / "images", moved / "HAM10000_images_part_1")
    shutil.copy(ham10000 / "HAM10000_metadata.csv", moved)
    again = prepare(ham10000_dataset(moved), file_split(path), 32)
    assert again.split_hash == first.split_hash
