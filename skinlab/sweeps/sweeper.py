"""The sweep itself: batches of trials for Hydra's launcher, what came of them, and what is tried next.

Everything that a result depends on is told in the order of the trials and batch by batch, so neither time nor the
number of processes plays a part.
"""

import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab import files, leases, machine, processors
from skinlab.attempt import MISTAKE, Outcome, failed, short
from skinlab.errors import OutputError, SkinlabError
from skinlab.evaluation.objectives import DIRECTIONS
from skinlab.sweeps import leaderboard, page, stopping
from skinlab.sweeps.declaration import Declaration
from skinlab.sweeps.planning import Planner
from skinlab.sweeps.progress import Progress
from skinlab.sweeps.pruning import curve_of
from skinlab.sweeps.samplers import Result, Study
from skinlab.sweeps.state import Sweep, Trial, one_line
from skinlab.sweeps.trial import TrialTask

if TYPE_CHECKING:
    from hydra.types import HydraContext
    from omegaconf import DictConfig

log = logging.getLogger(__name__)

DEATHS = 2
"""A trial whose process died so often is a failed one."""
JUDGE_EVERY = 5.0
"""Seconds between two rankings while trials run: with a thousand short trials, ranking after each takes longest."""
LOOK_EVERY = 1.0
"""Seconds between two looks at trials that another process still runs."""

Launch = Callable[[Sequence[Sequence[str]], int], Sequence[Any]]


@dataclass(frozen=True)
class Start:
    """What Hydra carries to the sweeper in place of a task.

    Attributes:
        declaration: checked.
        resume: the directory of a sweep to go on with; None: a new one.
    """

    declaration: Declaration
    resume: Path | None = None

    def __call__(self, composed: object) -> None:
        """Never called: the sweeper gives the launcher a task of its own."""
        raise NotImplementedError


@dataclass(frozen=True)
class Done:
    """How a sweep ended.

    Attributes:
        sweep: its directory.
        exit_code: of the command.
    """

    sweep: Sweep
    exit_code: int


def run(start: Start, config: "DictConfig", context: "HydraContext") -> Done:
    """Run or go on with a sweep.

    Args:
        start: what is swept.
        config: the declaration as Hydra composed it, with its own node.
        context: what composes the trials.

    Raises:
        KeyboardInterrupt: stopped from outside; everything is marked.
        SkinlabError: the sweep as a whole cannot go on.
    """
    from omegaconf import OmegaConf

    declaration = start.declaration
    record = {
        "command": declaration.command,
        "code": machine.code_version(),
        "declaration": declaration.record() | {"launcher": _launcher_name(config)},
        "objectives": [{"metric": name, "direction": DIRECTIONS[name]} for name in declaration.objectives],
        "best": None,
        "pareto": [],
        "optimism": None,
    }
    if start.resume is None:
        sweep = Sweep.create(Path(config.hydra.sweep.dir).absolute(), record)
        files.write_text(sweep.path / "multirun.yaml", OmegaConf.to_yaml(config))  # as Hydra's own sweeper does
    else:
        sweep = Sweep.reopen(start.resume.absolute())
        sweep.update(declaration=record["declaration"])
    stopping.clear(sweep.path)
    _settle_threads(sweep, declaration, config)
    launch = _launcher(sweep, declaration, config, context)
    return Loop(sweep, declaration, launch, _parallel(declaration, config)).run()


def _launcher_name(config: "DictConfig") -> str:
    return str(config.hydra.runtime.choices.get("hydra/launcher"))


def _parallel(declaration: Declaration, config: "DictConfig") -> int:
    """How many runs are handed over at once where a result may depend on it."""
    declared = declaration.settings.parallel
    jobs = int(config.hydra.launcher.get("n_jobs") or 1)
    machine_wide = machine.describe()["cores"] if jobs < 0 else jobs
    return declared or int(machine_wide)


def _settle_threads(sweep: Sweep, declaration: Declaration, config: "DictConfig") -> None:
    """CPU threads of each trial, where none are declared: once, since another number may round differently."""
    if "threads" not in sweep.record:
        declared = any(composed.config.engine.threads is not None for composed in declaration.checked)
        cores = len(processors.usable())
        sweep.update(threads=None if declared else leases.threads_of_each(config.hydra.launcher, cores))


def _launcher(sweep: Sweep, declaration: Declaration, config: "DictConfig", context: "HydraContext") -> Launch:
    """The declared launcher with our task; its trials go into this sweep's directory, their lines into their logs."""
    from hydra.core.plugins import Plugins
    from omegaconf import OmegaConf, open_dict, read_write

    from skinlab.sweeps.composing import context_of_trials

    folder = str(sweep.path).replace("\\", "\\\\").replace("'", "\\'")
    with read_write(config), open_dict(config):
        config.hydra.sweep.dir = str(sweep.path)
        config.hydra.overrides.hydra += [f"hydra.sweep.dir='{folder}'", "hydra/job_logging=trial", "hydra.mode=RUN"]
        if OmegaConf.select(config, "hydra.hydra_logging.root.level"):
            config.hydra.hydra_logging.root.level = "WARNING"  # the sweep itself says what a launcher would
    task = TrialTask(declaration.command, sweep.path, machine.process_identity(), declaration.settings)
    launcher = Plugins.instance().instantiate_launcher(
        hydra_context=context_of_trials(context), task_function=task, config=config
    )
    return launcher.launch


