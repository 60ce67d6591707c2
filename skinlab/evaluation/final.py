"""From the predictions of a run to what its summary.json says: what validation decided, and what came of it on test.

Pure: reads no file and writes none. Temperature and threshold are functions of the validation subset alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from skinlab import schema
from skinlab.evaluation import calibration, operating_point, operating_rule, subgroups
from skinlab.evaluation.calibration import Temperature
from skinlab.evaluation.metrics import Floats, Integers
from skinlab.evaluation.operating_point import OperatingPoint
from skinlab.evaluation.scores import Levels
from skinlab.evaluation.summary import BINARY, Settings, summarise

MOST_PROBABLE = "most probable class"
"""The rule of more than two classes."""
OF_THRESHOLD = ("sensitivity", "specificity", "precision", "npv")
OF_CALIBRATION = ("ece", "log_loss", "brier")


@dataclass(frozen=True)
class Classes:
    """Names of the classes in the order of the outputs, and the index of the positive one, None where none is."""

    names: Sequence[str]
    positive: int | None


@dataclass(frozen=True)
class Subset:
    """The images of a subset and what was predicted of them.

    Attributes:
        image_ids: N names.
        targets: true classes, int64 [N].
        groups: lesion or patient of each image, None where not known.
        probabilities: float64 [N, C].
    """

    image_ids: Sequence[str]
    targets: Integers
    groups: Sequence[str | None]
    probabilities: Floats

    def over(self, temperature: float) -> "Subset":
        """The same with the logits divided."""
        return replace(self, probabilities=calibration.apply_temperature(self.probabilities, temperature))


@dataclass(frozen=True)
class Decision:
    """What the validation subset decided after training.

    Attributes:
        temperature: what logits are divided by.
        rule: of the operating point, in its one spelling.
        point: where an image is called positive; means nothing with more than two classes.
    """

    temperature: Temperature
    rule: str
    point: OperatingPoint

    def remarks(self) -> list[str]:
        """What was asked for and could not be done; one line each."""
        reasons = {"calibration: the temperature stays 1": self.temperature.why}
        reasons[f"operating_point={self.rule}: the threshold stays {operating_rule.DEFAULT}"] = self.point.why
        return [f"evaluation.{what}: {why}" for what, why in reasons.items() if why is not None]


def decide(evaluation: schema.Evaluation, validation: Subset, classes: Classes) -> Decision:
    """Fit the temperature, then choose the threshold of the calibrated probabilities.

    Args:
        evaluation: the declaration.
        validation: that subset, not calibrated.
        classes: of the predictions.
    """
    temperature = Temperature()
    if evaluation.calibration == "temperature":
        temperature = calibration.fit_temperature(validation.targets, validation.probabilities)
    if classes.positive is None or len(classes.names) > BINARY:
        return Decision(temperature, MOST_PROBABLE, OperatingPoint(operating_rule.DEFAULT))
    rule = operating_rule.parse(evaluation.operating_point)
    scores = validation.over(temperature.value).probabilities[:, classes.positive]
    point = operating_point.choose(rule, validation.targets == classes.positive, scores)
    return Decision(temperature, rule.text, point)


def numbers(
    evaluation: schema.Evaluation,
    seed: int,
    classes: Classes,
    subsets: Mapping[str, Subset],
    decision: Decision,
    columns: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """What summary.json holds beside the run's name and epochs.

    Args:
        evaluation: the declaration.
        seed: of the bootstrap.
        classes: of the predictions.
        subsets: "validation" and "test", not calibrated.
        decision: made on the former.
        columns: subgroup of each test image by column, from `subgroups.resolve`.
    """
    settings = settings_of(evaluation, seed, decision.point.threshold)
    final = {name: subset.over(decision.temperature.value) for name, subset in subsets.items()}
    summaries = {name: _summarise(subset, classes, settings) for name, subset in final.items()}
    test = final["test"]
    return {
        "operating_point": {
            "rule": decision.rule,
            "chosen_on": None if decision.rule == MOST_PROBABLE else "validation",
            "threshold": summaries["test"]["threshold"],
            "why": decision.point.why,
            **{name: _only(summary, OF_THRESHOLD) for name, summary in summaries.items()},
        },
        "calibration": {
            "method": evaluation.calibration,
            "temperature": decision.temperature.value,
            "why": decision.temperature.why,
            **_before_and_after(evaluation, classes, subsets, summaries, settings),
        },
        **summaries,
        "subgroups": subgroups.summarise_subgroups(
            columns,
            evaluation.subgroups,
            test.targets,
            test.probabilities,
            classes.names,
            classes.positive,
            test.groups,
            settings,
            evaluation.smallest_subgroup,
        ),
    }


def settings_of(evaluation: schema.Evaluation, seed: int, threshold: float) -> Settings:
    """How numbers are computed, as declared."""
    levels = Levels(specificity=evaluation.at_specificity, sensitivity=evaluation.at_sensitivity)
    return Settings(evaluation.confidence, evaluation.bootstrap, seed, levels, threshold)


def _summarise(subset: Subset, classes: Classes, settings: Settings) -> dict[str, Any]:
    return summarise(
        subset.targets,
        subset.probabilities,
        classes.names,
        classes.positive,
        subset.groups,
        settings,
        subset.image_ids,
    )


def _before_and_after(
    evaluation: schema.Evaluation,
    classes: Classes,
    subsets: Mapping[str, Subset],
    summaries: Mapping[str, dict[str, Any]],
    settings: Settings,
) -> dict[str, Any]:
    """How well probabilities are calibrated by subset; nothing where nothing was done."""
    if evaluation.calibration == "none":
        return {}
    return {
        name: {
            "before": _only(_summarise(subset, classes, settings), OF_CALIBRATION),
            "after": _only(summaries[name], OF_CALIBRATION),
        }
        for name, subset in subsets.items()
    }


def _only(summary: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: summary["metrics"][name] for name in names if name in summary["metrics"]}
