"""HDF5 files of images: nothing outside is read, and what is not the bytes of an image is one line."""

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab.data.sources import bounds
from skinlab.data.sources.unpacked import folder_of
from skinlab.errors import DataError, SetupError
from tests.data.data_builders import encoded, noise_image

h5py = pytest.importorskip("h5py", reason="h5py is not installed")
JPEG, PNG = encoded(noise_image(1), "JPEG"), encoded(noise_image(2), "PNG")
Fill = Callable[[Any], None]


def file_with(path: Path, fill: Fill) -> Path:
    with h5py.File(path, "w") as file:
        file["ISIC_1"] = np.void(JPEG)
        fill(file)
    return path


def test_opaque_text_and_numbers_are_bytes(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file["ISIC_2"] = np.frombuffer(PNG, np.uint8)
        file.create_dataset("ISIC_3", data=np.frombuffer(JPEG, np.uint8), compression="gzip", shuffle=True)

    folder = folder_of(file_with(tmp_path / "i.hdf5", fill))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "ISIC_1.jpg": JPEG,
        "ISIC_2": PNG,
        "ISIC_3.jpg": JPEG,
    }


def outside(file: Any) -> None:
    file["x"] = h5py.ExternalLink("/etc/passwd", "/")


def soft(file: Any) -> None:
    file["x"] = h5py.SoftLink("/ISIC_1")


def virtual(file: Any) -> None:
    layout = h5py.VirtualLayout((10,), np.uint8)
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (10,))
    file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (outside, "holds links, which are not followed: x"),
        (soft, "holds links, which are not followed: x"),
        (virtual, "'x' is no dataset of the bytes of an image"),
        (lambda file: file.create_group("x"), "'x' is no dataset of the bytes of an image; one per image is needed"),
        (lambda file: file.create_dataset("x", data=np.zeros(3)), "'x' is no dataset of the bytes"),
        (
            lambda file: file.create_dataset("x", (10,), np.uint8, external=[("/etc/passwd", 0, 10)]),
            "'x' is no dataset of the bytes",
        ),
        (
            lambda file: file.create_dataset("x", data=np.zeros(64, np.uint8), compression="lzf"),
            "'x' is no dataset of the bytes",
        ),
        (
            lambda file: file.create_dataset("x", data=["a"], dtype=h5py.string_dtype()),
            "'x' is no dataset of the bytes",
        ),
        (lambda file: file.create_dataset("x", data=np.zeros(8, np.uint8)), "dataset x holds bytes that are no image"),
        (lambda file: file.create_dataset("..", data=np.void(JPEG)), "cannot be"),
        (lambda file: file.create_dataset("a:b", data=np.void(JPEG)), "'a:b', which cannot be the name of a file"),
    ],
)
def test_anything_else_is_refused_by_name(tmp_path: Path, fill: Fill, message: str) -> None:
    path = tmp_path / "i.hdf5"
    with pytest.raises(DataError, match=message) as caught:
        folder_of(file_with(path, fill))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_off_is_one_line(tmp_path: Path) -> None:
    path = file_with(tmp_path / "i.hdf5", lambda _: None)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match=r"i\.hdf5 cannot be read"):
        folder_of(path)


def test_values_that_were_never_written_do_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_UNSUSPICIOUS", 1 << 20)
    path = file_with(
        tmp_path / "i.hdf5", lambda file: file.create_dataset("x", (1 << 40,), np.uint8, chunks=(1 << 20,))
    )
    with pytest.raises(DataError, match="would unpack to"):
        folder_of(path)


def test_without_h5py_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = file_with(tmp_path / "i.hdf5", lambda _: None)
    real = builtins.__import__

    def refused(name: str, *arguments: Any, **keys: Any) -> Any:
        if name == "h5py":
            raise ImportError(name)
        return real(name, *arguments, **keys)

    monkeypatch.setattr(builtins, "__import__", refused)
    with pytest.raises(SetupError, match=r"HDF5 files are read with h5py; pip install skinlab\[formats\]"):
        folder_of(path)
