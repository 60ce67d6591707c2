"""A run as a file and back, and files that are not what they say."""

import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skinlab.errors import DataError, OutputError
from skinlab.run import Run
from skinlab.runs import archive, notes
from skinlab.runs.importing import unpack
from tests.runs.run_builders import make_run

MOST = 10**9


@pytest.fixture
def run(output: Path) -> Run:
    path = output / "runs/debug/20261101-100000-aaaa01"
    notes.tag(path, ["paper"])
    state = path / "checkpoints" / "epoch0002-step000000"
    state.mkdir()
    (state / "state.pt").write_bytes(b"x" * 100)
    (path / "checkpoints" / "last").symlink_to(state.name)
    return Run.open(path)


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_comes_back_whole_without_the_state_to_resume_from(run: Run, tmp_path: Path) -> None:
    left_out = archive.pack(run, tmp_path / "a.zip")
    assert left_out == ["checkpoints/epoch0002-step000000", "checkpoints/last"]
    path = unpack(tmp_path / "a.zip", tmp_path / "elsewhere", MOST)
    assert path == tmp_path / "elsewhere/runs/debug/20261101-100000-aaaa01"
    expected = {name: data for name, data in content(run.path).items() if "checkpoints/epoch" not in name}
    expected = {name: data for name, data in expected.items() if "/last/" not in name}
    assert content(path) == expected
    assert Run.open(path).status == "finished"
    assert notes.read(path).tags == ["paper"]


def test_the_same_run_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    archive.pack(run, tmp_path / "a.zip")
    (run.path / "summary.json").touch()
    archive.pack(run, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_run_of_a_sweep_gets_a_name_of_its_own(output: Path, tmp_path: Path) -> None:
    archive.pack(Run.open(output / "sweeps/lr/20261104-100000-dddd04/3"), tmp_path / "a.zip")
    assert unpack(tmp_path / "a.zip", tmp_path / "b", MOST) == tmp_path / "b/runs/lr/20261104-100000-dddd04-3"


def test_a_running_run_and_an_existing_file_are_refused(output: Path, run: Run, tmp_path: Path) -> None:
    running = make_run(output / "runs/debug/20261105-100000-eeee05", status="running")
    with pytest.raises(OutputError, match="is running"):
        archive.pack(Run.open(running), tmp_path / "a.zip")
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        archive.pack(run, tmp_path / "a.zip")
    with pytest.raises(OutputError, match="call it a.tar.zip"):
        archive.pack(run, tmp_path / "a.tar")
    assert (tmp_path / "a.zip").read_text() == "mine"


def test_an_import_never_overwrites(run: Run, tmp_path: Path, output: Path) -> None:
    archive.pack(run, tmp_path / "a.zip")
    before = content(run.path)
    with pytest.raises(OutputError, match="is there already: nothing was imported"):
        unpack(tmp_path / "a.zip", output, MOST)
    assert content(run.path) == before


@pytest.fixture
def forged(run: Run, tmp_path: Path) -> Callable[..., Path]:
    """An archive that was changed after it was packed, with sums that fit where `honest`."""
    archive.pack(run, tmp_path / "good.zip")

    def function(
        *, replace: dict[str, bytes] | None = None, add: zipfile.ZipInfo | str | None = None, **manifest: Any
    ) -> Path:
        path = tmp_path / "bad.zip"
        with zipfile.ZipFile(tmp_path / "good.zip") as source, zipfile.ZipFile(path, "w") as target:
            for entry in source.infolist():
                data = (replace or {}).get(entry.filename, source.read(entry))
                if entry.filename == archive.MANIFEST:
                    data = json.dumps(json.loads(data) | manifest).encode()
                target.writestr(entry, data)
            if add is not None:
                target.writestr(add, b"x")
        return path

    return function


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"add": "run/../../evil"}, "names or kinds of files that a run does not have: run/../../evil"),
        ({"add": "/etc/evil"}, "names or kinds"),
        ({"add": "run//etc/evil"}, "names or kinds"),
        ({"add": "run/a\\..\\b"}, "names or kinds"),
        ({"add": "evil"}, "names or kinds"),
        ({"add": link("run/link")}, "names or kinds of files that a run does not have: run/link"),
        ({"add": "run/extra"}, "does not hold the files that it lists"),
        ({"add": "run/summary.json"}, "does not hold the files that it lists"),
        ({"files": {}}, "does not hold the files that it lists"),
        ({"files": {"run.json": {"bytes": -5, "sha256": 3}}}, "MANIFEST.json is damaged"),
        ({"files": []}, "MANIFEST.json is damaged"),
        ({"run": "../../up"}, "MANIFEST.json is damaged"),
        ({"run": ".."}, "MANIFEST.json is damaged"),
        ({"format": "other"}, "is no archive of a run"),
        ({"version": 2}, "packed by another version of skinlab"),
        ({"replace": {"run/summary.json": b"{}"}}, "summary.json is not what was packed"),
        ({"replace": {"run/summary.json": b"x" * 10**6}}, "summary.json is not what was packed"),
        ({"replace": {"run/run.json": b"[]"}}, "run.json is not that of a run"),
        ({"replace": {"run/run.json": b'{"experiment": "../../x", "config": {}}'}}, "run.json is not that of a run"),
        ({"replace": {"run/run.json": b'{"experiment": "/x", "config": {}}'}}, "run.json is not that of a run"),
    ],
)
def test_what_is_not_as_packed_is_refused_and_leaves_nothing(
    forged: Callable[..., Path], tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(DataError, match=said.replace(".", r"\.")):
        unpack(forged(**change), tmp_path / "b", MOST)
    assert content(tmp_path / "b") == {}
    assert not (tmp_path / "evil").exists()


def test_an_archive_that_is_too_large_is_refused_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    archive.pack(run, tmp_path / "a.zip")
    with pytest.raises(DataError, match="raise --most-gb"):
        unpack(tmp_path / "a.zip", tmp_path / "b", 100)
    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04" + b"\0" * 100])
def test_something_else_is_no_archive(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(DataError, match="is no archive of a run, or damaged"):
        unpack(tmp_path / "a.zip", tmp_path / "b", MOST)
    with pytest.raises(DataError, match="is not there"):
        unpack(tmp_path / "nowhere.zip", tmp_path / "b", MOST)


def test_a_truncated_archive_and_flipped_bits_are_noticed(run: Run, tmp_path: Path) -> None:
    archive.pack(run, tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError):
        unpack(tmp_path / "a.zip", tmp_path / "b", MOST)
    place = whole.index(b"weights of")
    (tmp_path / "a.zip").write_bytes(whole[:place] + b"W" + whole[place + 1 :])
    with pytest.raises(DataError):
        unpack(tmp_path / "a.zip", tmp_path / "b", MOST)
    assert content(tmp_path / "b") == {}
