"""The ISIC challenges of 2016 to 2020 and 2024: a folder of images and the ground truth of the classification task.

The tables are those of https://challenge.isic-archive.com/data: 2016 part 3 (no header: id, benign or malignant; in
the test part 0 or 1), 2017 part 3 (image_id, melanoma, seborrheic_keratosis; neither is a nevus), 2018 task 3 and 2019
(image and one column per diagnosis, one of them 1), 2020 (image_name, patient_id, ..., benign_malignant, target), 2024
(isic_id, malignant; or isic_id, target, patient_id, ... as the competition gives it).
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import (
    Columns,
    Reading,
    check_unique,
    read_rows,
    read_table,
    reading_of,
    with_header,
)
from skinlab.data.sources.groups import groups_of
from skinlab.data.sources.matching import manifest_of
from skinlab.data.spellings import OnSpelling, unified
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.schema import IsicChallengeDataset

IDS = ("image", "image_id", "image_name", "isic_id")
NEVUS = "nevus"
_WEIGHTS = ("score_weight", "validation_weight")  # of the organisers' own copies of the 2018 and 2019 tables
_BINARY = {"benign": "benign", "malignant": "malignant", "0": "benign", "1": "malignant", "": ""}
_MALIGNANT = ("benign_malignant", "malignant", "target")
"""Columns that say benign or malignant, the first that is there."""
_OF_2017 = ("melanoma", "seborrheic_keratosis")
_TWO_COLUMNS = 2
_ELSE = "for a table of another shape use dataset=table"

_log = logging.getLogger(__name__)


def load(dataset: IsicChallengeDataset) -> Manifest:
    """The images that the ground truth names; the group is the patient, or the lesion, where one is given.

    Raises:
        DataError: no such file or folder, a table of another shape, a row with several diagnoses, rows without image,
            an image in two rows.
    """
    reading = reading_of(dataset)
    truth = _read_truth(Path(dataset.ground_truth).expanduser(), reading)
    ids = truth.columns[_id_column(truth)]
    check_unique(truth, ids)
    labels, used = _labels(truth)
    attributes = truth.without(_id_column(truth), *used)
    if dataset.metadata is not None:
        further = read_table(Path(dataset.metadata).expanduser(), reading)
        attributes |= _joined(further, ids, dataset.on_spelling)
    return manifest_of(
        truth,
        ids,
        Path(dataset.path).expanduser(),
        dataset,
        labels=labels,
        groups=groups_of(replace(truth, columns=attributes), dataset),
        attributes=attributes,
    )


def _read_truth(path: Path, reading: Reading) -> Columns:
    """The ground truth with a header; that of 2016 has none."""
    lines, rows = read_rows(path, reading)
    if not rows:
        raise DataError(f"{path} has no rows")
    if len(rows[0]) == _TWO_COLUMNS and rows[0][0] not in IDS and _as_number(rows[0][1]) in _BINARY:
        return with_header(path, ("image_id", "benign_malignant"), rows, lines, reading.missing)
    if len(rows) == 1:
        raise DataError(f"{path} has no rows")
    return with_header(path, rows[0], rows[1:], lines[1:], reading.missing)


def _id_column(table: Columns) -> str:
    for name in IDS:
        if name in table.columns:
            return name
    raise DataError(
        f"{table.path} has no column of image names ({', '.join(IDS)}), but: {listed(list(table.columns))}; {_ELSE}"
    )


def _labels(truth: Columns) -> tuple[list[str], tuple[str, ...]]:
    """The label of each row, and the columns that say it."""
    for name in _MALIGNANT:
        if name in truth.columns:
            return _by_name(truth, name), tuple(column for column in _MALIGNANT if column in truth.columns)
    if set(_OF_2017) <= set(truth.columns):
        return _one_hot(truth, _OF_2017, NEVUS), _OF_2017
    names = tuple(truth.without(_id_column(truth), *_WEIGHTS))
    other = [name for name in names if not {"0", "1", ""}.issuperset(map(_as_number, truth.columns[name]))]
    if len(names) < _TWO_COLUMNS or len(other) > len(names) // 2:
        raise DataError(
            f"{truth.path} is no ground truth of an ISIC challenge: its columns are "
            f"{listed(list(truth.columns))}; {_ELSE}"
        )
    return _one_hot(truth, names, None), names


def _by_name(truth: Columns, name: str) -> list[str]:
    """Labels of 2016, 2020 and 2024."""
    values = [_BINARY.get(_as_number(value)) for value in truth.columns[name]]
    wrong = [f"line {line}" for line, value in zip(truth.lines, values, strict=True) if value is None]
    if wrong:
        raise DataError(f"{truth.path}: {len(wrong)} rows are neither benign nor malignant: {listed(wrong)}")
    return [value for value in values if value is not None]


def _one_hot(truth: Columns, names: Sequence[str], neither: str | None) -> list[str]:
    """The name of the column that is 1, or `neither` where all are 0; no label where all are empty."""
    columns = [truth.columns[name] for name in names]
    labels: list[str] = []
    wrong: list[str] = []
    for line, values in zip(truth.lines, zip(*columns, strict=True), strict=True):
        numbers = [_as_number(value) for value in values]
        marked = [name for name, number in zip(names, numbers, strict=True) if number == "1"]
        label = "" if not any(values) else neither if not marked else marked[0]
        if label is None or len(marked) > 1 or not ({"0", "1"}.issuperset(numbers) or not any(values)):
            wrong.append(f"line {line} ({', '.join(marked) or 'none'})")
        else:
            labels.append(label)
    if wrong:
        raise DataError(
            f"{truth.path}: {len(wrong)} rows do not mark one of {', '.join(names)} by 1 and the others by 0: "
            f"{listed(wrong)}; {_ELSE}"
        )
    return labels


def _as_number(value: str) -> str:
    """`0.0` and `1.0` as `0` and `1`; any other text as it is.

    >>> _as_number("1.0"), _as_number("malignant")
    ('1', 'malignant')
    """
    return {"0.0": "0", "1.0": "1"}.get(value, value)


def _joined(metadata: Columns, ids: Sequence[str], on_spelling: OnSpelling) -> dict[str, list[str]]:
    """The metadata's columns in the order of the ground truth; empty where it has no row of an image."""
    key = _id_column(metadata)
    check_unique(metadata, metadata.columns[key])
    where = f"{metadata.path}: column {key}, beside the ids of the ground truth"
    spelled = unified([*ids, *metadata.columns[key]], on_spelling, where)
    row_of = {image_id: row for row, image_id in enumerate(spelled[len(ids) :])}
    rows = [row_of.get(image_id) for image_id in spelled[: len(ids)]]
    if absent := [image_id for image_id, row in zip(ids, rows, strict=True) if row is None]:
        _log.warning("%s: %d images have no row: %s", metadata.path, len(absent), listed(absent))
    further = metadata.without(key)
    return {name: ["" if row is None else values[row] for row in rows] for name, values in further.items()}