class Loop:
    """One process's part in a sweep.

    Args:
        sweep: its directory, owned by this process.
        declaration: what is swept.
        launch: runs trials: overrides of each, and the number of the first; gives a return for each.
        parallel: runs that are handed over at once where a result may depend on it.
    """

    def __init__(self, sweep: Sweep, declaration: Declaration, launch: Launch, parallel: int) -> None:
        self._sweep = sweep
        self._declaration = declaration
        self._settings = declaration.settings
        self._launch = launch
        self._directions = [DIRECTIONS[name] for name in declaration.objectives]
        self._planner = Planner(declaration, sweep.trials)
        self._points_at_once = max(1, parallel // len(declaration.space.repetitions))
        self._deaths: Counter[int] = Counter()
        self._failures = Counter({trial.number: trial.attempts for trial in sweep.trials if trial.status == "failed"})
        self._codes: dict[int, int] = {}
        self._in_flight = stopping.RunsOf()
        self._study: Study | None = None
        self._judged = time.monotonic()

    def run(self) -> Done:
        """To the end, or as far as it is let."""
        sweep = self._sweep
        try:
            with stopping.polite(sweep.path, self._in_flight), Progress(sweep, self._declaration):
                self._prepare()
                while (batch := self._next_batch()) and stopping.requested(sweep.path) is None:
                    self._run_batch(batch)
        except KeyboardInterrupt:
            sweep.refresh()
            self._end("interrupted", "stopped from outside")
            sys.stderr.write(f"go on with `skinlab sweep resume {short(sweep.path)}`\n")  # logs are the trials'
            raise
        except Exception as error:
            sweep.refresh()
            self._end("failed", str(error).splitlines()[0] if str(error) else type(error).__name__)
            raise
        return self._finish()

    def _finish(self) -> Done:
        self._sweep.update(optimism=self._optimism())
        failures = [trial for trial in self._sweep.trials if trial.status == "failed"]
        code = next((self._codes.get(trial.number, MISTAKE) for trial in failures), 0)
        if all(trial.has_ended for trial in self._sweep.trials) and stopping.requested(self._sweep.path) is None:
            self._end("finished")
        elif failures and self._settings.on_failure == "stop":
            self._end("failed", f"trial {failures[0].number} failed: {failures[0].error}")
        else:
            self._end("interrupted", "stopped from outside")
            code = 130
        return Done(self._sweep, code)

    def _end(self, status: Any, error: str | None = None) -> None:
        self._judge()
        stopping.clear(self._sweep.path)
        self._sweep.end(status, error)
        page.write(self._sweep)

    # --- what is tried ---------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        """The trials of a grid, or the sampler with all that it was told before."""
        settings = self._settings
        if settings.sampler != "grid":
            self._study = Study(settings, self._declaration.space.dimensions, self._directions, self._sweep.path)
            self._replay(self._study)
        elif not self._sweep.trials:
            self._sweep.add(self._planner.grid(self._points_at_once if settings.pruner != "none" else None))

    def _replay(self, study: Study) -> None:
        """Ask for what was asked for and tell what was told, batch by batch, as it was the first time."""
        groups = leaderboard.grouped(self._sweep.trials)
        for batch in dict.fromkeys(group.trials[0].batch for group in groups):
            members = [group for group in groups if group.trials[0].batch == batch]
            for group in members:
                study.repeat({key: group.trials[0].drawn[key] for key in self._declaration.space.dimensions})
            if all(trial.has_ended and not self._may_retry(trial) for group in members for trial in group.trials):
                study.tell([self._result(group) for group in members])

    def _next_batch(self) -> list[Trial]:
        """The trials to run next that do not depend on one another; none where all is done."""
        waiting = [trial for trial in self._sweep.trials if not trial.has_ended or self._may_retry(trial)]
        if waiting:
            first = min(trial.batch for trial in waiting)
            return [trial for trial in waiting if trial.batch == first]
        groups = leaderboard.grouped(self._sweep.trials)
        left = (self._settings.trials or 0) - len(groups)
        if self._study is None or left <= 0:
            return []
        points = self._study.ask(min(left, self._points_at_once))
        batch = self._planner.of_points(points, len(self._sweep.trials), len(groups))
        self._sweep.add(batch)
        return batch

    def _may_retry(self, trial: Trial) -> bool:
        """Whether a failed trial is tried once more; where a sampler was told of the failure, it is not."""
        again = re.fullmatch(r"retry\((\d+)\)", self._settings.on_failure)
        limit = int(again[1]) if again else 0
        is_last = self._study is None or trial.batch == self._sweep.trials[-1].batch
        return trial.status == "failed" and trial.attempts <= limit and is_last

    # --- running ---------------------------------------------------------------------------------------------------

    def _run_batch(self, batch: Sequence[Trial]) -> None:
        """Until each trial of it has ended, or the sweep is stopped; then the sampler is told."""
        self._wait_for_others(batch)
        while left := [trial for trial in batch if not trial.has_ended or self._may_retry(trial)]:
            for trial in left:
                self._sweep.set(trial, status="waiting", error=None)
            self._launch_trials(left)
            if stopping.requested(self._sweep.path):
                break
        if time.monotonic() - self._judged > JUDGE_EVERY:
            self._judge()
        if self._study is not None and all(trial.has_ended for trial in batch):
            groups = leaderboard.grouped(batch)
            self._study.tell([self._result(group) for group in groups])

    def _wait_for_others(self, batch: Sequence[Trial]) -> None:
        """Trials that processes of a sweeper that was killed still run are not run a second time."""
        told: set[int] = set()
        while running := [trial for trial in batch if trial.status == "running"]:
            if stopping.requested(self._sweep.path):
                return
            for trial in running:
                if trial.number not in told:
                    told.add(trial.number)
                    log.warning("trial %d is still being run by another process: waiting for it", trial.number)
            time.sleep(LOOK_EVERY)
            self._sweep.refresh(batch)

    def _launch_trials(self, trials: Sequence[Trial]) -> None:
        self._in_flight.paths = [self._sweep.run_path(trial) for trial in trials]
        threads = self._sweep.record["threads"]
        settled = [] if threads is None else [f"engine.threads={threads}"]
        jobs = [[*trial.overrides, *settled, f"hydra.sweep.subdir={trial.run}"] for trial in trials]
        outcomes: dict[str, Outcome] = {}
        try:
            returned = self._launch(jobs, trials[0].number)
            found = [_outcome(one, self._sweep.run_path(trial)) for one, trial in zip(returned, trials, strict=True)]
            outcomes = {outcome.path.name: outcome for outcome in found}
        except Exception as error:  # noqa: BLE001 - of any launcher; what it means for the trials is found out
            self._blame(trials, error)
        finally:
            self._in_flight.paths = []
        self._sweep.refresh(trials)
        for trial in trials:
            outcome = outcomes.get(trial.run)
            if outcome is not None and outcome.status == "failed":  # its directory may not say so: a full disk
                self._codes[trial.number] = outcome.exit_code
                self._fail(trial, one_line(outcome.error))

    def _blame(self, trials: Sequence[Trial], error: Exception) -> None:
        """The launcher itself failed: find the trials that it failed for.

        Raises:
            OutputError: no trial is to blame.
        """
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        self._sweep.refresh(trials)
        for trial in trials:
            if trial.status == "interrupted":
                self._deaths[trial.number] += 1
                if self._deaths[trial.number] >= DEATHS:
                    self._fail(trial, f"its process died {DEATHS} times: {said}")
            elif trial.status == "waiting" and (refusal := self._refusal(trial)):
                self._fail(trial, refusal)
        if all(trial.status == "waiting" for trial in trials):
            raise OutputError(f"the launcher failed: {said}") from error

    def _refusal(self, trial: Trial) -> str | None:
        """Why the declaration of a trial cannot be composed."""
        from skinlab.config import compose

        try:
            compose(trial.overrides, self._declaration.config_dirs)
        except SkinlabError as error:
            return str(error).splitlines()[0]
        return None

    def _fail(self, trial: Trial, reason: str | None) -> None:
        self._sweep.set(trial, status="failed", error=reason, attempts=self._failures[trial.number] + 1)
        self._failures[trial.number] += 1

    # --- what came of it -------------------------------------------------------------------------------------------

    def _result(self, group: leaderboard.Group) -> Result:
        """What a sampler is told of a point."""
        if group.is_complete:
            return Result(group.means)
        if not any(trial.status == "pruned" for trial in group.trials):
            return Result()
        curves = [self._curve(trial) for trial in group.trials]
        return Result(pruned=True, curve=[sum(values) / len(values) for values in zip(*curves, strict=False)])

    def _curve(self, trial: Trial) -> list[float]:
        """The monitored metric by epoch, better in the direction of the objective; the defined ones only."""
        sign = 1 if self._directions[0] == "maximize" else -1
        curve = curve_of(self._sweep, trial, self._declaration.config.training.monitor)
        return [sign * value for value in curve if value is not None]

    def _judge(self) -> None:
        """The best so far and the leaderboard."""
        self._judged = time.monotonic()
        self._sweep.update(**leaderboard.judge(self._sweep))

    def _optimism(self) -> dict[str, Any]:
        """How much better than it is the best point looks, by the first objective."""
        from skinlab.sweeps import optimism

        order = leaderboard.ranked(leaderboard.grouped(self._sweep.trials), self._directions)
        name = self._declaration.objectives[0]
        return optimism.estimate(self._sweep, order, name, self._directions[0], self._declaration.config.seed)


def _outcome(returned: Any, path: Path) -> Outcome:
    """What a launcher gives back for a job; a task that failed in itself is a failed trial."""
    try:
        outcome = returned.return_value
    except Exception as error:  # noqa: BLE001 - whatever the task raised is given back by raising it
        return failed(path, error)
    return outcome if isinstance(outcome, Outcome) else failed(path, RuntimeError("the launcher gave no outcome"))
