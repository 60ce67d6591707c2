"""Run: a run directory as an object. The only writer of the files in it, and the only judge of its status."""

import json
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

from skinlab import files, trust
from skinlab.errors import OutputError, SkinlabError
from skinlab.ownership import OwnedDirectory

RUN_FILE = "run.json"
LOCK_FILE = ".lock"
RESERVE_FILE = ".reserve"
RESERVE_BYTES = 64 * 1024
"""Kept until the run ends, so that its status can still be written when the disk is full."""

Status = Literal["running", "finished", "failed", "interrupted", "pruned"]


class Pruned(Exception):  # noqa: N818 - no error: the run is less promising than others of its sweep
    """Ends a run before its last epoch; the text says why. `skinlab resume` finishes it all the same."""


class Run(OwnedDirectory):
    """A run directory.

    Attributes:
        path: the directory.
        record: the content of run.json; changed by `update` alone.
    """

    FILE = RUN_FILE
    LOCK = LOCK_FILE
    TAKEN = "{path} holds a run already; leave hydra.run.dir to skinlab, or choose a new one"

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read an existing run.

        Raises:
            OutputError: there is no run in this directory, or its run.json is damaged or of a newer skinlab.
        """
        try:
            record = files.json_object((path / RUN_FILE).read_bytes())
        except FileNotFoundError as error:
            raise OutputError(f"{path} is not a run directory: it has no {RUN_FILE}") from error
        except (OSError, ValueError) as error:
            raise OutputError(f"{path / RUN_FILE} cannot be read: {error}") from error
        cls._check(path, record)
        return cls(path, record)

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Own an interrupted or failed run again, to go on with it.

        Raises:
            OutputError: it is finished, it is still running, or it cannot be written.
        """
        run = cls.open(path)
        if run.status == "finished":
            raise OutputError(f"{path} is finished: there is nothing to resume")
        run.own_again()
        run.record.pop("pruned", None)
        run.run_again()
        return run

    @classmethod
    def claim(cls, path: Path, record: dict[str, Any]) -> Self:
        """Begin a run, or go on with the one that is there: what a trial of a sweep does.

        A run that was killed while it was being created has an empty run.json and was not begun.

        Raises:
            OutputError: as `create` and `reopen`.
        """
        try:
            begun = (path / RUN_FILE).stat().st_size > 0
        except OSError:
            begun = False
        if begun:
            return cls.reopen(path)
        (path / RUN_FILE).unlink(missing_ok=True)
        return cls.create(path, record)

    def own(self) -> None:
        """Hold the run's lock until this process ends, and keep room for its last words.

        Raises:
            BlockingIOError: another process holds it.
        """
        super().own()
        files.write_bytes(self.path / RESERVE_FILE, b"\0" * RESERVE_BYTES)

    def hand_over(self, reason: str) -> None:
        """Let go of a claimed run, for another process to go on with it as `reopen` does."""
        self._end(time.monotonic(), "interrupted", reason)

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Keep every process from going on with the run inside the block, in which it may be moved or packed.

        Raises:
            OutputError: it is running, also where another host says so; or it cannot be locked.
        """
        if self.status == "running":
            raise OutputError(f"{self.path} is running on {self.record['process']['host']}: stop it first")
        if self.status == "finished":  # nobody goes on with it
            yield
            return
        try:
            lock = self._locked()
        except BlockingIOError as error:
            raise OutputError(f"{self.path} is being run by another process: stop it first") from error
        except OSError as error:
            raise files.output_error(self.path, error) from error
        try:
            yield
        finally:
            (self.path / LOCK_FILE).unlink(missing_ok=True)
            lock.close()

    @property
    def status(self) -> Status:
        """The truth: a run that says it is running while its process is gone was interrupted."""
        recorded: Status = self.record["status"]
        return "interrupted" if self._is_orphaned() else recorded

    def update(self, **facts: Any) -> None:
        """Add facts to run.json."""
        self.record = trust.marked(self.path, self.record | facts)
        files.write_json(self.path / RUN_FILE, self.record)

    def add_seconds(self, name: str, seconds: float) -> None:
        """Add to a timing; a resumed run's parts add up. It comes into run.json with the next fact."""
        timings = self.record.get("timings", {})
        self.record |= {"timings": timings | {name: round(timings.get(name, 0.0) + seconds, 3)}}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to the timings in run.json, however it ends."""
        clock = time.monotonic()
        try:
            yield
        finally:
            self.add_seconds(name, time.monotonic() - clock)

    def write_text(self, name: str, text: str) -> Path:
        """Write a text file of the run; `name` may have folders."""
        return self.write_bytes(name, text.encode())

    def write_bytes(self, name: str, data: bytes) -> Path:
        """Write a file of the run."""
        path = self.folder(Path(name).parent.as_posix()) / Path(name).name
        files.write_bytes(path, data)
        return path

    def write_json(self, name: str, value: Any) -> Path:
        """Write a JSON file of the run."""
        return self.write_text(name, files.json_text(value))

    def write_metrics(self, records: list[dict[str, Any]]) -> Path:
        """Write metrics.jsonl: one line an epoch."""
        return self.write_text("metrics.jsonl", "".join(json.dumps(record) + "\n" for record in records))

    def folder(self, name: str) -> Path:
        """A folder of the run, made where it does not exist.

        Raises:
            OutputError: it cannot be made.
        """
        path = self.path / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise files.output_error(path, error) from error
        return path

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Whatever ends the block ends the run with the status that is true: finished, pruned, failed, interrupted."""
        clock = time.monotonic()
        try:
            yield
        except Pruned as pruned:
            self.update(pruned=str(pruned))
            self._end(clock, "pruned", None)
            raise
        except BaseException as error:
            self._end(clock, *ending_of(error))
            raise
        self._end(clock, "finished", None)

    def _end(self, clock: float, status: Status, error: str | None) -> None:
        (self.path / RESERVE_FILE).unlink(missing_ok=True)
        self.add_seconds("total_s", time.monotonic() - clock)
        self._let_go(status, error)


def ending_of(error: BaseException) -> tuple[Status, str]:
    """What a run is that this ended, and why, in one line."""
    if isinstance(error, Pruned):
        return "pruned", str(error)
    return "failed" if isinstance(error, Exception) else "interrupted", _reason(error)


def _reason(error: BaseException) -> str:
    """One line for run.json: a known error's message, or type, message and place of an unknown one."""
    if isinstance(error, SkinlabError):
        return str(error)
    if not isinstance(error, Exception):
        return f"{type(error).__name__}: stopped from outside"
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(frame.filename).name}, line {frame.lineno})"
