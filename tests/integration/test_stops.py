"""Stopped from outside at any moment: the run says so, its last checkpoint stays, nothing keeps running."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab.errors import DataError, EngineError
from skinlab.run import Run
from tests.integration.commands import (
    LONG,
    Workplace,
    finish,
    loader_workers_of,
    metrics,
    record,
    shared_memory_of,
    temporary_files,
    wait_for,
    workers_of,
)


@pytest.fixture
def training(workplace: Workplace) -> Iterator[subprocess.Popen[str]]:
    """A command that has finished an epoch and is in the middle of a later one."""
    process = workplace.start("train", *LONG)
    try:
        assert wait_for(lambda: any((run / "metrics.jsonl").exists() for run in workplace.runs()))
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def worker(process: subprocess.Popen[str]) -> int:
    """Process id of the command's worker."""
    (pid,) = workers_of(process.pid)
    return pid


def assert_last_checkpoint_is_whole(run: Path) -> None:
    last = run / "checkpoints" / "last"
    assert {path.name for path in last.iterdir()} == {"cntk.safetensors", "position.json"}
    assert [path.name for path in (run / "checkpoints").glob("epoch*")] == [last.readlink().name]
    assert metrics(run)


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_a_polite_stop_marks_the_run_interrupted(
    workplace: Workplace, training: subprocess.Popen[str], how: str
) -> None:
    if how == "Ctrl-C":
        os.killpg(training.pid, signal.SIGINT)  # a terminal sends it to the whole group, the worker included
    else:
        training.terminate()
    done = finish(training)
    assert done.code == 130
    assert "Traceback" not in done.err
    assert done.err.endswith("skinlab: interrupted\n")
    run = workplace.run()
    assert record(run)["status"] == "interrupted"
    assert "KeyboardInterrupt" in record(run)["error"]
    assert_last_checkpoint_is_whole(run)
    assert temporary_files(run) == []
    assert workers_of(done.pid) == loader_workers_of(done.pid) == []
    assert shared_memory_of(done.pid) == []


def test_ctrl_c_while_the_worker_starts_leaves_nothing(workplace: Workplace) -> None:
    process = workplace.start("train", *LONG)
    assert wait_for(lambda: bool(workers_of(process.pid)))
    os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    assert done.code == 130
    assert record(workplace.run())["status"] == "interrupted"
    assert wait_for(lambda: workers_of(done.pid) == loader_workers_of(done.pid) == [], 10)
    assert shared_memory_of(done.pid) == []


def test_a_worker_that_is_killed_fails_the_run_with_its_death(
    workplace: Workplace, training: subprocess.Popen[str]
) -> None:
    os.kill(worker(training), signal.SIGKILL)
    done = finish(training)
    assert done.code == EngineError.exit_code
    (line,) = done.err.splitlines()
    facts = record(workplace.run())
    assert facts["status"] == "failed"
    assert line == f"failed: {facts['error']}"
    assert "the CNTK worker died in " in line
    assert "(killed by SIGKILL, perhaps by the system for lack of memory); its last words: " in line
    assert_last_checkpoint_is_whole(workplace.run())
    assert shared_memory_of(done.pid) == []


def test_a_loader_worker_that_is_killed_fails_the_run_with_its_death(
    workplace: Workplace, training: subprocess.Popen[str]
) -> None:
    (pid,) = loader_workers_of(training.pid)
    os.kill(pid, signal.SIGKILL)
    done = finish(training)
    assert done.code == DataError.exit_code
    (line,) = done.err.splitlines()
    assert line == f"failed: {record(workplace.run())['error']}"
    assert "a process that prepares minibatches died (killed by SIGKILL" in line
    assert_last_checkpoint_is_whole(workplace.run())
    assert workers_of(done.pid) == []


def test_a_killed_command_takes_its_worker_along_and_is_seen_as_interrupted(
    workplace: Workplace, training: subprocess.Popen[str]
) -> None:
    training.kill()
    done = finish(training)
    assert wait_for(lambda: workers_of(done.pid) == loader_workers_of(done.pid) == [], 10)
    run = workplace.run()
    assert record(run)["status"] == "running"
    assert Run.open(run).status == "interrupted"
    last = run / "checkpoints" / "last"
    assert (last / "position.json").exists()
    for left in shared_memory_of(done.pid):  # the next command removes it; so that this test leaves nothing
        assert list(left.iterdir()) == []
        left.rmdir()
