"""MODEL_CARD.md of a bundle: what the model is for and not for, what it was made of, what it is worth.

After Mitchell et al., "Model Cards for Model Reporting", 2019. It holds no time and no path: two runs of one
declaration write the same card.
"""

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from skinlab import records, schema
from skinlab.data.prepare import Prepared
from skinlab.data.split import SUBSETS
from skinlab.evaluation import tables
from skinlab.evaluation.scores import CLASS_LABELS
from skinlab.evaluation.summary import BINARY
from skinlab.report.words import sentence, with_interval

INTENDED = """Comparing methods on images like those that it was trained on, decoded and resized as `signature.json`
says. Its users are researchers."""
NOT_INTENDED = """It is not a medical device. Do not use it to diagnose, to decide about a treatment or a referral, to
screen people, or to reassure anybody. Do not use it on body sites, cameras or groups of people that the data does not
have, or on anything but skin lesions: it answers with one of its classes whatever it is shown."""
LOOKS = """How often these images have been looked at is in the run's report.html: a choice among models by these
numbers makes them too good."""
SUBGROUPS = """Among many subgroups some intervals miss by chance; a difference between two is to be tested, not read
off."""
LIMITS = """- The intervals are about other images drawn like these. Other hospitals, cameras and populations are not in
  them.
- Precision and negative predictive value move with the prevalence, which in collected data is not that of a clinic.
- A probability is calibrated at most for data like that of the validation subset.
- There is no class for "none of these", and nothing refuses an image that is out of focus or no lesion."""


def model_card(config: schema.Config, prepared: Prepared, result: dict[str, Any]) -> str:
    """The text, Markdown.

    Args:
        config: the declaration.
        prepared: the data.
        result: the content of summary.json.
    """
    test, note = result["test"], result["note"]
    warning = "; ".join(filter(None, [records.RESEARCH_NOTE, note]))
    level = tables.level_of(test)
    parts = [
        f"# {cell(config.name)}",
        f"**{warning[0].upper()}{warning[1:]}.**",
        "## The model",
        grid(("", ""), _model(config, prepared)),
        "## What it is for",
        INTENDED,
        "## What it is not for",
        NOT_INTENDED,
        "## Data",
        grid(("Class", *(f"{subset} images" for subset in SUBSETS)), _counts(prepared)),
        *(f"- {cell(remark)}" for remark in records.data_remarks(prepared.audit)),
        "## What it is worth",
        f"{cell(sentence(tables.heading(test, 'test')))} Intervals are of {level}.",
        grid(("Number", "Value", "Interval"), _numbers(test, level)),
        _per_class(test),
        LOOKS,
        "## Operating point",
        _operating_point(result["operating_point"], test["positive_class"], level),
        "## Subgroups",
        *_subgroups(result["subgroups"], test),
        "## Limits",
        LIMITS,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def cell(value: object) -> str:
    r"""A value that neither ends a cell of a table nor becomes markup.

    >>> cell("a|b <i> [c](d)")
    'a\\|b &lt;i&gt; [c]\\(d)'
    """
    return re.sub(r"([|*`\\]|(?<=\])\()", r"\\\1", escape(" ".join(str(value).split()), quote=False))


def grid(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def _model(config: schema.Config, prepared: Prepared) -> list[tuple[str, object]]:
    network = config.network
    return [
        ("Network", f"{network.name}, input {network.image_size} x {network.image_size} RGB"),
        ("Method", f"{config.method.name}, beginning with weights: {network.weights}"),
        ("Classes", ", ".join(prepared.classes)),
        *([] if prepared.positive is None else [("Positive class", prepared.classes[prepared.positive])]),
        ("Test-time augmentation", config.evaluation.tta),
        ("Data set", f"{config.dataset.name}, fingerprint {prepared.fingerprint[:16]}"),
        ("Split", prepared.split_hash[:16]),
        ("Seed", config.seed),
    ]


def _counts(prepared: Prepared) -> list[tuple[object, ...]]:
    of = {
        subset: np.bincount(prepared.targets[prepared.rows(subset)], minlength=len(prepared.classes))
        for subset in SUBSETS
    }
    return [(name, *(of[subset][code] for subset in SUBSETS)) for code, name in enumerate(prepared.classes)]


def _numbers(test: dict[str, Any], level: str) -> list[tuple[str, str, str]]:
    labels = tables.labels_of(test)
    found = {labels[name]: tables.cells(entry, level) for name, entry in test["metrics"].items()}
    return [(label, value, " ".join(filter(None, rest))) for label, (value, *rest) in found.items()]


def _per_class(test: dict[str, Any]) -> str:
    """Each of more than two classes against the rest."""
    if len(test["classes"]) <= BINARY:
        return ""
    head = ("Class against the rest", "Images", *(CLASS_LABELS[name] for name in tables.OF_CLASS))
    return grid(
        head,
        [
            (name, test["classes"][name], *(with_interval(found[metric]) for metric in tables.OF_CLASS))
            for name, found in test["per_class"].items()
        ],
    )


def _operating_point(point: dict[str, Any], positive: str | None, level: str) -> str:
    if point["threshold"] is None:
        return "An image is called what is most probable."
    reached = [
        f"{CLASS_LABELS[name].lower()} {with_interval(point['test'][name])}" for name in ("sensitivity", "specificity")
    ]
    return (
        f"An image is called {cell(positive)} from a probability of {point['threshold']:.4g} on, by the rule "
        f"{cell(point['rule'])}. On the test subset: {cell(', '.join(reached))} ({level} intervals)."
    )


def _subgroups(columns: Sequence[dict[str, Any]], test: dict[str, Any]) -> list[str]:
    if not columns:
        return ["None were declared. That it works alike for everybody is not known."]
    labels, names = tables.labels_of(test), tables.in_subgroups(test)
    head = ("Images", *(labels[name] for name in names), "Remark")
    found = [
        grid(
            (column["column"], *head),
            [
                (
                    part["name"],
                    part["images"],
                    *(with_interval(part["metrics"][name]) for name in names),
                    part["small"] or "",
                )
                for part in column["subgroups"]
            ],
        )
        for column in columns
    ]
    return [f"On the test subset, with intervals of {tables.level_of(test)}. {SUBGROUPS}", *found]
