"""HAM10000 as it is published and as it is repackaged."""

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.manifest import WITHOUT_ROW
from skinlab.data.prepare import prepare
from skinlab.data.sources import load
from skinlab.errors import DataError
from tests.data.data_builders import ham10000_dataset, holdout_split

Make = Callable[..., Path]
HEADER = "lesion_id,image_id,dx,dx_type,age,sex,localization\n"
ROWS = (
    "HAM_1,ISIC_2,nv,histo,50.0,male,back\nHAM_1,ISIC_1,nv,histo,50.0,male,back\nHAM_2,ISIC_3,mel,histo,,female,face\n"
)


@pytest.fixture
def root(image_files: Make) -> Path:
    folder = image_files("HAM10000_images_part_1/ISIC_1.jpg", "HAM10000_images_part_2/ISIC_2.jpg", "ISIC_3.jpg")
    (folder / "HAM10000_metadata.csv").write_text(HEADER + ROWS)
    return folder


def test_columns_become_labels_groups_and_attributes(root: Path) -> None:
    manifest = load(ham10000_dataset(root))
    assert manifest.image_ids == ["ISIC_1", "ISIC_2", "ISIC_3"]
    assert manifest.labels == ["nv", "nv", "mel"]
    assert manifest.groups == ["HAM_1", "HAM_1", "HAM_2"]
    assert manifest.paths[1] == str(root / "HAM10000_images_part_2" / "ISIC_2.jpg")
    assert manifest.attributes == {
        "dx_type": ["histo"] * 3,
        "age": ["50.0", "50.0", ""],
        "sex": ["male", "male", "female"],
        "localization": ["back", "back", "face"],
    }


def test_the_published_name_of_the_table_is_known_too(root: Path) -> None:
    expected = load(ham10000_dataset(root))
    (root / "HAM10000_metadata.csv").rename(root / "HAM10000_metadata")
    assert load(ham10000_dataset(root)).attributes == expected.attributes


def test_a_folder_without_the_table_is_explained(image_files: Make) -> None:
    with pytest.raises(DataError, match=r"has no HAM10000_metadata\.csv: dataset\.path is the folder that holds it"):
        load(ham10000_dataset(image_files("a.jpg")))


def test_another_table_of_that_name_is_refused(root: Path) -> None:
    (root / "HAM10000_metadata.csv").write_text("image,dx,lesion_id\nISIC_1,nv,HAM_1\n")
    with pytest.raises(DataError, match=r"has no column image_id .*set dataset\.image_column"):
        load(ham10000_dataset(root))


def test_unknown_diagnoses_are_listed_with_their_images(root: Path) -> None:
    (root / "HAM10000_metadata.csv").write_text(HEADER + ROWS.replace(",mel,", ",Mel,").replace("ISIC_1,nv", "ISIC_1,"))
    with pytest.raises(DataError, match=r"1 rows have an unknown dx: ISIC_3 \(Mel\); the diagnoses"):
        load(ham10000_dataset(root))


def test_a_further_diagnosis_may_be_declared(root: Path) -> None:
    (root / "HAM10000_metadata.csv").write_text(HEADER + ROWS.replace(",mel,", ",scc,"))
    assert load(ham10000_dataset(root, classes={"malignant": ["scc"], "benign": ["nv"]})).labels[2] == "scc"


def test_rows_without_image_are_listed(root: Path) -> None:
    (root / "ISIC_3.jpg").unlink()
    with pytest.raises(DataError, match="1 rows have no image in .*: ISIC_3"):
        load(ham10000_dataset(root))


def test_images_without_row_are_counted_and_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    (root / "HAM10000_metadata.csv").write_text(HEADER + "".join(ROWS.splitlines(keepends=True)[1:]))
    with caplog.at_level(logging.WARNING):
        manifest = load(ham10000_dataset(root))
    assert manifest.left_aside.kinds == {".csv": 1, WITHOUT_ROW: 1}
    assert "1 images in" in caplog.text
    assert "have no row: HAM10000_images_part_2/ISIC_2.jpg" in caplog.text


def test_repeated_ids_are_listed(root: Path) -> None:
    (root / "HAM10000_metadata.csv").write_text(HEADER + ROWS + ROWS)
    with pytest.raises(DataError, match="3 ids are in more than one row: ISIC_1, ISIC_2, ISIC_3"):
        load(ham10000_dataset(root))


def test_an_image_in_two_folders_is_refused(root: Path, image_files: Make) -> None:
    image_files("ham10000_images_part_1/ISIC_1.jpg")
    with pytest.raises(DataError, match="1 names fit several files .*: ISIC_1"):
        load(ham10000_dataset(root))


def test_melanoma_is_the_positive_class_of_the_codes(root: Path) -> None:
    prepared = prepare(ham10000_dataset(root), None, 16)
    assert (prepared.classes, prepared.positive) == (["mel", "nv"], 0)
    assert prepared.findings.assumed_positive is None


def test_real_images_keep_lesions_together_and_merge_as_declared(ham10000: Path) -> None:
    classes = {"benign": ["bkl", "df", "nv", "vasc"], "malignant": ["akiec", "bcc", "mel"]}
    prepared = prepare(ham10000_dataset(ham10000, classes=classes), holdout_split(), 32)
    assert Counter(prepared.manifest.labels) == {"benign": 704, "malignant": 605}
    assert prepared.audit["classes"]["malignant"] == {"akiec": 132, "bcc": 191, "mel": 282}
    assert (prepared.classes, prepared.positive) == (["benign", "malignant"], 1)
    assert len(set(prepared.manifest.groups)) == 860
    placed = set(zip(prepared.manifest.groups, prepared.subsets, strict=True))
    assert len(placed) == 860
