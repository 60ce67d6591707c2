from pathlib import Path

import numpy as np
import pytest

import skinlab
from skinlab.api import DataView
from skinlab.errors import ConfigError, DataError
from tests.integration.pictures import picture

pytest.importorskip("pandas", reason="needs pandas")
SMALL = ("dataset=folder", "network.image_size=32", "audit.near_duplicates=false")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two classes with 12 images each, of which one is there twice."""
    for label in ("benign", "malignant"):
        (tmp_path / label).mkdir()
        for number in range(12):
            picture(f"{label}{number}").save(tmp_path / label / f"{number:02}.png")
    (tmp_path / "benign" / "11.png").write_bytes((tmp_path / "benign" / "10.png").read_bytes())
    return tmp_path


@pytest.fixture
def data(images: Path) -> DataView:
    return skinlab.open_data(*SMALL, f"dataset.path={images}")


def test_images_are_a_frame_with_their_subsets(data: DataView) -> None:
    found = data.images
    assert len(found) == 24
    assert found.loc["malignant/03"][["label", "path"]].tolist() == [
        "malignant",
        str(Path(data.experiment.to_dict()["dataset"]["path"]) / "malignant" / "03.png"),
    ]
    assert data.counts.sum().sum() == 24
    assert data.counts.loc["benign", "train"] == ((found["subset"] == "train") & (found["label"] == "benign")).sum()
    assert found.loc["benign/10", "subset"] == found.loc["benign/11", "subset"]


def test_what_is_known_of_an_image_is_a_column() -> None:
    phantoms = skinlab.open_data(skinlab.compose("audit.near_duplicates=false", experiment="debug")).images
    assert "diameter" in phantoms
    assert phantoms["group"].notna().all()


def test_findings_are_counted_and_kept_as_the_command_keeps_them(data: DataView, tmp_path: Path) -> None:
    same = data.findings.loc["Same content"]
    assert (same["count"], same["first"]) == (1, "benign/10, benign/11 (2 files)")
    page = data.save_audit(tmp_path / "audit")
    assert page.read_text().startswith("<!")
    assert data.audit["duplicates"] == [["benign/10", "benign/11"]]


def test_a_pixel_is_that_of_the_network(data: DataView) -> None:
    pixels = data.image("benign/03")
    assert (pixels.shape, pixels.dtype) == ((32, 32, 3), np.uint8)
    with pytest.raises(DataError, match=r"^no image 03 in the data set; ids are such as benign/00"):
        data.image("03")


def test_a_corrected_label_is_read_at_once_and_can_be_undone(data: DataView) -> None:
    assert data.corrections.empty
    assert data.images.loc["benign/03", "label"] == "benign"
    entry = data.correct("benign/03", "malignant", why="histology", who="ada")
    assert (entry.number, entry.who) == (1, "ada")
    assert data.images.loc["benign/03", "label"] == "malignant"
    assert data.corrections.loc[1, ["old_label", "new_label", "why"]].tolist() == ["benign", "malignant", "histology"]
    data.undo(1, why="another lesion", who="ada")
    assert data.images.loc["benign/03", "label"] == "benign"
    assert len(data.corrections) == 2
    with pytest.raises(DataError, match="is benign already"):
        data.correct("benign/03", "benign", why="histology", who="ada")


def test_phantoms_have_no_log_unless_one_is_named(tmp_path: Path) -> None:
    phantoms = skinlab.compose("audit.near_duplicates=false", experiment="debug")
    view = skinlab.open_data(phantoms)
    assert view.corrections.empty
    first = view.images.index[0]
    with pytest.raises(DataError, match="dataset.label_log=PATH"):
        view.correct(first, "benign", why="a test", who="ada")
    named = skinlab.open_data(phantoms, f"dataset.label_log={tmp_path / 'labels.log'}")
    label = view.images.loc[first, "label"]
    named.correct(first, "benign" if label == "malignant" else "malignant", why="a test", who="ada")
    assert named.images.loc[first, "label"] != label


def test_a_preview_is_a_picture_that_can_be_kept(data: DataView, tmp_path: Path) -> None:
    sheet = data.preview(images=1, changes=2)
    assert sheet._repr_png_().startswith(b"\x89PNG")
    assert sheet.save(tmp_path / "sheet.png").read_bytes() == sheet.png
    with pytest.raises(ConfigError, match=r"^images 0: must be 1 to 100$"):
        data.preview(images=0)


def test_a_notebook_shows_counts_and_findings_and_says_of_phantoms_that_they_are(data: DataView) -> None:
    page = data._repr_html_()
    assert "data set folder: 24 images" in page
    assert "Same content" in page
    assert "phantoms" not in page
    phantoms = skinlab.open_data("audit.near_duplicates=false", "experiment=debug")
    assert "These are phantoms: drawn, not images of patients." in phantoms._repr_html_()


def test_what_is_wrong_is_said_when_it_is_declared() -> None:
    with pytest.raises(ConfigError, match=r"dataset\.path"):
        skinlab.open_data("dataset=folder")
