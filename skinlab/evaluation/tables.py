"""The numbers of a summary as lines for the terminal. Computes nothing."""

from collections.abc import Sequence
from typing import Any

from skinlab.evaluation.scores import CLASS_LABELS, WHOLE_LABELS
from skinlab.evaluation.summary import ABOUT_POSITIVE, BINARY

OF_CLASS = ("auc", "sensitivity", "specificity", "average_precision")
"""What the terminal shows of each of more than two classes."""
NO_POSITIVE = "no class is singled out"
"""Said where no class is the positive one."""


def format_result(result: dict[str, Any]) -> str:
    """The content of summary.json on the terminal: the operating point, the test subset, its subgroups."""
    lines = [
        *_operating_point(result["operating_point"], level_of(result["test"])),
        *_calibration(result["calibration"]),
    ]
    return "\n\n".join(part for part in ("\n".join(lines), format_scored(result)) if part)


def format_scored(result: dict[str, Any], subset: str = "test") -> str:
    """The table of the scored images, then those of their subgroups."""
    test = result["test"]
    return "\n\n".join([format_table(test, subset), *(_subgroup_table(column, test) for column in result["subgroups"])])


def _operating_point(point: dict[str, Any], level: str) -> list[str]:
    """What a rule reached where it was chosen and where it was applied; nothing for a plain threshold."""
    if point["threshold"] is None or point["rule"] == f"{point['threshold']:.12g}":
        return []
    lines = [f"threshold {point['threshold']:.4g}, chosen on validation by {point['rule']}"]
    for subset in ("validation", "test"):
        reached = [f"{name} {_short(point[subset][name])}" for name in ("sensitivity", "specificity")]
        lines.append(f"  on {subset}: {', '.join(reached)} ({level} intervals)")
    return lines


def _calibration(found: dict[str, Any]) -> list[str]:
    if found["method"] == "none":
        return []
    test = found["test"]
    before, after = (_short(test[when]["ece"]) for when in ("before", "after"))
    fitted = f"temperature {found['temperature']:.4g}, fitted on validation"
    return [f"{fitted}; expected calibration error on test: {before}, then {after}"]


def _subgroup_table(column: dict[str, Any], summary: dict[str, Any]) -> str:
    """A line a subgroup: its images, then a few numbers; last what makes it too small to say."""
    labels, names = labels_of(summary), in_subgroups(summary)
    rows = [(f"by {column['column']}", "images", *(labels[name] for name in names), "")]
    for part in column["subgroups"]:
        found = [_short(part["metrics"][name]) for name in names]
        rows.append((part["name"], str(part["images"]), *found, part["small"] or ""))
    said = f"{level_of(summary)} intervals; subgroups are not corrected for how many there are"
    return "\n".join([*_columns(rows), said])


def in_subgroups(summary: dict[str, Any]) -> tuple[str, ...]:
    """The few numbers that a table of subgroups has."""
    return ("auc", "balanced_accuracy") if summary["positive_class"] is None else ("auc", "sensitivity", "specificity")


def _class_table(summary: dict[str, Any]) -> list[str]:
    """A line a class: its images, then how it is told from the rest; nothing of two classes, which tell the same."""
    if len(summary["classes"]) <= BINARY:
        return []
    rows = [("each class against the rest", "images", *(CLASS_LABELS[name] for name in OF_CLASS))]
    for name, found in summary["per_class"].items():
        rows.append((name, str(summary["classes"][name]), *(_short(found[metric]) for metric in OF_CLASS)))
    return ["", *_columns(rows)]


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of cells below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _short(entry: dict[str, Any]) -> str:
    if entry["value"] is None:
        return f"undefined: {entry['why']}"
    if entry["interval"] is None:
        return f"{entry['value']:.3f}"
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]"


def format_table(summary: dict[str, Any], subset: str = "test") -> str:
    """What was evaluated, then one number a line with its interval; of more than two classes then a line a class.

    Args:
        summary: what `skinlab.evaluation.summary.summarise` returned.
        subset: name of the subset that the images are of.

    Returns:
        Text without a newline at the end.
    """
    level, labels = level_of(summary), labels_of(summary)
    rows = [(labels[name], *cells(entry, level)) for name, entry in summary["metrics"].items()]
    return "\n".join([heading(summary, subset), *_aligned(rows), *_class_table(summary)])


def labels_of(summary: dict[str, Any]) -> dict[str, str]:
    """What each number of a summary is called in a table; of more than two classes, with the class that it is about."""
    labels = CLASS_LABELS | WHOLE_LABELS
    labels["sensitivity_at_specificity"] = f"Sensitivity at specificity {summary['at_specificity']:.10g}"
    labels["specificity_at_sensitivity"] = f"Specificity at sensitivity {summary['at_sensitivity']:.10g}"
    if len(summary["classes"]) > BINARY:
        if summary["positive_class"] is not None:
            labels |= {name: f"{labels[name]}, {summary['positive_class']}" for name in ABOUT_POSITIVE}
        labels["auc"] = labels["macro_auc"]
    return labels


def cells(entry: dict[str, Any], level: str) -> tuple[str, str, str]:
    """Value, bounds and method of one line."""
    if entry["value"] is None:
        return "-", f"undefined: {entry['why']}", ""
    if entry["interval"] is None:
        return f"{entry['value']:.3f}", entry["why"], ""
    return f"{entry['value']:.3f}", f"[{entry['low']:.3f}, {entry['high']:.3f}]", f"{level} {entry['interval']}"


def _aligned(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    """Columns as wide as their intervals; a sentence in place of one widens nothing."""
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    bounds = max((len(row[2]) for row in rows if row[2].startswith("[")), default=0)
    return [
        f"{label:<{widths[0]}}  {value:>{widths[1]}}  {found:<{bounds}}  {rest}".rstrip()
        for label, value, found, rest in rows
    ]


def level_of(summary: dict[str, Any]) -> str:
    """The level in percent, 95 and 99.9 from 0.95 and 0.999, without the digits of binary fractions."""
    return f"{100 * summary['confidence']:.10g} %"


def heading(summary: dict[str, Any], subset: str) -> str:
    """What was evaluated, in one line."""
    counts = ", ".join(f"{images} {name}" for name, images in summary["classes"].items())
    noun = "image" if summary["images"] == 1 else "images"
    groups = _group_phrase(summary["groups"], summary["images_without_group"])
    unseen = summary["images_of_unseen_label"]
    left_out = f"; {unseen} of labels unseen in training left out" if unseen else ""
    return f"on {summary['images']} {subset} {noun} ({counts}){groups}{left_out}; {_positive_phrase(summary)}"


def _positive_phrase(summary: dict[str, Any]) -> str:
    """Which class is the positive one, and where an image is called so."""
    if summary["positive_class"] is None:
        return f"{NO_POSITIVE}, an image is called what is most probable"
    threshold = summary["threshold"]
    of_several = "its probability is at least the threshold of its model"
    undecided = of_several if len(summary["classes"]) == BINARY else "it is the most probable"
    rule = undecided if threshold is None else f"its probability is at least {threshold:.4g}"
    return f"positive class: {summary['positive_class']}, called where {rule}"


def _group_phrase(groups: int | None, alone: int) -> str:
    if groups is None:
        return ""
    return f" of {groups} groups" + (f" and {alone} of unknown group" if alone else "")
