"""What `isic image download` writes, today and in earlier years."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.prepare import prepare
from skinlab.data.sources import load
from skinlab.errors import DataError
from tests.data.data_builders import holdout_split, isic_cli_dataset

TODAY = (
    "isic_id,attribution,copyright_license,age_approx,anatom_site_general,diagnosis_1,diagnosis_2,lesion_id,patient_id,sex\n"
    '"ISIC_2","A, B",CC-0,50,torso,Malignant,Melanocytic,IL_1,IP_1,male\n'
    "ISIC_1,Anonymous,CC-BY,,,Benign,,IL_2,,\n"
    "ISIC_3,Anonymous,CC-BY,,,,,,,\n"
)


@pytest.fixture
def download(image_files: Callable[..., Path]) -> Callable[[str], Path]:
    """The folder with three images and this metadata.csv."""
    root = image_files("ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg")
    (root / "attribution.txt").write_text("Anonymous\n")

    def write(text: str) -> Path:
        (root / "metadata.csv").write_text(text, encoding="utf-8")
        return root

    return write


def test_columns_become_labels_groups_and_attributes(download: Callable[[str], Path]) -> None:
    manifest = load(isic_cli_dataset(download(TODAY)))
    assert manifest.image_ids == ["ISIC_1", "ISIC_2", "ISIC_3"]
    assert manifest.labels == ["Benign", "Malignant", ""]
    assert manifest.groups == ["IL_2", "IP_1", None]
    assert manifest.attributes["attribution"] == ["Anonymous", "A, B", "Anonymous"]
    assert manifest.attributes["copyright_license"] == ["CC-BY", "CC-0", "CC-BY"]


def test_the_column_taken_for_the_label_is_said(
    download: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        load(isic_cli_dataset(download(TODAY)))
    assert "the label is column diagnosis_1 (dataset.label_column)" in caplog.text


def test_another_column_may_be_declared(download: Callable[[str], Path]) -> None:
    assert load(isic_cli_dataset(download(TODAY), label_column="sex")).labels == ["", "male", ""]
    with pytest.raises(DataError, match=r"no column diagnosis_4 .*; set dataset\.label_column to one of"):
        load(isic_cli_dataset(download(TODAY), label_column="diagnosis_4"))


@pytest.mark.parametrize("declared", [None, "benign_malignant", "meta.clinical.benign_malignant"])
def test_tables_of_earlier_years_get_the_names_of_today(download: Callable[[str], Path], declared: str | None) -> None:
    text = "name,meta.clinical.benign_malignant,meta.clinical.age_approx\nISIC_1,benign,5\nISIC_2,malignant,6\n"
    manifest = load(isic_cli_dataset(download(text), label_column=declared))
    assert manifest.labels == ["benign", "malignant"]
    assert manifest.attributes == {"age_approx": ["5", "6"]}


def test_an_older_column_beside_the_one_of_today_keeps_its_name(download: Callable[[str], Path]) -> None:
    text = "name,isic_id,diagnosis\nx,ISIC_1,nevus\ny,ISIC_2,melanoma\n"
    manifest = load(isic_cli_dataset(download(text)))
    assert (manifest.image_ids, manifest.attributes) == (["ISIC_1", "ISIC_2"], {"name": ["x", "y"]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,diagnosis_1\nISIC_1,Benign\n", "has no column isic_id: it is not what `isic image download` writes"),
        (
            "isic_id,sex\nISIC_1,male\n",
            r"none of the columns diagnosis_1, .*set dataset\.label_column to one of: isic_id",
        ),
        ("isic_id,diagnosis_1\nISIC_1,Benign\nISIC_4,Benign\n", "1 rows have no image in .*: ISIC_4"),
        ("isic_id,diagnosis_1\nISIC_1,Benign\nISIC_1,Benign\n", "1 ids are in more than one row"),
    ],
)
def test_other_tables_are_refused_with_the_reason(download: Callable[[str], Path], text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(isic_cli_dataset(download(text)))


def test_images_without_diagnosis_are_left_out_and_counted(image_files: Callable[..., Path]) -> None:
    root = image_files(*(f"ISIC_{i:02}.jpg" for i in range(20)))
    labels = ["Benign", "Malignant"] * 8 + [""] * 4
    rows = "".join(f"ISIC_{i:02},{label}\n" for i, label in enumerate(labels))
    (root / "metadata.csv").write_text(f"isic_id,diagnosis_1\n{rows}")
    audit = prepare(isic_cli_dataset(root, on_missing="drop"), holdout_split(), 16).audit
    assert (audit["images"], audit["left_out_labels"]) == (16, {"": 4})
