"""The group of an image where a table knows patients, lesions, both or neither."""

from collections.abc import Mapping, Sequence

from skinlab.data.sources.columns import Columns
from skinlab.data.spellings import Missing, unified
from skinlab.schema import DatasetBase

PATIENT = "patient_id"
LESION = "lesion_id"


def groups_of(table: Columns, dataset: DatasetBase, columns: Sequence[str] = (PATIENT, LESION)) -> list[str | None]:
    """The group of each row, by the first of the columns that knows it: patients come before lesions.

    Images of one patient are more alike than those of two. A lesion belongs to the patient that any of its rows names.

    Args:
        table: what is known of the images; a column that it does not have says nothing.
        dataset: what means "unknown", and what becomes of two spellings of one id.
        columns: of ids, the widest group first.

    Raises:
        DataError: there are two spellings of one id, and that is refused.
    """
    missing = Missing(dataset.missing_values)
    found = {}
    for name in columns:
        if name in table.columns:
            known = ["" if missing.group(value) else value for value in table.columns[name]]
            found[name] = unified(known, dataset.on_spelling, f"{table.path}: column {name}")
    return patient_or_lesion(len(table), found, columns)


def patient_or_lesion(
    count: int, columns: Mapping[str, Sequence[str]], order: Sequence[str] = (PATIENT, LESION)
) -> list[str | None]:
    """Patients where they are known, else lesions.

    Args:
        count: how many rows there are.
        columns: ids by column; an empty value is unknown.
        order: the columns, the widest group first.

    Example:
        >>> patient_or_lesion(4, {"patient_id": ["P1", "", "", ""], "lesion_id": ["L1", "L1", "L2", ""]})
        ['P1', 'P1', 'L2', None]
    """
    *wider, narrowest = [columns.get(name, [""] * count) for name in order] or [[""] * count]
    groups: Sequence[str] = narrowest
    for owners in reversed(wider):
        owner = {narrow: wide for wide, narrow in zip(owners, groups, strict=True) if wide and narrow}
        groups = [wide or owner.get(narrow, narrow) for wide, narrow in zip(owners, groups, strict=True)]
    return [group or None for group in groups]
