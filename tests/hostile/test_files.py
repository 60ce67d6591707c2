"""Weights, archives and bundles of a stranger, changed at random: one line each, and nothing else happens."""

import hashlib
import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from skinlab.errors import BundleError, ConfigError, DataError, OutputError, SkinlabError
from skinlab.networks import weights
from skinlab.networks.pretrained import given, pth
from skinlab.run import Run
from skinlab.runs.archive import pack
from skinlab.runs.importing import unpack
from skinlab.serving import loading, replay
from skinlab.serving.scoring import Scorer
from tests.hostile import fuzz
from tests.hostile.audit import Watch, watched
from tests.hostile.test_bundles import with_model
from tests.networks.pretrained.test_pth import torch_file
from tests.runs.run_builders import make_run
from tests.serving.bundles import write_bundle

MOST = 10**8


def is_line(error: SkinlabError) -> None:
    assert "\n" not in str(error)


@pytest.mark.parametrize("legacy", [False, True])
def test_changed_pth_files_are_read_or_one_line(tmp_path: Path, legacy: bool) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    state = {"a.weight": torch.rand(3, 4), "a.bias": torch.rand(3), "b": torch.tensor(7)}
    good = torch_file(tmp_path / "good.pth", state, legacy=legacy).read_bytes()
    _each(tmp_path / "changed.pth", good, pth.read)


def test_changed_safetensors_files_are_read_or_one_line(tmp_path: Path) -> None:
    weights.save({"a.weight": np.ones((3, 4), np.float32), "a.bias": np.ones(3, np.float32)}, tmp_path / "good")
    _each(tmp_path / "changed.safetensors", (tmp_path / "good").read_bytes(), given.load)


def _each(path: Path, good: bytes, read: Callable[[Path], object]) -> None:
    """Read changed copies of a file."""
    for data in fuzz.contents(good):
        path.write_bytes(data)
        with watched(path.parent) as watch:
            try:
                read(path)
            except ConfigError as error:
                is_line(error)
        assert watch.seen == [], data


def test_changed_archives_are_imported_or_one_line(tmp_path: Path) -> None:
    run = make_run(tmp_path / "outputs" / "runs" / "a" / "20261101-100000-aaaa01")
    pack(Run.open(run), tmp_path / "good.zip")
    good = (tmp_path / "good.zip").read_bytes()
    for number, data in enumerate(fuzz.contents(good, max(1, fuzz.ROUNDS // 5))):
        (tmp_path / "changed.zip").write_bytes(data)
        with watched(tmp_path) as watch:
            try:
                unpack(tmp_path / "changed.zip", tmp_path / "in" / str(number), MOST)
            except (DataError, OutputError) as error:
                is_line(error)
        assert watch.seen == [], data


def test_changed_models_of_bundles_are_run_or_one_line(tmp_path: Path) -> None:
    good = (write_bundle(tmp_path / "good") / "model.onnx").read_bytes()
    image = np.zeros((8, 8, 3), np.uint8)
    for number, data in enumerate(fuzz.contents(good, max(1, fuzz.ROUNDS // 5))):
        folder = with_model(tmp_path / f"changed{number % 2}", data)
        with watched(tmp_path) as watch:
            try:
                Scorer(loading.load(folder), threads=1).probabilities(image)
            except BundleError as error:
                is_line(error)
        assert watch.seen == []


def test_changed_signatures_of_bundles_are_read_or_one_line(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "good")
    good = json.loads((folder / "signature.json").read_text())
    for data in fuzz.texts(good):
        (folder / "signature.json").write_bytes(data)
        sums = [line.split("  ", 1)[1] for line in (folder / "SHA256SUMS").read_text().splitlines()]
        text = "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in sums)
        (folder / "SHA256SUMS").write_text(text)
        with watched(tmp_path) as watch:
            try:
                replay.of(loading.load(folder))
            except SkinlabError as error:
                is_line(error)
        assert watch.seen == []


def archive(**files: tuple[bytes, object]) -> bytes:
    """An archive of a run as `archive` makes it, of these files with the sizes that they are said to have."""
    stream = io.BytesIO()
    listed = {
        name: {"bytes": size, "sha256": hashlib.sha256(content).hexdigest()} for name, (content, size) in files.items()
    }
    with zipfile.ZipFile(stream, "w") as made:
        manifest = {"format": "skinlab run", "version": 1, "run": "20261101-100000-aaaa01", "files": listed}
        made.writestr("MANIFEST.json", json.dumps(manifest))
        for name, (content, _) in files.items():
            made.writestr(f"run/{name}", content)
    return stream.getvalue()


@pytest.mark.parametrize("size", [-600_000_000, True, 1.5, "1", None])
def test_a_size_that_is_none_does_not_make_room_for_others(tmp_path: Path, size: object, harmless: Watch) -> None:
    zeros = b"\0" * 10**6
    (tmp_path / "a.zip").write_bytes(archive(**{"a.bin": (zeros, len(zeros)), "b.bin": (b"", size)}))
    with pytest.raises(DataError, match=r"damaged|is no archive"):
        unpack(tmp_path / "a.zip", tmp_path / "in", 10**5)
    assert not (tmp_path / "in").exists()
    assert harmless.seen == []


def test_an_archive_in_another_packing_is_refused(tmp_path: Path, harmless: Watch) -> None:
    run = make_run(tmp_path / "outputs" / "runs" / "a" / "20261101-100000-aaaa01")
    pack(Run.open(run), tmp_path / "good.zip")
    with zipfile.ZipFile(tmp_path / "good.zip") as good, zipfile.ZipFile(tmp_path / "lzma.zip", "w") as other:
        for entry in good.infolist():
            other.writestr(entry.filename, good.read(entry), zipfile.ZIP_LZMA)
    with pytest.raises(DataError, match="names or kinds of files"):
        unpack(tmp_path / "lzma.zip", tmp_path / "in", MOST)
    assert not (tmp_path / "in").exists()
    assert harmless.seen == []


class Call:
    """Pickled, it is a call."""

    def __reduce__(self) -> tuple[object, ...]:
        return open, ("pwned", "w")


def test_a_pickle_that_calls_is_refused(tmp_path: Path, harmless: Watch) -> None:
    with zipfile.ZipFile(tmp_path / "a.pth", "w") as made:
        made.writestr("archive/data.pkl", pickle.dumps({"a": Call()}, 2))
    with pytest.raises(ConfigError, match="nothing was executed"):
        pth.read(tmp_path / "a.pth")
    assert not Path("pwned").exists()
    assert harmless.seen == []
