"""Runs skinlab as a user does: a process of its own in a working directory of its own."""

import contextlib
import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinlab import paths
from skinlab.data.prefetch import WORKER as LOADER_WORKER
from skinlab.engines.cntk.worker_process import WORKER
from tests.processes import hear_ctrl_c

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 240
"""No command of these tests takes longer, unless the machine is stuck."""

TINY = ("experiment=debug", "dataset.images=24", "optimizer.minibatch_size=8", "evaluation.bootstrap=100")
"""Overrides of the smallest run that still goes the whole path: epochs of a full minibatch and a smaller one."""
EVALUATED = (
    "dataset.images=48",
    "optimizer.minibatch_size=16",
    'evaluation.operating_point="sensitivity>=0.9"',
    "evaluation.calibration=temperature",
    "evaluation.subgroups={diameter: [5, 8]}",
)
"""Overrides that ask for all that evaluation does, on as many images as it needs to be better than chance."""
LONG = (*TINY, "training.epochs=1000", "training.schedule.name=cosine")
"""Overrides of a run that is still training when a test stops it."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str
    pid: int


@dataclass(frozen=True)
class Workplace:
    """A working directory, and the environment in which commands run in it."""

    path: Path
    home: Path

    @property
    def environment(self) -> dict[str, str]:
        """Of the command: this skinlab, the tests' home."""
        known = os.environ.get("PYTHONPATH")
        folders = os.pathsep.join([str(ROOT), *([known] if known else [])])
        return os.environ | {"PYTHONPATH": folders, paths.HOME_VARIABLE: str(self.home)}

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        """Start `skinlab WORDS` in a process group of its own, where Ctrl-C works even if this process ignores it."""
        return subprocess.Popen(
            [sys.executable, "-m", "skinlab", *words],
            cwd=self.path,
            env=self.environment,
            text=True,
            start_new_session=True,
            preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - one system call
            **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options),
        )

    def skinlab(self, *words: str) -> Done:
        """Run `skinlab WORDS` to its end."""
        return finish(self.start(*words))

    def train(self, *overrides: str) -> Path:
        """Run `skinlab train OVERRIDES`, which must succeed; the run directory."""
        before = set(self.runs())
        done = self.skinlab("train", *overrides)
        assert done.code == 0, done.err + done.out
        (run,) = set(self.runs()) - before
        return run

    def runs(self) -> list[Path]:
        """All run directories below outputs/, in order of their paths."""
        return sorted(path.parent for path in (self.path / "outputs").rglob("run.json"))

    def run(self) -> Path:
        """The only run directory."""
        (run,) = self.runs()
        return run


def finish(process: subprocess.Popen[str]) -> Done:
    """Wait for a command; kill it where it takes too long."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return Done(process.returncode, out or "", err or "", process.pid)


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether a condition became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def record(run: Path) -> dict[str, Any]:
    """The content of run.json."""
    content: dict[str, Any] = json.loads((run / "run.json").read_text())
    return content


def metrics(run: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl."""
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def phantoms_of(run: Path, home: Path) -> Path:
    """The folder of the phantoms that a run was made from: runs of other tests drew theirs beside it."""
    with (run / "split.csv").open() as stream:
        wanted = {f"{row['image_id']}.png": row["sha256"] for row in csv.DictReader(stream)}
    (folder,) = (
        folder
        for folder in (home / paths.cache().name / "synthetic").iterdir()
        if {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("*.png")} == wanted
    )
    return folder


def workers_of(pid: int) -> list[int]:
    """Process ids of the CNTK workers that a process started, found by their command line: also of orphans."""
    wanted = [os.fsencode(WORKER), str(pid).encode()]
    return [found for found, words in _commands() if words[-3:-1] == wanted]


def loader_workers_of(pid: int) -> list[int]:
    """Process ids of the processes that prepare minibatches for a process: also of orphans."""
    wanted = [LOADER_WORKER.encode(), str(pid).encode()]
    return [found for found, words in _commands() if words[3:5] == wanted]


def _commands() -> Iterator[tuple[int, list[bytes]]]:
    """Process id and command line of everything that runs."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it ended meanwhile
                yield int(entry.name), (entry / "cmdline").read_bytes().split(b"\0")


def shared_memory_of(pid: int) -> list[Path]:
    """Folders in shared memory that belong to a process."""
    return list(Path("/dev/shm").glob(f"skinlab-{pid}-*"))


def temporary_files(folder: Path) -> list[Path]:
    """Files that a finished or failed run must not leave behind."""
    return [path for path in folder.rglob("*") if ".tmp" in path.name or path.name == ".reserve"]
