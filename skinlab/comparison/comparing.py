"""From finished runs to what is said of them: gate, statistics, verdicts. Reads run directories and writes nothing."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from skinlab.comparison import gate, power
from skinlab.comparison.arms import CODE, Arm, Best, Finished, LeftOut, arms, best_first
from skinlab.comparison.gate import Fold, Mode
from skinlab.comparison.measuring import Measured
from skinlab.comparison.sampling import LOWER_IS_BETTER
from skinlab.comparison.verdict import Pair, sentence
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.evaluation import looks
from skinlab.evaluation.summary import ABOUT_POSITIVE, metrics_of
from skinlab.evaluation.tables import labels_of

SCHEMA_VERSION = 1
MOST_PAIRED = 6
"""Of more experiments than this only those with the reference are compared: the others would cost power."""
ONCE = (
    "each experiment was run once: the verdict is about these trained models, and another seed may turn it; to compare "
    "the methods, train several seeds of each (-m 'seed=range(5)') and name them all"
)
SELECTION = "whoever chooses by this comparison selects on the test subset: confirm the choice on images not looked at"


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        metric: by which the verdict is made: a key of the metrics of a summary.
        mode: on which images.
        top: compare only so many experiments, the best by the metric on validation; None: all.
        each: every run by itself, also where runs differ in seed or fold alone.
        reference: the run, or one of the runs, that the others are compared with; None: by the number of experiments.
    """

    metric: str = "auc"
    mode: Mode = "all"
    top: int | None = None
    each: bool = False
    reference: Path | None = None


@dataclass(frozen=True)
class Standing:
    """An experiment with its numbers.

    Attributes:
        arm: the experiment.
        validation: mean of the metric on validation; None where it is not defined.
        numbers: each metric on the test images: value (the mean over runs), low, high, interval, why as in
            summary.json, and `sd` over the runs, None where there is one.
    """

    arm: Arm
    validation: float | None
    numbers: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """What is said.

    Attributes:
        question: what was asked.
        standings: the experiments; in the order given or, with `top`, by validation.
        causes: why the runs are not comparable as they are; nothing is ranked then unless the mode says so.
        pairs: none where nothing is ranked.
        plan: which experiments are compared with which.
        left_out: runs that are not compared, and why.
        folds: the images, by fold; none where nothing is ranked.
        looks: at the test subset, of all runs: `test_subset`, `looks`, `runs`; None where that is not known.
        note: what a reader must know of the data.
        remarks: what must be known of the verdicts, one line each.
        confidence: of the intervals.
    """

    question: Question
    standings: list[Standing]
    causes: list[str]
    pairs: list[Pair]
    plan: str
    left_out: list[LeftOut]
    folds: list[Fold]
    looks: dict[str, Any] | None
    note: str
    remarks: list[str]
    confidence: float

    @property
    def ranked(self) -> bool:
        """Whether there are verdicts."""
        return bool(self.folds)

    @property
    def label(self) -> str:
        """What the metric is called."""
        return labels_of(self.standings[0].arm.runs[0].result["test"])[self.question.metric]

    @property
    def images(self) -> int:
        """On how many test images it rests."""
        return sum(len(fold.image_ids) for fold in self.folds)


def compare(runs: Sequence[Finished], left_out: Sequence[LeftOut], question: Question) -> Comparison:
    """Compare finished runs.

    Args:
        runs: finished.
        left_out: others that were named.
        question: what is asked.

    Returns:
        What is said; without verdicts where the runs are not comparable and the mode does not make them so.

    Raises:
        DataError: there are fewer than two experiments, a run does not have the metric, or their predictions cannot
            be read.
    """
    best = None if question.top is None else Best(question.top, question.metric)
    chosen, repeated = arms(runs, each=question.each, best=best)
    gone = [*left_out, *repeated]
    if len(chosen) <= 1:
        raise DataError(_too_few(chosen, gone))
    _check_asked(chosen, question)
    read = gate.reader(chosen[0].runs[0].record["classes"])
    causes = gate.causes(chosen, question.metric, read)
    folds = gate.shared(chosen, question.mode, read) if question.mode != "all" or not causes else []
    confidence = max(_evaluation(run, "confidence") for arm in chosen for run in arm.runs)
    resamples = max(int(_evaluation(run, "bootstrap")) for arm in chosen for run in arm.runs)
    measured = Measured(folds, question.metric, confidence, resamples, causes=bool(causes))
    reference = _reference(chosen, question)
    pairs = measured.pairs(gate.pairs_of(chosen, reference)) if folds else []
    return Comparison(
        question=question,
        standings=[Standing(arm, arm.validation(question.metric), measured.numbers(arm)) for arm in chosen],
        causes=causes,
        pairs=pairs,
        plan=_plan(chosen, reference, question),
        left_out=gone,
        folds=folds,
        looks=_looks(chosen),
        note="; ".join(dict.fromkeys(run.result["note"] for arm in chosen for run in arm.runs if run.result["note"])),
        remarks=_remarks(chosen, folds),
        confidence=confidence,
    )


