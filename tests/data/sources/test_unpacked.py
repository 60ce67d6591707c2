"""Archives and columns of images: unpacked once, confined, bounded."""

import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.data.cache_contents import content, damage
from skinlab.data.cache_entries import UNPACKED, entries
from skinlab.data.prepare import prepare
from skinlab.data.sources import bounds, load
from skinlab.errors import DataError
from tests.data.data_builders import folder_dataset, holdout_split, table_dataset

Make = Callable[..., Path]


def zipped(target: Path, files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(target, "w", compression) as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return target


def tarred(target: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(target, "w:gz") as packed:
        for info, data in members:
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))
    return target


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_an_archive_is_the_folder_that_was_packed(class_folder: Make, tmp_path: Path, kind: str) -> None:
    import shutil

    root = class_folder(benign=5, malignant=4)
    plain = load(folder_dataset(root))
    archive = shutil.make_archive(str(tmp_path / "packed"), kind, root)
    found = load(folder_dataset(archive))
    assert (found.image_ids, found.labels) == (plain.image_ids, plain.labels)
    one, other = (prepare(folder_dataset(path), holdout_split(), 16) for path in (root, archive))
    assert (one.fingerprint, one.split_hash) == (other.fingerprint, other.split_hash)


def test_a_folder_around_everything_and_the_copies_of_macos_are_passed(class_folder: Make, tmp_path: Path) -> None:
    root = class_folder(a=2, b=1)
    files = {f"photos/{path.relative_to(root)}": path.read_bytes() for path in root.rglob("*.png")}
    archive = zipped(tmp_path / "x.zip", {**files, "__MACOSX/photos/a/._a_000.png": b"x", "photos/.DS_Store": b"x"})
    manifest = load(folder_dataset(archive))
    assert manifest.labels == ["a", "a", "b"]
    assert manifest.left_aside.kinds == {"hidden": 1}


def test_it_is_unpacked_once_and_again_when_a_file_is_gone(class_folder: Make, tmp_path: Path) -> None:
    root = class_folder(a=2, b=1)
    archive = zipped(
        tmp_path / "x.zip", {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.png")}
    )
    first = Path(load(folder_dataset(archive)).paths[0])
    written = first.stat().st_mtime_ns
    assert Path(load(folder_dataset(archive)).paths[0]).stat().st_mtime_ns == written
    (entry,) = [entry for entry in entries() if entry.kind == UNPACKED]
    assert (content(entry).images, damage(entry), entry.in_use) == (3, None, True)
    first.unlink()
    assert damage(entry) == "1 of 3 files are missing"
    assert Path(load(folder_dataset(archive)).paths[0]).is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../a.png", r"holds '\.\./a\.png', which would lie outside of its folder"),
        ("/etc/a.png", "would lie outside"),
        ("a/../../b.png", "would lie outside"),
        ("..\\a.png", "would lie outside"),
        ("C:/a.png", "would lie outside"),
    ],
)
def test_a_name_that_leads_out_is_refused_and_nothing_written(tmp_path: Path, name: str, message: str) -> None:
    archive = zipped(tmp_path / "inner" / "x.zip" if (tmp_path / "inner").mkdir() is None else tmp_path, {name: b"x"})
    with pytest.raises(DataError, match=message):
        load(folder_dataset(archive))
    assert [path.name for path in tmp_path.rglob("*.png")] == []
    assert not [path for path in paths.cache().rglob("*") if path.is_file() and path.suffix == ".png"]


def test_links_and_devices_are_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("a/x.png")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(DataError, match="holds a link or device, a/x.png"):
        load(folder_dataset(tarred(tmp_path / "x.tgz", (link, b""))))
    info = zipfile.ZipInfo("a/x.png")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    with pytest.raises(DataError, match="holds a link, a/x.png"):
        load(folder_dataset(tmp_path / "x.zip"))


def test_a_bomb_is_refused_before_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "_UNSUSPICIOUS", 1 << 20)
    archive = zipped(tmp_path / "x.zip", {"a/x.png": bytes(20 << 20)}, zipfile.ZIP_LZMA)
    with pytest.raises(DataError, match="would unpack to 20.97 MB, .* times its size: refused"):
        load(folder_dataset(archive))


def test_a_member_larger_than_it_says_is_refused(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "x.zip", {"a/x.png": bytes(5000)}, zipfile.ZIP_STORED)
    archive.write_bytes(archive.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(DataError, match=r"x\.zip"):
        load(folder_dataset(archive))


@pytest.mark.parametrize("cut", [100, 1000])
def test_a_damaged_archive_is_one_line(class_folder: Make, tmp_path: Path, cut: int) -> None:
    root = class_folder(a=2, b=1)
    files = [(tarfile.TarInfo(str(path.relative_to(root))), path.read_bytes()) for path in root.rglob("*.png")]
    archive = tarred(tmp_path / "x.tar.gz", *files)
    os.truncate(archive, archive.stat().st_size - cut)
    with pytest.raises(DataError, match=r"x\.tar\.gz cannot be unpacked: ") as caught:
        load(folder_dataset(archive))
    assert "\n" not in str(caught.value)


def parquet(tmp_path: Path, values: list[object], names: list[str] | None = None) -> Path:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install skinlab[parquet]")
    from pyarrow import parquet as pq

    labels = [i % 2 for i in range(len(values))]
    table = pa.table({"image": values, "label": labels, "age": [float("nan"), *range(1, len(values))]})
    if names is not None:
        features = '{"info": {"features": {"label": {"names": ["%s", "%s"], "_type": "ClassLabel"}}}}' % tuple(names)  # noqa: UP031
        table = table.replace_schema_metadata({"huggingface": features})
    pq.write_table(table, tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


def test_images_in_a_column_are_read_with_their_names_and_classes(class_folder: Make, tmp_path: Path) -> None:
    files = sorted(class_folder(a=4).rglob("*.png"))
    values: list[object] = [{"bytes": file.read_bytes(), "path": f"x/{file.name}"} for file in files]
    dataset = table_dataset(parquet(tmp_path, values, ["nv", "mel"]), image_column="image")
    manifest = load(dataset)
    assert manifest.image_ids == [file.stem for file in files]
    assert manifest.labels == ["nv", "mel", "nv", "mel"]
    assert manifest.attributes == {"age": ["", "1.0", "2.0", "3.0"]}
    assert [Path(path).read_bytes() for path in manifest.paths] == [file.read_bytes() for file in files]


def test_a_row_without_image_stops_the_run_or_is_left_out(class_folder: Make, tmp_path: Path) -> None:
    (file,) = class_folder(a=1).rglob("*.png")
    path = parquet(tmp_path, [file.read_bytes(), None, file.read_bytes()])
    with pytest.raises(DataError, match=r"1 rows have no image in column image: row 2; .*dataset\.on_missing=drop"):
        load(table_dataset(path, image_column="image"))
    left = load(table_dataset(path, image_column="image", on_missing="drop"))
    assert (left.image_ids, left.without_image) == (["row_0000001", "row_0000003"], ["row 2"])


def test_a_column_of_bytes_where_a_path_was_meant_is_one_line(tmp_path: Path) -> None:
    path = parquet(tmp_path, [b"a.png", b"b.png"])
    with pytest.raises(
        DataError, match=r"t\.parquet, row 1: column image holds bytes that are no image; set dataset\.im"
    ):
        load(table_dataset(path, image_column="image"))
    with pytest.raises(DataError, match=r"column image holds bytes where text was meant; set dataset\.label_column"):
        load(table_dataset(path, image_column="age", label_column="image"))
