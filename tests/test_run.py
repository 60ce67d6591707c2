import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skinlab.errors import DataError, OutputError
from skinlab.run import Pruned, Run


def on_disk(run: Run) -> dict[str, object]:
    record: dict[str, object] = json.loads((run.path / "run.json").read_text())
    return record


def test_a_new_run_is_running_and_readable_by_others(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", {"seed": 3})
    assert on_disk(run)["status"] == "running"
    other = Run.open(tmp_path / "a")
    assert other.status == "running"
    assert other.record["seed"] == 3


def test_two_runs_never_share_a_directory(tmp_path: Path) -> None:
    def claim(_number: int) -> bool:
        try:
            Run.create(tmp_path / "a", {})
        except OutputError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1


def test_the_end_of_the_block_is_the_status(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", {})
    with run.recorded():
        run.update(split_hash="x")
    assert on_disk(run) | {"status": "finished", "error": None, "split_hash": "x"} == on_disk(run)
    assert not (run.path / ".reserve").exists()


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (DataError("no such folder: x"), "failed", "no such folder: x"),
        (ZeroDivisionError("division by zero"), "failed", "ZeroDivisionError: division by zero (test_run.py"),
        (KeyboardInterrupt(), "interrupted", "KeyboardInterrupt: stopped from outside"),
    ],
)
def test_an_error_is_recorded_and_passed_on(tmp_path: Path, error: BaseException, status: str, reason: str) -> None:
    run = Run.create(tmp_path / "a", {})

    def fail() -> None:
        with run.recorded():
            raise error

    with pytest.raises(type(error)):
        fail()
    assert on_disk(run)["status"] == status
    assert str(on_disk(run)["error"]).startswith(reason)


def test_a_run_whose_process_was_killed_is_interrupted(tmp_path: Path) -> None:
    code = f"""
import os, pathlib, signal
from skinlab.run import Run
run = Run.create(pathlib.Path({str(tmp_path / "a")!r}), {{}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", code], check=False)
    run = Run.open(tmp_path / "a")
    assert run.record["status"] == "running"
    assert run.status == "interrupted"


def test_a_run_on_another_host_is_believed(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", {})
    run.update(process={**run.record["process"], "host": "elsewhere", "pid": 1})
    assert Run.open(tmp_path / "a").status == "running"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "is not a run directory: it has no run.json"),
        ("{", "cannot be read"),
        ('{"schema_version": 99}', "written by a newer skinlab"),
    ],
)
def test_what_is_not_a_run_is_said(tmp_path: Path, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(OutputError, match=message):
        Run.open(tmp_path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        Run.create(tmp_path / "a", {})


def test_a_place_below_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file/a cannot be written \(Not a directory\)"):
        Run.create(tmp_path / "file" / "a", {})


def test_metrics_are_one_line_an_epoch(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", {})
    run.write_metrics([{"epoch": 1}, {"epoch": 2}])
    assert (run.path / "metrics.jsonl").read_text() == '{"epoch": 1}\n{"epoch": 2}\n'


def interrupted(path: Path) -> Path:
    run = Run.create(path, {})
    run.add_seconds("training_s", 2.0)
    with pytest.raises(KeyboardInterrupt), run.recorded():
        raise KeyboardInterrupt
    return path


def test_an_interrupted_run_can_be_owned_again_and_its_times_add_up(tmp_path: Path) -> None:
    run = Run.reopen(interrupted(tmp_path / "a"))
    assert on_disk(run)["status"] == "running"
    assert len(run.record["resumed"]) == 1
    with run.recorded():
        run.add_seconds("training_s", 3.0)
    assert on_disk(run)["status"] == "finished"
    assert run.record["timings"]["training_s"] == 5.0


def test_the_time_of_a_part_that_ended_early_counts(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", {})
    with pytest.raises(Pruned), run.recorded(), run.timed("training_s"):
        raise Pruned("worse than the median")
    assert on_disk(run)["timings"].keys() == {"training_s", "total_s"}


def test_a_finished_run_is_not_resumed(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", {})
    with run.recorded():
        pass
    with pytest.raises(OutputError, match="is finished: there is nothing to resume"):
        Run.reopen(tmp_path / "a")


def test_of_two_that_resume_one_gets_the_run(tmp_path: Path) -> None:
    first = Run.reopen(interrupted(tmp_path / "a"))
    with pytest.raises(OutputError, match="is being run by another process"):
        Run.reopen(tmp_path / "a")
    with first.recorded():
        pass


def test_a_run_that_is_running_elsewhere_is_not_resumed(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a", {})
    run.update(process={**run.record["process"], "host": "elsewhere"})
    (tmp_path / "a" / ".lock").unlink()  # a lock does not reach from host to host
    with pytest.raises(OutputError, match="is running on elsewhere"):
        Run.reopen(tmp_path / "a")
