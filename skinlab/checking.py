"""What a run would find, before there is one: its images, what would stop it, and about how long an epoch takes.

Stands on the functions that a run stands on, and leaves nothing behind but the cache that the run will use.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from skinlab import engines, records, schema
from skinlab.data.manifest import GIVEN_SPLIT
from skinlab.data.prepare import Prepared, Report, Survey, prepare_surveyed, survey
from skinlab.errors import SkinlabError, of_exit_code
from skinlab.experiment import require_evaluation, require_network
from skinlab.methods.finetune import make_loader, make_plan
from skinlab.networks import pretrained
from skinlab.training import pace

_RULES = (
    ("dataset", "on_missing", "drop"),
    ("dataset", "on_spelling", "merge"),
    ("dataset", "on_other_label", "drop"),
    ("split", "on_other_value", "drop"),
    ("split", "on_mismatch", "drop"),
    ("dataset", "on_corrupt", "drop"),
    ("audit", "on_leak", "warn"),
)
"""Rules that can stop a run, and what lets it pass."""


@dataclass(frozen=True)
class Timing:
    """How fast training is.

    Attributes:
        seconds_per_epoch: roughly, without validation.
        images_per_second: of the steps that were timed.
        steps: how many these were.
        device: what computed.
    """

    seconds_per_epoch: float
    images_per_second: float
    steps: int
    device: str

    def __str__(self) -> str:
        """One line.

        >>> str(Timing(seconds_per_epoch=12.3, images_per_second=30.0, steps=20, device="cpu"))
        'about 12 s an epoch on cpu (20 steps measured)'
        """
        digits = 0 if self.seconds_per_epoch >= 10 else 1  # noqa: PLR2004 - two digits
        measured = f"{self.steps} step{'s' if self.steps > 1 else ''} measured"
        return f"about {self.seconds_per_epoch:.{digits}f} s an epoch on {self.device} ({measured})"


@dataclass
class Check:
    """What was found.

    Attributes:
        problems: what would stop a run, in the order in which it would.
        lenient: rules that the images below do not keep, as overrides: with the declared ones there are none.
        survey: the images before they were read; None: they cannot be used.
        data: the images as a run would have them; None: they cannot be used.
        timing: None: not measured.
    """

    problems: list[SkinlabError] = field(default_factory=list)
    lenient: list[str] = field(default_factory=list)
    survey: Survey | None = None
    data: Prepared | None = None
    timing: Timing | None = None

    @contextmanager
    def noting(self) -> Iterator[None]:
        """What stops the block is a problem; the same one is noted once."""
        try:
            yield
        except SkinlabError as error:
            if str(error) not in map(str, self.problems):
                self.problems.append(error)

    def raise_problems(self) -> None:
        """End with what would stop a run, a line each.

        Raises:
            SkinlabError: of the kind of the first.
        """
        if self.problems:
            raise of_exit_code(self.problems[0].exit_code, "\n".join(map(str, self.problems)))

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "data": None if self.data is None or self.survey is None else self._data_as_json(self.data, self.survey),
            "timing": None if self.timing is None else asdict(self.timing),
            "problems": [str(problem) for problem in self.problems],
        }

    def _data_as_json(self, data: Prepared, found: Survey) -> dict[str, Any]:
        return {
            "images": data.findings.images,
            "counts": data.findings.counts,
            "positive_class": positive_class(data),
            "groups": groups(data),
            "images_without_group": data.findings.images_without_group,
            "split": split_source(found.split),
            "split_hash": data.split_hash,
            "dataset_fingerprint": data.fingerprint,
            "label_revision": data.label_revision,
            "remarks": records.data_remarks(data.audit),
            "lenient": self.lenient,
        }


def check(config: schema.Config, report: Report | None = None, *, timed: bool = True) -> Check:
    """Find out what a run of this declaration would find out before its first epoch.

    Args:
        config: the declaration, checked.
        report: called with (images done, images in all) while images are decoded.
        timed: whether a few steps are trained; else the engine is not started.
    """
    found = Check()
    with found.noting():
        require_network(config.network)
    can_train = not found.problems
    _read(config, found, report)
    if found.survey is not None:
        with found.noting():
            require_evaluation(config, found.survey)
    if timed and can_train and found.data is not None:
        with found.noting():
            found.timing = _timing(config, found.data)
    return found


def _read(config: schema.Config, found: Check, report: Report | None) -> None:
    """The images; what a rule stops is looked at once more without this rule, whose name is in the message."""
    while True:
        before = len(found.problems)
        with found.noting():
            found.survey = survey(config.dataset, config.split, config.audit.known_errors)
            found.data = prepare_surveyed(found.survey, config.network.image_size, report, config.audit)
        if len(found.problems) == before:
            return
        message = str(found.problems[-1])
        for section, key, value in _RULES:
            part: Any = getattr(config, section)
            if f"{section}.{key}={value}" in message and getattr(part, key, value) != value:
                config = replace(config, **{section: replace(part, **{key: value})})
                found.lenient.append(f"{section}.{key}={value}")
                break
        else:
            return


def _timing(config: schema.Config, data: Prepared) -> Timing | None:
    """None where a method has no epochs, or such that take next to nothing; its engine is started all the same."""
    if isinstance(config.method, schema.Featurize):
        return None
    if isinstance(config.method, schema.Head):
        engines.start(config.engine, config.seed).close()
        return None
    plan = make_plan(config, config.method, data)
    rates = np.full(pace.WARM_UP + pace.MOST_STEPS, config.optimizer.learning_rate)
    loader = make_loader(config, data, plan.architecture.features)
    with engines.start(config.engine, config.seed) as engine, loader:
        first = pretrained.start(config.network, plan.architecture, data.classes, config.seed)
        engine.build(replace(plan, rates=rates), first.arrays)
        measured = pace.measure(engine, loader)
        device = engine.describe()["device"]
    speed = measured.images_per_second
    return Timing(round(loader.epoch_images / speed, 3), round(speed, 2), measured.steps, device)


def positive_class(data: Prepared) -> str | None:
    """The class that sensitivity and specificity are about; None: of more than two, none is."""
    return None if data.positive is None else data.classes[data.positive]


def groups(data: Prepared) -> int:
    """How many groups of images there are: lesions or patients."""
    return len(set(data.manifest.groups) - {None})


def split_source(split: schema.Split | None) -> str:
    """Where the subsets come from.

    >>> split_source(schema.FileSplit(name="file", path="split.csv", on_mismatch="fail"))
    'as in split.csv'
    """
    match split:
        case schema.HoldoutSplit():
            return f"drawn, seed {split.seed}"
        case schema.KFoldSplit():
            return f"drawn, fold {split.fold} of {split.folds}, seed {split.seed}"
        case schema.FileSplit():
            return f"as in {split.path}"
        case schema.ColumnSplit():
            given = split.column == GIVEN_SPLIT
            source = "given with the data set" if given else f"by column {split.column}"
            return source + (f", {split.validation:g} of training is validation" if split.validation else "")
        case None:
            return "none"
