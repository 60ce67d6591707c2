"""A folder of class folders."""

from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.sources import load
from skinlab.errors import DataError
from tests.data.data_builders import folder_dataset, noise_image

Make = Callable[..., Path]


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
