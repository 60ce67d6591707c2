"""The ISIC challenges of 2016 to 2020 and 2024: a folder of images and the ground truth of the classification task.

The tables are those of https://challenge.isic-archive.com/data: 2016 part 3 (no header: id, benign or malignant; in
the test part 0 or 1), 2017 part 3 (image_id, melanoma, seborrheic_keratosis; neither is a nevus), 2018 task 3 and 2019
(image and one column per diagnosis, one of them 1), 2020 (image_name, patient_id, ..., benign_malignant, target), 2024
(isic_id, malignant; or isic_id, target, patient_id, ... as the competition gives it).

The tables of each year, their names and the folders of images are in conf/dataset/isic2016.yaml to isic2024.yaml.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from skinlab.data.manifest import GIVEN_SPLIT, Manifest
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
from skinlab.data.sources.lookup import holder, joined, stacked
from skinlab.data.sources.matching import manifest_of
from skinlab.data.sources.truth import as_number, one_hot
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
_ID, _LABEL = "image id of the row", "label of the row"
"""Names of columns that no table has."""


def load(dataset: IsicChallengeDataset) -> Manifest:
    """The images that the ground truth names; the group is the patient, or the lesion, where one is given.

    Raises:
        DataError: no such file or folder, a table of another shape, a row with several diagnoses, rows without image,
            an image in two rows.
    """
    reading = reading_of(dataset)
    tables, metadata, images = _places(dataset)
    truth = stacked({subset: _understood(_read_truth(path, reading)) for subset, path in tables.items()}, GIVEN_SPLIT)
    check_unique(truth, truth.columns[_ID])
    further = [read_table(path, reading) for path in metadata]
    table = joined(truth, [(_id_column(other), other) for other in further], _ID, dataset.on_spelling)
    return manifest_of(
        table,
        table.columns[_ID],
        images,
        dataset,
        labels=table.columns[_LABEL],
        groups=groups_of(table, dataset),
        attributes=table.without(_ID, _LABEL, GIVEN_SPLIT),
        subsets=table.columns.get(GIVEN_SPLIT),
    )


def _places(dataset: IsicChallengeDataset) -> tuple[Mapping[str, Path], list[Path], Path]:
    """The ground truth by subset, the tables of metadata that are there, and what holds the images."""
    truth, metadata = dataset.ground_truth, dataset.metadata
    named = metadata if isinstance(metadata, list) else []
    further = [Path(metadata).expanduser()] if isinstance(metadata, str) else []
    if isinstance(truth, str) and not named and not dataset.image_root:
        return {"": Path(truth).expanduser()}, further, Path(dataset.path).expanduser()
    held = holder(dataset.path)
    further += [path for name in named if (path := held.find([name]))]
    images = held.images(dataset.image_root)
    if isinstance(truth, str):
        return {"": Path(truth).expanduser()}, further, images
    found = {subset: path for subset, names in truth.items() if (path := held.find(names))}
    if len(found) == 1 and len(truth) > 1:
        _log.info("%s: of the published split only %s is there, so its images are dealt anew", dataset.path, *found)
    return found or {"": held.table([name for names in truth.values() for name in names])}, further, images


def _understood(truth: Columns) -> Columns:
    """A table of any year with the id and the label of each row beside its further columns."""
    key = _id_column(truth)
    labels, used = _labels(truth)
    return replace(truth, columns={_ID: truth.columns[key], _LABEL: labels, **truth.without(key, *used)})


def _read_truth(path: Path, reading: Reading) -> Columns:
    """The ground truth with a header; that of 2016 has none."""
    lines, rows = read_rows(path, reading)
    if not rows:
        raise DataError(f"{path} has no rows")
    if len(rows[0]) == _TWO_COLUMNS and rows[0][0] not in IDS and as_number(rows[0][1]) in _BINARY:
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
        return one_hot(truth, _OF_2017, NEVUS, _ELSE), _OF_2017
    names = tuple(truth.without(_id_column(truth), *_WEIGHTS))
    other = [name for name in names if not {"0", "1", ""}.issuperset(map(as_number, truth.columns[name]))]
    if len(names) < _TWO_COLUMNS or len(other) > len(names) // 2:
        raise DataError(
            f"{truth.path} is no ground truth of an ISIC challenge: its columns are "
            f"{listed(list(truth.columns))}; {_ELSE}"
        )
    return one_hot(truth, names, None, _ELSE), names


def _by_name(truth: Columns, name: str) -> list[str]:
    """Labels of 2016, 2020 and 2024."""
    values = [_BINARY.get(as_number(value)) for value in truth.columns[name]]
    wrong = [f"line {line}" for line, value in zip(truth.lines, values, strict=True) if value is None]
    if wrong:
        raise DataError(f"{truth.path}: {len(wrong)} rows are neither benign nor malignant: {listed(wrong)}")
    return [value for value in values if value is not None]
