"""HAM10000: 10,015 dermoscopic images of 7,470 lesions with one of seven diagnoses.

The format is that of the publication: P. Tschandl, C. Rosendahl, H. Kittler, "The HAM10000 dataset", Scientific Data
5:180161 (2018), doi:10.1038/sdata.2018.161; files at doi:10.7910/DVN/DBW86T. Downloads nothing.
"""

from collections.abc import Collection
from pathlib import Path

from skinlab.data.classes import labels_of
from skinlab.data.manifest import Manifest
from skinlab.data.sources.columns import Columns, Reading, check_unique, read_table, reading_of
from skinlab.data.sources.files import check_folder
from skinlab.data.sources.groups import groups_of
from skinlab.data.sources.matching import manifest_of
from skinlab.data.sources.unpacked import folder_of
from skinlab.data.wording import listed, nearest
from skinlab.errors import DataError
from skinlab.schema import Ham10000Dataset

METADATA = ("HAM10000_metadata.csv", "HAM10000_metadata.tab", "HAM10000_metadata")
"""The table's names: as repackaged, as the Dataverse gives it, and as published."""

DIAGNOSES = {
    "akiec": "actinic keratosis or intraepithelial carcinoma (Bowen's disease)",
    "bcc": "basal cell carcinoma",
    "bkl": "benign keratosis: seborrheic keratosis, solar lentigo, lichen-planus like keratosis",
    "df": "dermatofibroma",
    "mel": "melanoma",
    "nv": "melanocytic nevus",
    "vasc": "vascular lesion",
}
"""The codes of column dx."""

_COLUMNS = ("image_id", "lesion_id", "dx")


def load(dataset: Ham10000Dataset) -> Manifest:
    """The images of PATH or its sub-folders; the label is `dx`, the group the lesion, all else an attribute.

    Raises:
        DataError: no such folder or table, a missing column, rows without image, an image in two rows, an unknown
            diagnosis that `dataset.classes` does not name.
    """
    root = folder_of(Path(dataset.path).expanduser())
    table = _metadata(root, reading_of(dataset))
    ids, _, labels = (_column(table, name) for name in _COLUMNS)
    check_unique(table, ids)
    _check_diagnoses(table, ids, labels, {*DIAGNOSES, *labels_of(dataset.classes)})
    return manifest_of(
        table,
        ids,
        root,
        dataset,
        labels=labels,
        groups=groups_of(table, dataset, ("lesion_id",)),
        attributes=table.without(*_COLUMNS),
    )


def _metadata(root: Path, reading: Reading) -> Columns:
    check_folder(root)
    for name in METADATA:
        if (root / name).is_file():
            return read_table(root / name, reading)
    raise DataError(f"{root} has no {METADATA[0]}: dataset.path is the folder that holds it and the images")


def _column(table: Columns, name: str) -> list[str]:
    if name not in table.columns:
        raise DataError(
            f"{table.path} has no column {name}{nearest(name, table.columns)}: it is not the table that HAM10000 "
            "comes with; for one of your own use dataset=table"
        )
    return table.columns[name]


def _check_diagnoses(table: Columns, ids: list[str], labels: list[str], known: Collection[str]) -> None:
    unknown = [
        f"{image_id} ({label})" for image_id, label in zip(ids, labels, strict=True) if label and label not in known
    ]
    if unknown:
        raise DataError(
            f"{table.path}: {len(unknown)} rows have an unknown dx: {listed(unknown)}; the diagnoses are "
            f"{', '.join(DIAGNOSES)}: correct them, or name the further ones in dataset.classes"
        )
