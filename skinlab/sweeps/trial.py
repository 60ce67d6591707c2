"""The task that Hydra's launchers carry to where a trial runs: a process on this machine, of a cluster, or this one.

Only plain values travel. It goes on with what an earlier process left in the directory, records whatever it fails
with, and lets nothing out but the interruption of its own process.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab import attempt, engines, kept, leases, machine, schema, slots
from skinlab.attempt import Outcome
from skinlab.config import parse, register_resolvers
from skinlab.errors import OutputError, SkinlabError
from skinlab.run import Run
from skinlab.sweeps import stopping
from skinlab.sweeps.state import Sweep

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger(__name__)

register_resolvers()  # unpickling imports this module: the first that a launcher's process knows of skinlab


@dataclass(frozen=True)
class RunTask:
    """A run by itself, or one of a sweep by another sweeper.

    Attributes:
        command: what was typed.
    """

    command: str

    def __call__(self, composed: "DictConfig") -> Outcome:
        """Run in the directory that Hydra made.

        Raises:
            KeyboardInterrupt: it was stopped from outside.
        """
        config, path = parse(composed), _directory()
        try:
            run = Run.create(path, _start(self.command, config))
        except SkinlabError as error:
            log.error("failed: %s", error)  # noqa: TRY400 - the message is meant for a user, its stack is not
            return attempt.failed(path, error)
        return attempt.carry_out(config, run)


@dataclass(frozen=True)
class TrialTask:
    """A trial of a sweep.

    Attributes:
        command: what was typed.
        sweep: the directory of the sweep.
        sweeper: the process that waits for it.
        settings: how the trials are chosen and ended.
    """

    command: str
    sweep: Path
    sweeper: dict[str, Any]
    settings: schema.Sweep

    def __call__(self, composed: "DictConfig") -> Outcome:
        """Run in the directory that Hydra made, or go on there.

        Raises:
            KeyboardInterrupt: it was stopped from outside, in the process of the sweeper.
        """
        path = _directory()
        if stopping.requested(self.sweep):
            return Outcome(path, "waiting")
        if self.sweeper == machine.process_identity():
            return self._run(composed, path)
        try:
            with stopping.deaf_to_ctrl_c():
                return self._run(composed, path)
        except KeyboardInterrupt:
            return Outcome(path, "interrupted")

    def _run(self, composed: "DictConfig", path: Path) -> Outcome:
        if ended := _ended(path):
            return ended
        engines.keep_warm()
        kept.keep()
        outcome = self._attempt(composed, path)
        if outcome.status == "failed" and self.settings.on_failure == "stop":
            stopping.request(self.sweep, "after")
        return outcome

    def _attempt(self, composed: "DictConfig", path: Path) -> Outcome:
        try:
            config = parse(composed)
            with leases.leased(config.engine, lambda: stopping.requested(self.sweep)) as lease:
                run = Run.claim(path, _start(self.command, config))
                run.update(lease=lease.as_json())
                return self._carry_out(replace(config, engine=lease.engine), run)
        except slots.GivenUpError:
            return Outcome(path, "waiting")
        except SkinlabError as error:
            log.error("failed: %s", error)  # noqa: TRY400 - the message is meant for a user, its stack is not
            _record_failure(path, self.command, error)
            return attempt.failed(path, error)

    def _carry_out(self, config: schema.Config, run: Run) -> Outcome:
        stop = stopping.StopWatch(self.sweep)
        if self.settings.pruner == "none":
            return attempt.carry_out(config, run, [stop], plots=False)
        from skinlab.sweeps.pruning import PruningWatch

        pruning = PruningWatch(self.settings, config, Sweep.open(self.sweep), run)
        return attempt.carry_out(config, run, [stop, pruning], first=pruning.go_on, plots=False)


def _directory() -> Path:
    from hydra.core.hydra_config import HydraConfig

    return Path(HydraConfig.get().runtime.output_dir)


def _start(command: str, config: schema.Config) -> dict[str, Any]:
    from skinlab.experiment import start_record

    return {"command": command, **start_record(config)}


def _ended(path: Path) -> Outcome | None:
    """What an earlier attempt came to, where the sweeper did not live to hear of it."""
    try:
        status = Run.open(path).status
    except OutputError:
        return None
    return Outcome(path, status) if status in ("finished", "pruned") else None


def _record_failure(path: Path, command: str, error: Exception) -> None:
    """A declaration that cannot be run has a run.json all the same, where one can be written at all."""
    with suppress(SkinlabError):
        run = Run.claim(path, {"command": command})
        with run.recorded():
            raise error
