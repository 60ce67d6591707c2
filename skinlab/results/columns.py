"""The subgroups of a run's images, from the further columns of its data set: what a person may choose among."""

from collections.abc import Mapping, Sequence
from typing import Any

from skinlab.data.manifest import Manifest
from skinlab.errors import DataError
from skinlab.evaluation import subgroups
from skinlab.results.reading import Results


def columns_of(results: Results, manifest: Manifest) -> dict[str, list[str]]:
    """The subgroup of each image by column: those that the run has declared, then all others that are a grouping.

    A column of one value, or of so many that they are ids or numbers, is none. An image that the data set does not have
    any more is of the subgroup "unknown".

    Args:
        results: of the subset.
        manifest: the images of the run's data set.
    """
    attributes = _attributes(results.scored.image_ids, manifest)
    declared = _declared(results.record)
    edges = declared | {name: None for name in attributes if name not in declared}
    found = {}
    for column, of_column in edges.items():
        try:
            named = subgroups.resolve({column: of_column}, attributes)[column]
        except (DataError, TypeError, ValueError):  # declared for another data set, or no grouping
            continue
        if len(set(named)) > 1:
            found[column] = named
    return found


def _declared(record: Mapping[str, Any]) -> dict[str, Sequence[float] | None]:
    """The declared columns with their edges; none where the record is not as skinlab writes it."""
    try:
        return dict(subgroups.edges_of(record["config"]["evaluation"]["subgroups"]))
    except (KeyError, TypeError, ValueError):
        return {}


def _attributes(image_ids: Sequence[str], manifest: Manifest) -> dict[str, list[str]]:
    """The further columns of these images, empty where an image is not there."""
    rows = {image_id: row for row, image_id in enumerate(manifest.image_ids)}
    places = [rows.get(image_id) for image_id in image_ids]
    return {
        name: ["" if place is None else column[place] for place in places]
        for name, column in manifest.attributes.items()
    }


def named(columns: Mapping[str, Sequence[str]]) -> dict[str, dict[str, int]]:
    """How many images each subgroup has, by column and name; names in the order of their size.

    >>> named({"sex": ["f", "m", "m"]})
    {'sex': {'m': 2, 'f': 1}}
    """
    counted: dict[str, dict[str, int]] = {}
    for column, values in columns.items():
        of_column = dict.fromkeys(values, 0)
        for name in values:
            of_column[name] += 1
        counted[column] = dict(sorted(of_column.items(), key=lambda one: (-one[1], one[0])))
    return counted
