"""A folder of class folders."""

import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.prepare import prepare
from skinlab.data.sources import load
from skinlab.errors import DataError
from skinlab.schema import Audit
from tests.data.data_builders import folder_dataset, holdout_split, kfold_split, noise_image

Make = Callable[..., Path]


def rules() -> Audit:
    lists: dict[str, list[str]] = {"known_duplicates": [], "known_errors": []}
    return Audit(near_duplicates=False, similarity=0.83, on_leak="fail", small_class=30, outlier_z=6, **lists)


def test_label_is_the_sub_folder_and_id_the_path_without_extension(class_folder: Make) -> None:
    root = class_folder(benign=2, malignant=1)
    (root / "benign" / "deep").mkdir()
    noise_image(7).save(root / "benign" / "deep" / "x.JPG", "JPEG")
    manifest = load(folder_dataset(root))
    assert list(zip(manifest.image_ids, manifest.labels, strict=True)) == [
        ("benign/benign_000", "benign"),
        ("benign/benign_001", "benign"),
        ("benign/deep/x", "benign"),
        ("malignant/malignant_000", "malignant"),
    ]
    assert manifest.paths[2] == str(root / "benign" / "deep" / "x.JPG")
    assert set(manifest.groups) == {None}


def test_ids_keep_the_extension_where_only_it_differs(class_folder: Make) -> None:
    root = class_folder(a=1, b=1)
    noise_image(5).save(root / "a" / "a_000.jpg")
    assert load(folder_dataset(root)).image_ids == ["a/a_000.jpg", "a/a_000.png", "b/b_000"]


def test_other_files_are_counted_by_kind(class_folder: Make) -> None:
    root = class_folder(a=2, b=1)
    for name in ("notes.txt", "a/data.csv", "a/noextension"):
        (root / name).write_text("x")
    for name in (".DS_Store", "a/.hidden.png"):
        (root / name).write_text("x")
    (root / ".git").mkdir()
    noise_image(3).save(root / ".git" / "c.png")
    noise_image(4).save(root / "beside.png")
    manifest = load(folder_dataset(root))
    assert manifest.labels == ["a", "a", "b", ""]  # the last lies beside the class folders
    assert manifest.left_aside.kinds == {".csv": 1, ".txt": 1, "hidden": 2, "no extension": 1}
    assert manifest.left_aside.pictures == []


def test_linked_class_folders_are_followed_and_loops_end(class_folder: Make, tmp_path: Path) -> None:
    root = class_folder(a=2, b=2)
    (root / "b").rename(tmp_path / "elsewhere")
    (root / "b").symlink_to(tmp_path / "elsewhere")
    (root / "a" / "loop").symlink_to(root / "a")
    assert load(folder_dataset(root)).image_ids == ["a/a_000", "a/a_001", "b/b_000", "b/b_001"]


def test_relative_paths_and_the_tilde_are_understood(class_folder: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    root = class_folder(a=1, b=1)
    expected = load(folder_dataset(root))
    monkeypatch.chdir(root.parent)
    assert load(folder_dataset("images")) == expected
    monkeypatch.setenv("HOME", str(root.parent))
    assert load(folder_dataset("~/images")) == expected


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no such folder: .*/nowhere"):
        load(folder_dataset(tmp_path / "nowhere"))


def test_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file.zip").write_text("")
    with pytest.raises(DataError, match=r"not a folder: .*file\.zip"):
        load(folder_dataset(tmp_path / "file.zip"))


def test_empty_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "benign").mkdir()
    with pytest.raises(DataError, match=r"no images in .*: .* needs one sub-folder of images per class"):
        load(folder_dataset(tmp_path))


def test_images_without_class_folders_are_explained(tmp_path: Path) -> None:
    noise_image(0).save(tmp_path / "a.png")
    with pytest.raises(DataError, match="no class folders: 1 image lies directly in"):
        load(folder_dataset(tmp_path))


def test_file_name_that_is_not_text_is_named(class_folder: Make) -> None:
    root = class_folder(a=1, b=1)
    (root / "a" / "bad\udcff.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"not valid UTF-8: 'a/bad\\udcff.png'"):
        load(folder_dataset(root))


def test_real_images_are_found(isic2017: Path) -> None:
    manifest = load(folder_dataset(isic2017))
    assert (len(manifest), manifest.labels.count("malignant"), manifest.left_aside.kinds) == (800, 340, {".csv": 1})


def test_names_of_classes_and_images_are_composed(class_folder: Make) -> None:
    root = class_folder(**{"na\u0308vus": 1, "mel": 1})  # noqa: PIE804 - Python composes names in its source
    manifest = load(folder_dataset(root))
    assert manifest.image_ids[1] == "n\u00e4vus/n\u00e4vus_000"
    classes = ["n\u00e4vus", "mel"]
    assert prepare(folder_dataset(root, classes=classes), None, 16).classes == classes


@pytest.fixture
def divided(class_folder: Make, tmp_path: Path) -> Path:
    """train and Test with class folders below."""
    root = class_folder(benign=20, malignant=16)
    for subset, numbers in (("train", range(12)), ("Test", range(12, 20))):
        for label in ("benign", "malignant"):
            (tmp_path / "w" / subset / label).mkdir(parents=True)
            for i in numbers:
                if (file := root / label / f"{label}_{i:03}.png").is_file():
                    file.rename(tmp_path / "w" / subset / label / file.name)
    return tmp_path / "w"


def test_a_given_split_is_the_split_with_validation_from_training(divided: Path) -> None:
    prepared = prepare(folder_dataset(divided), holdout_split(validation=0.25), 16)
    assert prepared.classes == ["benign", "malignant"]
    subsets = dict(zip(prepared.manifest.image_ids, prepared.subsets, strict=True))
    assert {subset for name, subset in subsets.items() if name.startswith("Test/")} == {"test"}
    assert Counter(prepared.subsets) == {"train": 18, "validation": 6, "test": 12}


def test_a_given_split_is_said_and_may_be_ignored(divided: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        prepare(folder_dataset(divided), holdout_split(), 16)
        assert "its folders give a split: Test, train" in caplog.text
        assert "no validation images: 0.2 of its training images are taken" in caplog.text
        for split in (holdout_split(given="ignore"), kfold_split()):
            caplog.clear()
            subsets = prepare(folder_dataset(divided), split, 16)
            assert "is not used" in caplog.text
            placed = zip(subsets.manifest.image_ids, subsets.subsets, strict=True)
            assert {subset for name, subset in placed if name.startswith("Test/")} > {"train"}


def test_a_given_split_that_leaks_stops_the_run(divided: Path) -> None:
    source = next((divided / "train" / "benign").glob("*.png"))
    (divided / "Test" / "benign" / "copy.png").write_bytes(source.read_bytes())
    with pytest.raises(DataError, match=r"1 pair of images is in two subsets .* same content"):
        prepare(folder_dataset(divided), holdout_split(), 16, audit=rules())


def test_a_given_split_without_test_images_is_asked_about(divided: Path) -> None:
    (divided / "Test").rename(divided / "val")
    with pytest.raises(DataError, match=r"has no test images: rename one of its parts, or set split\.given=ignore"):
        prepare(folder_dataset(divided), holdout_split(), 16)
