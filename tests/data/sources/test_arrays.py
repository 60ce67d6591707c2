"""Files of arrays: what lies, what is pickled and what is laid out otherwise is one line."""

import errno
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab.data.sources import bounds
from skinlab.data.sources.unpacked import folder_of, is_archive
from skinlab.errors import DataError, OutputError

IMAGES = np.zeros((2, 4, 5, 3), np.uint8)
LABELS = np.zeros((2, 1), np.uint8)
GOOD: dict[str, Any] = {
    f"{subset}_{name}": values
    for subset in ("train", "val", "test")
    for name, values in (("images", IMAGES), ("labels", LABELS))
}
Write = Callable[..., Path]


@pytest.fixture
def npz(tmp_path: Path) -> Write:
    def write(raw: dict[str, bytes] | None = None, **changes: Any) -> Path:
        """Arrays, with some in place of the good ones; None leaves one out, `raw` is put in as it is."""
        path = tmp_path / "a.npz"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, values in {**GOOD, **changes}.items():
                if values is not None and name not in (raw or {}):
                    stream = io.BytesIO()
                    np.lib.format.write_array(stream, values, allow_pickle=True)
                    packed.writestr(f"{name}.npy", stream.getvalue())
            for name, content in (raw or {}).items():
                packed.writestr(f"{name}.npy", content)
        return path

    return write


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def test_grey_images_and_flat_labels_are_read_too(npz: Write) -> None:
    folder = folder_of(npz(train_images=IMAGES[..., 0], train_labels=np.array([3, 4], np.int64)))
    assert (folder / "arrays.csv").read_text().splitlines()[:3] == [
        "image,label,split",
        "train_0000000.png,3,train",
        "train_0000001.png,4,train",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train_images": np.array([{}, {}], object)},
            "array train_images holds pickled objects, which are never read",
        ),
        ({"train_labels": np.array([[None], [1]], object)}, "array train_labels holds pickled objects"),
        ({"train_images": IMAGES.astype(np.float32)}, r"train_images is float32 \[2, 4, 5, 3\], not uint8"),
        ({"train_images": IMAGES[..., :2]}, r"train_images is uint8 \[2, 4, 5, 2\], not uint8 \[N, H, W, 3\]"),
        ({"train_images": np.asfortranarray(IMAGES)}, "stored column by column; save it in C order"),
        ({"val_images": None}, "has no array val_images, but: test_images"),
        ({"val_labels": None}, "has no array val_labels"),
        ({"val_labels": np.zeros((3, 1), np.uint8)}, r"val_labels is uint8 \[3, 1\], not whole numbers \[2, 1\]"),
        ({"val_labels": np.zeros((2, 14), np.uint8)}, r"val_labels is uint8 \[2, 14\]"),
        ({"val_labels": np.zeros((2, 1))}, "val_labels is float64"),
        (
            {
                "raw": {
                    "train_images": header(
                        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999, 9999, 9999, 3), }"
                    )
                }
            },
            "array train_images says that it is .* and its size is another",
        ),
        ({"raw": {"train_images": header("__import__('os').getcwd()")}}, "cannot be read"),
        ({"raw": {"train_images": b"junk"}}, "cannot be read"),
        ({"raw": {"train_images": b""}}, "cannot be read"),
        ({"raw": {"train_images": b"\x93NUMPY\x07\x00"}}, r"unknown version \(7, 0\)"),
    ],
)
def test_a_bad_file_is_one_line(npz: Write, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        folder_of(npz(**changes))
    assert "a.npz" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_line(npz: Write) -> None:
    path = npz(train_images=np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8))
    content = bytearray(path.read_bytes())
    content[300:330] = bytes(30)
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        folder_of(path)


def test_what_would_unpack_to_too_much_is_refused(npz: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_UNSUSPICIOUS", 1 << 16)
    monkeypatch.setattr(bounds, "MOST_RATIO", 10)
    with pytest.raises(DataError, match="would unpack to"):
        folder_of(npz(train_images=np.zeros((2, 512, 512, 3), np.uint8)))


def test_more_images_than_any_set_has_are_refused(npz: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "MOST_FILES", 10)
    with pytest.raises(DataError, match="holds more than 10 files"):
        folder_of(npz(train_images=np.zeros((11, 1, 1), np.uint8), train_labels=np.zeros(11, np.uint8)))


def test_a_workbook_is_no_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.xlsx", "w") as packed:
        packed.writestr("xl/workbook.xml", "")
    assert not is_archive(tmp_path / "t.xlsx")


def test_a_full_disk_is_not_blamed_on_the_file(npz: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("PIL.Image.Image.save", full)
    with pytest.raises(OutputError, match="No space left on device"):
        folder_of(npz())


def test_what_a_library_says_of_a_damaged_file_stays_short(npz: Write) -> None:
    path = npz()
    content = path.read_bytes()
    path.write_bytes(content.replace(b"train_images.npy", b"train_images.npz", 1))
    with pytest.raises(DataError, match="cannot be read: File name in directory") as caught:
        folder_of(path)
    assert len(str(caught.value)) < len(str(path)) + 200
