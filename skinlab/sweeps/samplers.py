"""Who chooses the points of an adaptive search: optuna, asked so that the same results give the same points.

A sampler is made anew for each point from (sweep.seed, number of the point); what it knows of the points before is what
sweep.json holds. So a sweep that was killed goes on as if it had not been.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab import schema
from skinlab.errors import ConfigError, SetupError
from skinlab.evaluation.objectives import Direction
from skinlab.sweeps.space import Choices, Dimension

if TYPE_CHECKING:
    import optuna

JOURNAL = "study.journal"
_MISSING = "sweep.sampler={name} needs optuna: pip install 'skinlab[sweeps]'"
_CMA_MISSING = "sweep.sampler=cmaes needs cmaes: pip install 'skinlab[sweeps]'"
EVOLVING = ("cmaes", "nsga2")
POPULATION = 50
"""Largest generation of nsga2; a short sweep has smaller ones, so that there are several."""


@dataclass(frozen=True)
class Result:
    """What came of a point.

    Attributes:
        values: means of the objectives over its seeds and folds; None where it failed or was pruned.
        pruned: whether it was ended early.
        curve: the first objective's value after each epoch, for a pruned point.
    """

    values: list[float] | None = None
    pruned: bool = False
    curve: list[float] = field(default_factory=list)


class Study:
    """An adaptive search.

    Args:
        settings: of the sweep.
        dimensions: of the space.
        directions: of the objectives.
        folder: of the sweep; holds the journal where no other storage is declared.
    """

    def __init__(
        self,
        settings: schema.Sweep,
        dimensions: Mapping[str, Dimension],
        directions: Sequence[Direction],
        folder: Path,
    ) -> None:
        self._settings = settings
        self._dimensions = dict(dimensions)
        require(settings.sampler)
        self._study = _fresh(settings.storage, folder, directions)
        self._distributions = {key: _distribution(dimension) for key, dimension in dimensions.items()}
        self._asked: list[optuna.Trial] = []
        self._number = 0

    def ask(self, count: int) -> list[dict[str, Any]]:
        """The next points, chosen without each other's results."""
        return [self._ask() for _ in range(count)]

    def repeat(self, point: Mapping[str, Any]) -> None:
        """Ask for a point that was asked for before, when a sweep goes on.

        The evolving samplers leave notes in the study as they choose, so they choose again; the others need not.

        Raises:
            ConfigError: another one is chosen: optuna is not what it was.
        """
        if self._settings.sampler not in EVOLVING:
            self._study.enqueue_trial({key: _stored(self._dimensions[key], point[key]) for key in self._dimensions})
            self._ask(samplers_own=False)
        elif (found := self._ask()) != dict(point):
            raise ConfigError(
                f"sweep.sampler={self._settings.sampler} chooses {found} where it chose {dict(point)}: go on with the "
                "version of optuna that the sweep was started with (environment.lock in its runs)"
            )

    def tell(self, results: Sequence[Result]) -> None:
        """What came of the points that were asked for last, in their order."""
        from optuna.trial import TrialState

        for trial, result in zip(self._asked, results, strict=True):
            if result.values is not None:
                self._study.tell(trial, result.values)
            elif result.pruned:
                for epoch, value in enumerate(result.curve, start=1):
                    trial.report(value, epoch)
                self._study.tell(trial, state=TrialState.PRUNED)
            else:
                self._study.tell(trial, state=TrialState.FAIL)
        self._asked = []

    def _ask(self, *, samplers_own: bool = True) -> dict[str, Any]:
        """The next point; `samplers_own`: the sampler chooses it, it is not given."""
        name = self._settings.sampler if samplers_own else "random"  # which is quick, and not asked
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of experimental options
            self._study.sampler = _sampler(name, self._settings, _seed(self._settings.seed, self._number))
            trial = self._study.ask(self._distributions)
        self._number += 1
        self._asked.append(trial)
        return {key: _drawn(dimension, trial.params[key]) for key, dimension in self._dimensions.items()}


def require(sampler: str) -> None:
    """Refuse where a package is missing.

    Raises:
        SetupError: it says what to install.
    """
    try:
        import optuna
    except ImportError as error:
        raise SetupError(_MISSING.format(name=sampler)) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if sampler == "cmaes":
        try:
            import cmaes  # noqa: F401 - optuna imports it when it is late
        except ImportError as error:
            raise SetupError(_CMA_MISSING) from error


def _fresh(storage: str | None, folder: Path, directions: Sequence[Direction]) -> "optuna.Study":
    """An empty study: what it is to know it is told anew each time, so it can never disagree with sweep.json."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    name = f"skinlab-{folder.name}"
    try:
        if storage is None:
            (folder / JOURNAL).unlink(missing_ok=True)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                opened: Any = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
        else:
            opened = optuna.storages.get_storage(storage)
        if name in (summary.study_name for summary in optuna.get_all_study_summaries(opened)):
            optuna.delete_study(study_name=name, storage=opened)
        return optuna.create_study(storage=opened, study_name=name, directions=list(directions))
    except Exception as error:
        if storage is None:
            raise
        reason = str(error).splitlines()[0]
        raise ConfigError(f"sweep.storage={storage}: cannot be used: {reason}") from error


def _sampler(name: str, settings: schema.Sweep, seed: int) -> "optuna.samplers.BaseSampler":
    from optuna import samplers

    match name:
        case "random":
            return samplers.RandomSampler(seed=seed)
        case "tpe":
            return samplers.TPESampler(
                seed=seed, multivariate=True, constant_liar=True, warn_independent_sampling=False
            )
        case "cmaes":
            return samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
        case _:
            size = min(POPULATION, max(4, (settings.trials or POPULATION) // 5))
            return samplers.NSGAIISampler(seed=seed, population_size=size)


def _seed(seed: int, number: int) -> int:
    import numpy as np

    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _distribution(dimension: Dimension) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choices):
        if dimension.step is None:
            return CategoricalDistribution(dimension.texts)
        low, high = dimension.values[0], dimension.values[-1]
        if all(isinstance(value, int) for value in dimension.values):
            return IntDistribution(low, high, step=int(dimension.step))
        return FloatDistribution(low, high, step=dimension.step)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _drawn(dimension: Dimension, stored: Any) -> Any:
    """The value that a run has, for what optuna keeps."""
    if not isinstance(dimension, Choices):
        return stored
    if dimension.step is None:
        return dimension.values[dimension.texts.index(stored)]
    return min(dimension.values, key=lambda value: abs(value - stored))  # steps of a float are not exact


def _stored(dimension: Dimension, drawn: Any) -> Any:
    """The reverse."""
    return dimension.text(drawn) if isinstance(dimension, Choices) and dimension.step is None else drawn