def _check_asked(chosen: Sequence[Arm], question: Question) -> None:
    """Refuse a number of the positive class where a run has none."""
    runs = [run for arm in chosen for run in arm.runs if run.result["test"]["positive_class"] is None]
    if runs and question.metric in ABOUT_POSITIVE:
        raise DataError(
            f"{question.metric} is about a positive class, and {runs[0].path} has none: its classes are "
            f"{listed(runs[0].record['classes'])}; compare by {', '.join(metrics_of(None))}, or train again with "
            "dataset.positive_class"
        )


def _evaluation(run: Finished, key: str) -> float:
    value: float = run.record["config"]["evaluation"][key]
    return value


# --- who is compared -----------------------------------------------------------------------------------------------


def _too_few(chosen: Sequence[Arm], gone: Sequence[LeftOut]) -> str:
    said = f"only {chosen[0].runs[0].path} is finished" if chosen else "no run is finished"
    named = listed([f"{one.path}: {one.why}" for one in gone])
    return f"a comparison needs two experiments: {said if gone or not chosen else 'only one was named'}" + (
        f" (left out: {named})" if named else ""
    )


def _reference(chosen: Sequence[Arm], question: Question) -> Arm | None:
    """Whom the others are compared with; None: each with each."""
    if question.reference is not None:
        wanted = question.reference.resolve()
        for arm in chosen:
            if any(run.path.resolve() == wanted for run in arm.runs):
                return arm
        raise DataError(f"--reference {question.reference} is none of the runs that are compared")
    return best_first(chosen, question.metric)[0] if len(chosen) > MOST_PAIRED else None


def _plan(chosen: Sequence[Arm], reference: Arm | None, question: Question) -> str:
    if reference is None:
        return "each two are compared" if len(chosen) > 2 else "one pair"  # noqa: PLR2004
    why = "as asked" if question.reference else "the best on validation, as there are many"
    return f"each is compared with {reference.name}, {why}"


# --- what must be known --------------------------------------------------------------------------------------------


def _looks(chosen: Sequence[Arm]) -> dict[str, Any] | None:
    """How often the test subset was looked at: what the ledger of this machine says, or the runs if that is more."""
    told = [run.record["test_looks"] for arm in chosen for run in arm.runs if "test_looks" in run.record]
    if not told:
        return None
    most = max(told, key=lambda looked: looked["looks"])
    known = looks.known(most["test_subset"])
    if len(known) > most["looks"]:
        return {"test_subset": most["test_subset"], "looks": len(known), "runs": len({look.run for look in known})}
    return dict(most)


def _remarks(chosen: Sequence[Arm], folds: Sequence[Fold]) -> list[str]:
    runs = [run for arm in chosen for run in arm.runs]
    said = []
    same: dict[str, list[str]] = {}
    for arm in chosen:
        same.setdefault(arm.runs[0].identity("seed", CODE), []).append(arm.name)
    said += [
        f"{listed(names)} differ in the seed alone: what sets them apart is chance in training"
        for names in same.values()
        if len(names) > 1 and len({run.seed for arm in chosen if arm.name in names for run in arm.runs}) == len(names)
    ]
    if len(folds) == 1 and all(len(arm.runs) == 1 for arm in chosen):
        said.append(ONCE)
    elif len(folds) == 1 and (single := [arm.name for arm in chosen if len(arm.runs) == 1]):
        said.append(f"one seed of {listed(single)}: its spread over seeds is taken to be that of the others")
    codes = dict.fromkeys(run.code for run in runs)
    if len(codes) > 1:
        said.append(f"the runs are of different code: {listed(list(codes))}")
    for fold in {run.fold for run in runs}:
        splits = {run.record["split_hash"] for run in runs if run.fold == fold}
        if len(splits) > 1:
            said.append("the runs were not trained on the same images: their splits differ")
            break
    return said


def as_json(comparison: Comparison) -> dict[str, Any]:
    """All of it, ready for JSON."""
    question = comparison.question
    return {
        "schema_version": SCHEMA_VERSION,
        "metric": question.metric,
        "higher_is_better": question.metric not in LOWER_IS_BETTER,
        "confidence": comparison.confidence,
        "comparable": not comparison.causes,
        "causes": comparison.causes,
        "images_taken": question.mode,
        "images": comparison.images,
        "folds": [fold.fold for fold in comparison.folds],
        "note": comparison.note,
        "looks": comparison.looks,
        "remarks": comparison.remarks,
        "plan": comparison.plan,
        "experiments": [_standing_json(one) for one in comparison.standings],
        "pairs": [_pair_json(pair) for pair in comparison.pairs],
        "left_out": [{"run": str(one.path), "why": one.why} for one in comparison.left_out],
    }


def _standing_json(standing: Standing) -> dict[str, Any]:
    arm = standing.arm
    return {
        "name": arm.name,
        "runs": [str(run.path) for run in arm.runs],
        "seeds": arm.seeds,
        "differs": arm.differs,
        "validation": standing.validation,
        "test": standing.numbers,
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    difference = {key: _number(value) for key, value in pair.difference._asdict().items()}
    return {
        "one": pair.one,
        "other": pair.other,
        **difference,
        "p_holm": _number(pair.adjusted),
        "better": pair.better,
        "sd_by_images": _number(pair.by_images),
        "sd_by_seeds": pair.by_seeds,
        "needed": None if pair.needed is None else asdict(pair.needed) | {"power": power.POWER, "level": pair.level},
        "verdict": sentence(pair),
    }


def _number(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
