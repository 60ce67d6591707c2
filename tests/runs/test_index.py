import json
import os
import shutil
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from skinlab import machine
from skinlab.run import Run
from skinlab.runs import index
from skinlab.runs.facts import DAMAGED, Facts
from tests.runs.run_builders import make_run


def by_id(output: Path) -> dict[str, Facts]:
    return {facts.values["id"]: facts for facts in index.all_runs(output).values()}


def test_runs_and_runs_of_sweeps_are_found_with_their_facts(output: Path) -> None:
    found = by_id(output)
    assert list(found) == [
        "20261101-100000-aaaa01",
        "20261102-100000-bbbb02",
        "20261103-100000-cccc03",
        "20261104-100000-dddd04/3",
    ]
    one = found["20261104-100000-dddd04/3"]
    assert one.values["sweep"] == "20261104-100000-dddd04"
    assert one.values["optimizer.learning_rate"] == 0.1
    assert found["20261101-100000-aaaa01"].intervals["validation.auc"] == pytest.approx([0.6, 0.8])


def test_a_second_listing_gives_the_same_and_reads_no_run(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index.all_runs(output)
    monkeypatch.setattr(index.facts, "read", lambda *_: pytest.fail("was read again"))
    assert index.all_runs(output) == first


def test_a_changed_run_is_read_again(output: Path) -> None:
    index.all_runs(output)
    path = output / "runs/debug/20261101-100000-aaaa01"
    before = (path / "run.json").stat()
    Run.open(path).update(status="failed")
    os.utime(path / "run.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert by_id(output)["20261101-100000-aaaa01"].status == "failed"


def test_a_moved_or_deleted_run_disappears_and_a_new_one_appears(output: Path) -> None:
    index.all_runs(output)
    shutil.rmtree(output / "runs/debug/20261101-100000-aaaa01")
    (output / "runs/debug/20261102-100000-bbbb02").rename(output / "runs/debug/mine")
    assert "20261101-100000-aaaa01" not in by_id(output)
    assert "mine" in by_id(output)
    kept = sqlite3.connect(output / index.NAME).execute("SELECT path FROM runs").fetchall()
    assert sorted(kept) == [
        ("runs/debug/20261103-100000-cccc03",),
        ("runs/debug/mine",),
        ("sweeps/lr/20261104-100000-dddd04/3",),
    ]


@pytest.mark.parametrize("content", [b"no database", b"", b"SQLite format 3\0" + b"\xff" * 2000])
def test_a_damaged_index_is_made_anew(output: Path, content: bytes) -> None:
    first = index.all_runs(output)
    (output / index.NAME).write_bytes(content)
    assert index.all_runs(output) == first
    assert sqlite3.connect(output / index.NAME).execute("SELECT count(*) FROM runs").fetchone() == (4,)


def test_an_index_of_another_version_or_with_strange_rows_is_made_anew(output: Path) -> None:
    first = index.all_runs(output)
    for change in ("PRAGMA user_version = 99", "UPDATE runs SET facts = '{\"x\": 1}'", "UPDATE runs SET facts = '['"):
        with sqlite3.connect(output / index.NAME, isolation_level=None) as known:
            known.execute(change)
        assert index.all_runs(output) == first


def test_a_locked_index_is_no_obstacle(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = index.all_runs(output)
    monkeypatch.setattr(index, "_PATIENCE_S", 0.05)
    with sqlite3.connect(output / index.NAME, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert index.all_runs(output) == first


def _listed(output: Path) -> int:
    return len(index.all_runs(output))


def test_several_processes_may_list_at_the_same_time(output: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        assert list(pool.map(_listed, [output] * 8)) == [4] * 8


def test_the_status_of_a_process_that_is_gone_is_interrupted(output: Path) -> None:
    path = make_run(output / "runs/debug/20261105-100000-eeee05", status="running")
    assert by_id(output)[path.name].status == "running"
    record = json.loads((path / "run.json").read_text())
    record["process"] = machine.process_identity() | {"started": "1"}
    (path / "run.json").write_text(json.dumps(record))
    for _again in range(2):
        assert by_id(output)[path.name].status == "interrupted"


@pytest.mark.parametrize(
    ("file", "content"),
    [("run.json", ""), ("run.json", "{}"), ("run.json", "[1]"), ("summary.json", "{"), ("notes.json", "[]")],
)
def test_a_damaged_file_is_told_and_keeps_no_other_run_from_the_list(output: Path, file: str, content: str) -> None:
    (output / "runs/debug/20261101-100000-aaaa01" / file).write_text(content)
    found = by_id(output)
    assert len(found) == 4
    assert found["20261101-100000-aaaa01"].status == DAMAGED
    assert "20261101-100000-aaaa01" in str(found["20261101-100000-aaaa01"].error)


def test_no_output_folder_has_no_runs_and_is_not_made(tmp_path: Path) -> None:
    assert index.all_runs(tmp_path / "nowhere") == {}
    assert not (tmp_path / "nowhere").exists()


def test_hidden_folders_and_links_are_not_entered(output: Path) -> None:
    make_run(output / ".trash/20261105/run")
    (output / "runs" / "link").symlink_to(output.absolute() / "runs" / "debug")
    assert len(by_id(output)) == 4
