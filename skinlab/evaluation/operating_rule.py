"""The grammar of rules for an operating point; chooses nothing, see operating_point.py.

    0.5                   a fixed threshold
    sensitivity>=0.95     the most specific threshold that is at least so sensitive
    specificity>=0.9      the most sensitive threshold that is at least so specific
    youden                sensitivity + specificity as large as can be (Youden, Cancer 1950)
    cost(fn=10,fp=1)      the smallest mean cost of errors, at the prevalence of the validation subset

Imports the standard library only: a declaration is checked without loading what computes.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

DEFAULT = 0.5
FORMS = "a threshold such as 0.5, sensitivity>=0.95, specificity>=0.9, youden or cost(fn=10,fp=1)"

_LEAST = re.compile(r"(sensitivity|specificity)\s*>=\s*(\S+)")
_COST = re.compile(r"cost\s*\(\s*fn\s*=\s*([^\s,]+)\s*,\s*fp\s*=\s*([^\s,)]+)\s*\)")


@dataclass(frozen=True)
class Rule:
    """A parsed rule.

    Attributes:
        kind: which.
        text: in its one spelling, for records.
        level: the threshold, or the least sensitivity or specificity; nan otherwise.
        costs: of a missed positive image and of a false alarm, for cost.
    """

    kind: Literal["threshold", "sensitivity", "specificity", "youden", "cost"]
    text: str
    level: float = math.nan
    costs: tuple[float, float] = (1.0, 1.0)


def parse(rule: str | float) -> Rule:
    """Read a rule.

    Raises:
        ValueError: what is wrong with it, in words that follow the value.

    >>> parse("sensitivity >= 0.950").text, parse("cost(fn=10, fp=1)").costs, parse(0.3).level
    ('sensitivity>=0.95', (10.0, 1.0), 0.3)
    """
    text = str(rule).strip()
    if text == "youden":
        return Rule("youden", text)
    if found := _LEAST.fullmatch(text):
        least = _number(found[2], f"the {found[1]}", below=1)
        return Rule("sensitivity" if found[1] == "sensitivity" else "specificity", f"{found[1]}>={least:.12g}", least)
    if found := _COST.fullmatch(text):
        missed, alarm = _number(found[1], "the cost fn"), _number(found[2], "the cost fp")
        return Rule("cost", f"cost(fn={missed:.12g},fp={alarm:.12g})", costs=(missed, alarm))
    try:
        float(text)
    except ValueError as error:
        raise ValueError(f"must be {FORMS}") from error
    level = _number(text, "a threshold", below=1)
    return Rule("threshold", f"{level:.12g}", level)


def _number(text: str, what: str, *, below: float = math.inf) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{what} must be a number, not {text}") from error
    if not (0 < number < below and math.isfinite(number)):
        raise ValueError(f"{what} must be above 0" + (f" and below {below:g}" if below < math.inf else ""))
    return number


def refusal(rule: str | float, classes: int) -> str | None:
    """Why a rule cannot be followed with so many classes; None where it can.

    More than two are told apart by the most probable one: a threshold on one of them would leave open which of the
    others is meant below it, so a rule is refused rather than followed by half. The default asks for nothing.

    >>> refusal("youden", 2), refusal(0.5, 7)
    (None, None)
    """
    if classes <= 2 or parse(rule) == parse(DEFAULT):  # noqa: PLR2004 - two classes
        return None
    return (
        f"needs two classes, not {classes}, of which the most probable is taken: "
        "merge them, e.g. dataset.classes={benign: [nv, bkl], malignant: [mel, bcc]}, or leave it at 0.5"
    )
