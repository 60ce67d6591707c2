"""A CSV table and its folder of images."""

import csv
import io
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.manifest import WITHOUT_ROW
from skinlab.data.prepare import prepare
from skinlab.data.sources import load
from skinlab.errors import DataError
from skinlab.records import data_remarks
from tests.data.data_builders import holdout_split, noise_image, table_dataset

Make = Callable[[str], Path]


@pytest.fixture
def table(tmp_path: Path) -> Make:
    """Writes a table beside four images in two folders."""
    for i, name in enumerate(("one/a.png", "one/b.jpg", "two/c.png", "two/d.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        noise_image(i).save(tmp_path / name)

    def write(text: str) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_columns_become_the_manifest(table: Make) -> None:
    path = table("age,image_id,label,lesion\n50,two/c.png,x,L1\n,one/a,y,\n")
    manifest = load(table_dataset(path, group_column="lesion"))
    assert manifest.image_ids == ["one/a", "two/c"]
    assert manifest.labels == ["y", "x"]
    assert manifest.groups == [None, "L1"]
    assert manifest.attributes == {"age": ["", "50"]}
    assert manifest.paths == [str(path.parent / "one" / "a.png"), str(path.parent / "two" / "c.png")]


def test_bare_names_are_found_anywhere_below_the_root(table: Make) -> None:
    manifest = load(table_dataset(table("image_id,label\nb,x\nd.png,y\n")))
    assert manifest.image_ids == ["one/b", "two/d"]


def test_files_that_no_row_names_are_counted(table: Make) -> None:
    assert load(table_dataset(table("image_id,label\na,x\nb,y\n"))).left_aside.kinds == {".csv": 1, WITHOUT_ROW: 2}


def test_image_root_may_be_elsewhere_and_paths_absolute(table: Make, tmp_path: Path) -> None:
    path = table(f"image_id,label\n{tmp_path}/one/a.png,x\nb,y\n")
    moved = path.rename(tmp_path / "two" / "table.csv")
    assert load(table_dataset(moved, image_root=str(tmp_path / "one"))).image_ids == ["a", "b"]


def test_byte_order_mark_crlf_blanks_and_empty_lines_are_understood(table: Make) -> None:
    manifest = load(table_dataset(table('\ufeffimage_id, label\r\n\r\na, x \r\n"b",y\r\n')))
    assert (manifest.image_ids, manifest.labels) == (["one/a", "one/b"], ["x", "y"])


def test_missing_column_is_named_with_the_nearest(table: Make) -> None:
    expected = r"has no column label \(did you mean Lable\?\); set dataset\.label_column to one of: image_id, Lable"
    with pytest.raises(DataError, match=expected):
        load(table_dataset(table("image_id,Lable\na,x\n")))


def test_missing_group_column_is_named(table: Make) -> None:
    with pytest.raises(DataError, match=r"no column lesion_id; set dataset\.group_column"):
        load(table_dataset(table("image_id,label\na,x\n"), group_column="lesion_id"))


def test_rows_without_image_are_counted_and_the_first_ten_listed(table: Make) -> None:
    rows = "".join(f"missing_{i:02},x\n" for i in range(12))
    with pytest.raises(DataError, match=r"12 rows have no image in .*: missing_00, .*missing_09 and 2 more"):
        load(table_dataset(table("image_id,label\na,x\n" + rows)))


def test_empty_image_name_is_a_row_without_image(table: Make) -> None:
    with pytest.raises(DataError, match=r"1 rows have no image in .*: \(empty\)"):
        load(table_dataset(table("image_id,label\n,x\na,y\n")))


def test_images_without_label_stop_the_run_or_are_left_out_and_counted(table: Make) -> None:
    path = table("image_id,label\na,x\nb,\n\nc, NA\n")
    with pytest.raises(
        DataError, match=r"2 images have no label: one/b, two/c; label them, or set dataset\.on_missing="
    ):
        prepare(table_dataset(path), None, 32)
    left = prepare(table_dataset(path, on_missing="drop"), None, 32, least_classes=1)
    assert (left.manifest.image_ids, left.findings.left_out_labels) == (["one/a"], {"": 2})


def test_image_in_two_rows_is_named(table: Make) -> None:
    with pytest.raises(DataError, match=r"1 images are in more than one row: one/a\.png"):
        load(table_dataset(table("image_id,label\na,x\none/a.png,y\nb,x\n")))


def test_name_of_several_files_is_refused(table: Make, tmp_path: Path) -> None:
    noise_image(9).save(tmp_path / "two" / "a.png")
    with pytest.raises(DataError, match=r"1 names fit several files in .*: a \(one/a\.png, two/a\.png\)"):
        load(table_dataset(table("image_id,label\na,x\nb,y\n")))


@pytest.mark.parametrize("value", ["../secret.png", "one/../../secret.png", "/etc/secret.png"])
def test_path_out_of_the_image_root_is_refused(table: Make, tmp_path: Path, value: str) -> None:
    noise_image(9).save(tmp_path.parent / "secret.png")
    with pytest.raises(DataError, match=r"1 rows lead out of the image folder .*secret\.png \(line 3\)"):
        load(table_dataset(table(f"image_id,label\na,x\n{value},y\n")))


def test_row_of_another_length_is_named_by_line(table: Make) -> None:
    with pytest.raises(DataError, match="line 3: 3 values where the header has 2 columns"):
        load(table_dataset(table("image_id,label\na,x\nb,y,z\n")))


def test_repeated_column_is_refused(table: Make) -> None:
    with pytest.raises(DataError, match="more than one column label"):
        load(table_dataset(table("image_id,label,label\na,x,y\n")))


@pytest.mark.parametrize("text", ["", "image_id,label\n"])
def test_table_without_rows_is_refused(table: Make, text: str) -> None:
    with pytest.raises(DataError, match="has no rows"):
        load(table_dataset(table(text)))


def test_missing_table_and_missing_root_are_named(table: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such table: .*none\.csv"):
        load(table_dataset(tmp_path / "none.csv"))
    with pytest.raises(DataError, match=r"no such folder: .*nowhere"):
        load(table_dataset(table("image_id,label\na,x\n"), image_root=str(tmp_path / "nowhere")))


def test_text_of_western_europe_is_read_and_said(table: Make, caplog: pytest.LogCaptureFixture) -> None:
    path = table("")
    path.write_bytes(b"image_id,label\na,n\xe6vus\n")
    with caplog.at_level(logging.INFO):
        assert load(table_dataset(path)).labels == ["n\u00e6vus"]
    assert "read as windows-1252 (a guess: it is not UTF-8), separated by comma" in caplog.text


def test_real_metadata_is_read_with_its_groups(isic2017: Path) -> None:
    manifest = load(table_dataset(isic2017 / "metadata.csv", group_column="lesion_id"))
    assert len(manifest) == 800
    assert 0.2 < sum(group is not None for group in manifest.groups) / 800 < 0.4
    assert set(manifest.attributes) == {"age_approx", "sex", "site"}
    assert all(path.split("/")[-2] == label for path, label in zip(manifest.paths, manifest.labels, strict=True))


def test_rows_without_image_may_be_left_out_and_are_recorded(table: Make) -> None:
    path = table("image_id,label\na,x\nb,y\ne.PNG,x\nC.png,y\n")
    with pytest.raises(
        DataError, match=r"2 rows have no image in .*: e\.PNG, C\.png \(there is two/c\.png: another case\);"
    ):
        load(table_dataset(path))
    left = prepare(table_dataset(path, on_missing="drop"), None, 16)
    assert left.findings.without_image == ["e.PNG", "C.png (there is two/c.png: another case)"]
    assert "rows without an image are left out: 2: e.PNG" in "; ".join(data_remarks(left.audit))


def test_a_patient_column_that_is_not_declared_is_said(table: Make, caplog: pytest.LogCaptureFixture) -> None:
    load(table_dataset(table("image_id,label,patient_id\na,x,1\nb,y,1\n")))
    assert (
        "has a column patient_id: without dataset.group_column=patient_id images of one may lie in two" in caplog.text
    )


@pytest.mark.parametrize("code", ["NA", "NaN", "None", "null", "N/A", "unknown"])
def test_a_code_for_unknown_lesions_changes_no_subset(isic2017: Path, tmp_path: Path, code: str) -> None:
    text = (isic2017 / "metadata.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    (tmp_path / "coded.csv").write_text(
        "".join(
            ["image_id,label,lesion_id\n"]
            + [f"{row['image_id']},{row['label']},{row['lesion_id'] or code}\n" for row in rows]
        )
    )
    keys = {"image_root": str(isic2017), "group_column": "lesion_id"}
    plain = prepare(table_dataset(isic2017 / "metadata.csv", **keys), holdout_split(), 32)
    coded = prepare(table_dataset(tmp_path / "coded.csv", **keys), holdout_split(), 32)
    assert (coded.split_hash, coded.findings.images_without_group) == (plain.split_hash, 559)


def test_a_group_that_holds_an_implausible_share_is_named_before_training(table: Make, tmp_path: Path) -> None:
    names = [f"z{i:03}" for i in range(60)]
    for i, name in enumerate(names):
        noise_image(100 + i, 12, 10).save(tmp_path / "one" / f"{name}.png")
    rows = "".join(f"{name},{'xy'[i % 2]},{-1 if i < 24 else f'P{i // 2}'}\n" for i, name in enumerate(names))
    prepared = prepare(table_dataset(table(f"image_id,label,patient\n{rows}"), group_column="patient"), None, 16)
    assert [(one.group, one.images) for one in prepared.findings.large_groups] == [("-1", 24)]
    assert "group '-1' holds 24 images, 40% of those with a group" in "; ".join(data_remarks(prepared.audit))
