"""The ground-truth tables of each year."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.manifest import Manifest
from skinlab.data.sources import load
from skinlab.errors import DataError
from tests.data.data_builders import isic_challenge_dataset

Read = Callable[..., Manifest]


@pytest.fixture
def read(tmp_path: Path, image_files: Callable[..., Path]) -> Read:
    """Loads three images with a ground truth and perhaps metadata."""
    root = image_files("ISIC_1.jpg", "ISIC_2.jpg", "ISIC_3.jpg")

    def load_with(truth: str, metadata: str | None = None) -> Manifest:
        (tmp_path / "truth.csv").write_text(truth)
        if metadata is not None:
            (tmp_path / "metadata.csv").write_text(metadata)
        path = None if metadata is None else str(tmp_path / "metadata.csv")
        return load(isic_challenge_dataset(root, tmp_path / "truth.csv", metadata=path))

    return load_with


@pytest.mark.parametrize("text", ["ISIC_2,malignant\nISIC_1,benign\n", "ISIC_2,1.0\nISIC_1,0.0\n"])
def test_2016_has_no_header(read: Read, text: str) -> None:
    manifest = read(text)
    assert (manifest.image_ids, manifest.labels) == (["ISIC_1", "ISIC_2"], ["benign", "malignant"])
    assert manifest.groups == [None, None]


def test_2017_calls_neither_a_nevus(read: Read) -> None:
    manifest = read("image_id,melanoma,seborrheic_keratosis\nISIC_1,0.0,0.0\nISIC_2,1.0,0.0\nISIC_3,0.0,1.0\n")
    assert manifest.labels == ["nevus", "melanoma", "seborrheic_keratosis"]


@pytest.mark.parametrize("weights", ["", "score_weight,validation_weight"])
def test_2018_and_2019_are_one_hot(read: Read, weights: str) -> None:
    header, cells = (f",{weights}", ",1.0,0.0") if weights else ("", "")
    manifest = read(f"image,MEL,NV,UNK{header}\nISIC_1,0.0,1.0,0.0{cells}\nISIC_2,1.0,0.0,0.0{cells}\n")
    assert manifest.labels == ["NV", "MEL"]


def test_2020_groups_by_patient(read: Read) -> None:
    manifest = read(
        "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target\n"
        "ISIC_1,IP_1,male,45,head/neck,unknown,benign,0\nISIC_2,IP_1,male,45,,melanoma,malignant,1\n"
    )
    assert manifest.labels == ["benign", "malignant"]
    assert manifest.groups == ["IP_1", "IP_1"]
    assert manifest.attributes["diagnosis"] == ["unknown", "melanoma"]
    assert "target" not in manifest.attributes


def test_metadata_is_joined_by_image_and_gives_lesions(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        manifest = read(
            "image,MEL,NV\nISIC_1,1,0\nISIC_2,0,1\nISIC_3,0,1\n",
            "image,age_approx,anatom_site_general,lesion_id,sex\nISIC_2,50,torso,L1,male\nISIC_1,40,,L1,\nISIC_9,,,,\n",
        )
    assert manifest.groups == ["L1", "L1", None]
    assert manifest.attributes["age_approx"] == ["40", "50", ""]
    assert "1 images have no row: ISIC_3" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "image,MEL,NV\nISIC_1,1,1\nISIC_2,0,0\nISIC_3,x,1\n",
            r"3 rows .*: line 2 \(MEL, NV\), line 3 \(none\), line 4",
        ),
        ("image_id,melanoma,seborrheic_keratosis\nISIC_1,1.0,1.0\n", r"1 rows do not mark one of melanoma"),
        ("ISIC_1,benign\nISIC_2,benin\n", "1 rows are neither benign nor malignant: line 2"),
        ("name,MEL,NV\nISIC_1,1,0\n", r"no column of image names \(image, image_id, image_name, isic_id\)"),
        ("image,label\nISIC_1,nv\n", "is no ground truth of an ISIC challenge: .* use dataset=table"),
        ("image,MEL,NV\nISIC_1,1,0\nISIC_1,1,0\n", "1 ids are in more than one row: ISIC_1"),
        ("image,MEL,NV\nISIC_7,1,0\nISIC_1,1,0\n", "1 rows have no image in .*: ISIC_7"),
        ("image,MEL,NV\n../ISIC_1,1,0\n", r"1 rows lead out of the image folder .*: \.\./ISIC_1 \(line 2\)"),
        ("", "has no rows"),
        ("image,MEL,NV\n", "has no rows"),
    ],
)
def test_other_tables_are_refused_with_the_reason(read: Read, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(text)


def test_a_missing_ground_truth_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such table: .*none\.csv"):
        load(isic_challenge_dataset(tmp_path, tmp_path / "none.csv"))
