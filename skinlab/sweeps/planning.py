"""Points of the search become trials: numbers, seeds and folds, scaled values, and what declares each run."""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from skinlab.config import compose, to_dict
from skinlab.config.differences import flattened
from skinlab.data.label_log.apply import declared_entries
from skinlab.data.label_log.entries import NONE, revision_of
from skinlab.data.label_log.place import log_path
from skinlab.errors import ConfigError
from skinlab.sweeps.declaration import Declaration
from skinlab.sweeps.space import Choices, Space
from skinlab.sweeps.state import Trial

_NOT_A_TRIALS = ("hydra", "sweep")
_PIN = "dataset.label_revision"
_IS_PIN = re.compile(rf"{re.escape(_PIN)}='({NONE}|[0-9a-f]+)'")


class Planner:
    """Makes the trials of a sweep.

    Args:
        declaration: of the sweep.
        made: the trials that there are; later ones have their labels.
    """

    def __init__(self, declaration: Declaration, made: Sequence[Trial] = ()) -> None:
        self._declaration = declaration
        self._space: Space = declaration.space
        self._config = flattened(to_dict(declaration.config))
        self._pins = {_of_data(trial.overrides): [w for w in trial.overrides if _key(w) == _PIN] for trial in made}

    def grid(self, batch: int | None) -> list[Trial]:
        """All combinations, the first key typed changing slowest.

        Args:
            batch: how many groups are run without the results of one another; None: all.
        """
        swept: dict[str, Choices] = {
            key: dimension
            for key, text in self._space.words
            if text is None
            and isinstance(dimension := {**self._space.dimensions, **self._space.replicates}[key], Choices)
        }
        groups: dict[tuple[str, ...], int] = {}
        trials: list[Trial] = []
        for texts in product(*(choices.texts for choices in swept.values())):
            one = dict(zip(swept, texts, strict=True))
            values = {key: swept[key].values[swept[key].texts.index(text)] for key, text in one.items()}
            point = tuple(text for key, text in one.items() if key not in self._space.replicates)
            group = groups.setdefault(point, len(groups))
            repetition = {key: values[key] for key in self._space.replicates}
            replicate = self._space.repetitions.index(repetition)
            first = 0 if batch is None else group // batch * batch
            trials.append(self._trial(len(trials), values, group, first, replicate))
        return trials

    def of_points(self, points: Sequence[Mapping[str, Any]], number: int, group: int) -> list[Trial]:
        """The runs of a batch of points that a sampler chose.

        Args:
            points: values by key.
            number: of the first run.
            group: of the first point.
        """
        runs = [
            (group + i, replicate, {**point, **repetition})
            for i, point in enumerate(points)
            for replicate, repetition in enumerate(self._space.repetitions)
        ]
        return [self._trial(number + i, values, of, group, replicate) for i, (of, replicate, values) in enumerate(runs)]

    def check(self, trials: Sequence[Trial]) -> None:
        """Refuse trials that this declaration does not make.

        Raises:
            ConfigError: the record of one was changed.
        """
        for trial in trials:
            if not self._makes(trial):
                raise ConfigError(f"trial {trial.number} is not of this sweep's declaration: sweep.json was changed")

    def _makes(self, trial: Trial) -> bool:
        swept = {**self._space.dimensions, **self._space.replicates}
        if trial.parameters.keys() != swept.keys():
            return False
        for key, value in trial.parameters.items():
            dimension = swept[key]
            chosen = isinstance(dimension, Choices) and value in dimension.values
            if not chosen and (isinstance(value, bool) or not isinstance(value, int | float)):
                return False
        declared = self._declared(trial.parameters)
        pins = trial.overrides[len(declared) :]
        return trial.overrides[: len(declared)] == declared and all(map(_IS_PIN.fullmatch, pins)) and len(pins) <= 1

    def _declared(self, parameters: Mapping[str, Any]) -> list[str]:
        words = self._space.overrides(parameters)
        return [word for word in words if re.split("[./]", _key(word))[0] not in _NOT_A_TRIALS]

    def _trial(self, number: int, drawn: Mapping[str, Any], group: int, batch: int, replicate: int) -> Trial:
        parameters = self._scaled(drawn)
        overrides = self._declared(parameters)
        return Trial(
            number=number,
            parameters=parameters,
            drawn=dict(drawn),
            overrides=[*overrides, *self._pin(overrides)],
            run=str(number),
            group=group,
            batch=batch,
            replicate=replicate,
        )

    def _scaled(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The values with those that follow another key in proportion to it."""
        values = dict(drawn)
        for key, scaled in (self._declaration.settings.scaled or {}).items():
            if key in values:
                by = values.get(scaled.by, self._config[scaled.by])
                values[key] = float(f"{values[key] * by / scaled.at:.12g}")
        return values

    def _pin(self, overrides: Sequence[str]) -> list[str]:
        """The revision of the label log now, so that a correction during the sweep does not divide its trials."""
        if any(_key(word) == _PIN for word in overrides):
            return []
        of_data = _of_data(overrides)
        if of_data not in self._pins:
            self._pins[of_data] = _revision(overrides, self._declaration)
        return self._pins[of_data]


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0]


def _of_data(overrides: Sequence[str]) -> tuple[str, ...]:
    """The overrides that say which data set it is."""
    return tuple(word for word in overrides if _key(word).startswith(("dataset", "experiment")) and _key(word) != _PIN)


def _revision(overrides: Sequence[str], declaration: Declaration) -> list[str]:
    dataset = compose(overrides, declaration.config_dirs).config.dataset
    if dataset.label_revision is not None or log_path(dataset) is None:
        return []
    return [f"{_PIN}='{revision_of(declared_entries(dataset)) or NONE}'"]
