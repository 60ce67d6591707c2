"""A comparison on the terminal. Computes nothing."""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from skinlab.comparison.comparing import SELECTION, Comparison, Standing
from skinlab.comparison.verdict import Pair, sentence
from skinlab.logs import visible
from skinlab.report.words import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

IMAGES = {"all": "", "common": " that all runs share", "forced": " of the same name, whatever else differs"}


PAIR_COLUMNS = ("pair", "difference", "interval", "p", "p (Holm)", "SD by images", "SD by seeds", "method")


def show(comparison: Comparison, console: "Console") -> None:
    """The experiments, the pairs, and the verdicts in words."""
    console.print(_text(heading(comparison)))
    console.print(_experiments(comparison))
    console.print(_text("\n".join(places(comparison))))
    if comparison.pairs:
        console.print()
        console.print(_pairs(comparison))
        console.print(_text("\n".join(["", *(f"{sentence(pair)}." for pair in comparison.pairs)])))


def _text(text: str) -> "Text":
    """A text that may be somebody else's, as the terminal may get it."""
    from rich.text import Text

    return Text(visible(text), overflow="fold")


def heading(comparison: Comparison) -> str:
    """What was compared, in one line."""
    level = f"{100 * comparison.confidence:.10g} % intervals"
    if not comparison.ranked:
        return f"{comparison.label} of the test subset, not ranked; {level}"
    folds = f" in {len(comparison.folds)} folds" if len(comparison.folds) > 1 else ""
    taken = IMAGES[comparison.question.mode]
    return f"{comparison.label} on {counted(comparison.images, 'test image')}{taken}{folds}; {comparison.plan}; {level}"


def looked(comparison: Comparison) -> str | None:
    """How often the test subset was looked at, and what follows."""
    if comparison.looks is None:
        return None
    looks, runs = comparison.looks["looks"], comparison.looks["runs"]
    times = "once" if looks == 1 else f"{looks} times by {runs} run{'s' if runs > 1 else ''}"
    return f"the test subset was looked at {times}, and is now looked at again: {SELECTION}"


def number(standing: Standing, metric: str) -> str:
    """Value, interval and spread over runs."""
    entry = standing.numbers[metric]
    if entry["value"] is None:
        return f"undefined: {entry['why']}"
    bounds = f" [{entry['low']:.3f}, {entry['high']:.3f}]" if entry["interval"] else ""
    spread = "" if entry["sd"] is None else f" (SD {entry['sd']:.3f})"
    return f"{entry['value']:.3f}{bounds}{spread}"


def places(comparison: Comparison) -> list[str]:
    """Where the runs of each experiment lie."""
    return [f"{one.arm.name}: {one.arm.runs[0].path}{_others(len(one.arm.runs) - 1)}" for one in comparison.standings]


def _others(count: int) -> str:
    return f" and {count} more" if count else ""


def repeats(standing: Standing) -> str:
    """Seeds and folds of an experiment."""
    arm = standing.arm
    folds = [fold for fold in arm.folds if fold is not None]
    return ranges(arm.seeds) + (f"; folds {ranges(folds)}" if folds else "")


def ranges(numbers: Sequence[int]) -> str:
    """Ascending numbers, those that follow each other as a range.

    >>> ranges([0, 1, 2, 7])
    '0-2, 7'
    """
    breaks = [place for place, (one, other) in enumerate(pairwise(numbers), 1) if other != one + 1]
    parts = [numbers[start:end] for start, end in pairwise([0, *breaks, len(numbers)])]
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def value_text(value: Any) -> str:
    """A declared value as it would be typed, about."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def keys_of(comparison: Comparison) -> list[str]:
    """The keys in which the experiments differ, but for the seed, which has a column of its own."""
    return [key for key in comparison.standings[0].arm.differs if key != "seed"]


def experiment_rows(comparison: Comparison, shown: Callable[[Standing, str], str]) -> list[list[str]]:
    """The experiments with the keys in which they differ and the number that decides; the first row is the head.

    An experiment is a row or, where there are more keys than experiments, a column, so that many keys can be read.

    Args:
        comparison: of which.
        shown: what is shown of a number of an experiment.
    """
    keys = keys_of(comparison)
    rows = [["", *keys, "seeds", "validation", comparison.label]]
    for one in comparison.standings:
        validation = "-" if one.validation is None else f"{one.validation:.3f}"
        values = [value_text(one.arm.differs[key]) for key in keys]
        rows.append([one.arm.name, *values, repeats(one), validation, shown(one, comparison.question.metric)])
    return [list(row) for row in zip(*rows, strict=True)] if len(keys) > len(comparison.standings) else rows


def _experiments(comparison: Comparison) -> "Table":
    from rich.table import Table

    head, *rows = experiment_rows(comparison, number)
    table = Table(box=None, pad_edge=False)
    for name in head:
        table.add_column(_text(name), overflow="fold")
    for first, *row in rows:
        table.add_row(_text(first), *(_text(cell) for cell in row))
    return table


def _pairs(comparison: Comparison) -> "Table":
    from rich.table import Table

    table = Table(*PAIR_COLUMNS, box=None, pad_edge=False)
    for pair in comparison.pairs:
        table.add_row(*(_text(cell) for cell in pair_cells(pair)))
    return table


def pair_cells(pair: Pair) -> list[str]:
    """A pair in the columns of a table."""
    difference = pair.difference
    return [
        f"{pair.one} - {pair.other}",
        _known(difference.value, "+.3f"),
        "-" if math.isnan(difference.low) else f"[{difference.low:+.3f}, {difference.high:+.3f}]",
        probability(difference.p),
        probability(pair.adjusted),
        _known(pair.by_images, ".3f"),
        "not known" if pair.by_seeds is None else _known(pair.by_seeds, ".3f"),
        difference.method,
    ]


def _known(value: float, form: str) -> str:
    return "-" if math.isnan(value) else f"{value:{form}}"


def probability(value: float) -> str:
    """A p value.

    >>> probability(0.0314), probability(1e-9), probability(float("nan"))
    ('0.031', '< 0.001', '-')
    """
    if math.isnan(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"  # noqa: PLR2004 - three digits
