"""The same numbers by sex, age band, site or any other column: whom a model serves less well.

Splits images by a column and says where a subgroup is too small to say anything. Draws nothing.
"""

import bisect
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError
from skinlab.evaluation.metrics import Floats, Integers
from skinlab.evaluation.summary import Settings, summarise

UNKNOWN = "unknown"
MOST = 50
"""Distinct values from which a column is no grouping: an id, or a number without edges."""

Declared = Sequence[str] | Mapping[str, Sequence[float] | None] | None
"""Names of columns; or the edges of the bands of each, None where its values are the subgroups."""


def resolve(declared: Declared, attributes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The subgroup of each image by column, in the order declared.

    Args:
        declared: which columns.
        attributes: further columns of the data set by name, as text; empty where not known.

    Raises:
        DataError: no such column, values that are not numbers where there are edges, too many values where not.

    >>> resolve({"age": [30, 60], "sex": None}, {"age": ["30", "", "71.5"], "sex": ["f", "m", ""]})
    {'age': ['30 to 60', 'unknown', '60 and above'], 'sex': ['f', 'm', 'unknown']}
    """
    return {column: _named(column, edges, _values(column, attributes)) for column, edges in edges_of(declared).items()}


def edges_of(declared: Declared) -> dict[str, Sequence[float] | None]:
    """The declaration in its long form."""
    return dict(declared) if isinstance(declared, Mapping) else dict.fromkeys(declared or ())


def _values(column: str, attributes: Mapping[str, Sequence[str]]) -> Sequence[str]:
    if column in attributes:
        return attributes[column]
    there = f"there are {listed(list(attributes))}" if attributes else "the data set has no further columns"
    raise DataError(f"evaluation.subgroups: no column {column}{nearest(column, attributes)}; {there}")


def _named(column: str, edges: Sequence[float] | None, values: Sequence[str]) -> list[str]:
    """The subgroup of each value."""
    known = {value: UNKNOWN if value.casefold() in ("", UNKNOWN) else value for value in dict.fromkeys(values)}
    if edges is not None:
        bands = band_names(edges)
        numbers = [value for value, name in known.items() if name != UNKNOWN]
        known |= {value: bands[_band(column, edges, value)] for value in numbers}
    elif len(known) > MOST:
        raise DataError(
            f"evaluation.subgroups: column {column} has {len(known)} different values (at most {MOST} make subgroups); "
            f"of a number give the edges of bands, e.g. {{{column}: [30, 60]}}"
        )
    return [known[value] for value in values]


def band_names(edges: Sequence[float]) -> list[str]:
    """What the bands between rising edges are called; a band holds its lower edge.

    >>> band_names([30, 45.5])
    ['below 30', '30 to 45.5', '45.5 and above']
    """
    written = [f"{edge:.10g}" for edge in edges]
    between = [f"{low} to {high}" for low, high in pairwise(written)]
    return [f"below {written[0]}", *between, f"{written[-1]} and above"]


def _band(column: str, edges: Sequence[float], value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise DataError(
            f"evaluation.subgroups: column {column} has edges, and its value {value} is no number; "
            f"leave the edges out: {{{column}: null}}"
        )
    return bisect.bisect_right(edges, number)


def summarise_subgroups(
    resolved: Mapping[str, Sequence[str]],
    declared: Declared,
    targets: Integers,
    probabilities: Floats,
    classes: Sequence[str],
    positive: int | None,
    groups: Sequence[str | None],
    settings: Settings,
    smallest: int,
) -> list[dict[str, Any]]:
    """What summary.json holds of the subgroups.

    Args:
        resolved: subgroup of each image by column, N values each.
        declared: the columns as declared; their bands decide the order.
        targets: int64 [N].
        probabilities: float64 [N, C].
        classes: C names.
        positive: index of the positive class; None: none is.
        groups: lesion or patient of each image, None where not known.
        settings: how numbers are computed.
        smallest: images of each class from which on a subgroup says something.

    Returns:
        For each column its name, its edges, and the subgroups that have an image: bands in order, other values sorted,
        unknown last. Each has its counts, its metrics as the whole has them, and `small`: why it is too small to say,
        or None.
    """
    found = []
    for column, edges in edges_of(declared).items():
        names = resolved[column]
        parts = []
        for name in _ordered(set(names), edges):
            rows = np.array([row for row, other in enumerate(names) if other == name])
            of_rows = [groups[row] for row in rows]
            whole = summarise(targets[rows], probabilities[rows], classes, positive, of_rows, settings)
            kept = ("images", "classes", "groups", "images_without_group", "metrics")
            part = {"name": name, "small": too_small(whole["classes"], smallest)}
            parts.append(part | {key: whole[key] for key in kept})
        found.append({"column": column, "edges": None if edges is None else list(edges), "subgroups": parts})
    return found


def too_small(classes: Mapping[str, int], smallest: int) -> str | None:
    """Why a subgroup says nothing; None where it has enough images of each class.

    >>> too_small({"benign": 40, "malignant": 3}, smallest=10)
    'too small to say: 3 malignant, at least 10 are needed'
    """
    few = [f"{images} {name}" for name, images in classes.items() if images < smallest]
    return f"too small to say: {listed(few)}, at least {smallest} are needed" if few else None


def _ordered(names: set[str], edges: Sequence[float] | None) -> list[str]:
    order = sorted(names - {UNKNOWN}) if edges is None else band_names(edges)
    return [name for name in [*order, UNKNOWN] if name in names]
