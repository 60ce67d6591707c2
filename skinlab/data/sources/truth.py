"""What a table says of the class of each row: a name, a code for one, or which of several columns is 1."""

from collections.abc import Collection, Mapping, Sequence

from skinlab.data.sources.columns import Columns
from skinlab.data.spellings import spelling_key
from skinlab.data.wording import listed
from skinlab.errors import DataError


def one_hot(table: Columns, names: Sequence[str], neither: str | None, hint: str) -> list[str]:
    """The name of the column that is 1, or `neither` where all are 0; no label where all are empty.

    Args:
        table: the table.
        names: its columns of 0 and 1.
        neither: what a row of zeros is; None: a mistake.
        hint: what else to do, for messages.

    Raises:
        DataError: a row with several ones, or with other values.
    """
    columns = [table.columns[name] for name in names]
    labels: list[str] = []
    wrong: list[str] = []
    for line, values in zip(table.lines, zip(*columns, strict=True), strict=True):
        numbers = [as_number(value) for value in values]
        marked = [name for name, number in zip(names, numbers, strict=True) if number == "1"]
        label = "" if not any(values) else neither if not marked else marked[0]
        if label is None or len(marked) > 1 or not ({"0", "1"}.issuperset(numbers) or not any(values)):
            wrong.append(f"line {line} ({', '.join(marked) or 'none'})")
        else:
            labels.append(label)
    if wrong:
        raise DataError(
            f"{table.path}: {len(wrong)} rows do not mark one of {', '.join(names)} by 1 and the others by 0: "
            f"{listed(wrong)}; {hint}"
        )
    return labels


def as_number(value: str) -> str:
    """`0.0` and `1.0` as `0` and `1`; any other text as it is.

    >>> as_number("1.0"), as_number("malignant")
    ('1', 'malignant')
    """
    return {"0.0": "0", "1.0": "1"}.get(value, value)


def translated(
    table: Columns,
    column: str,
    labels: Sequence[str],
    rows: Sequence[str],
    values: Mapping[str, str],
    also: Collection[str],
) -> list[str]:
    """What the values of the label column stand for; whole numbers in any spelling.

    Args:
        table: for messages.
        column: of the labels, for messages.
        labels: of each row.
        rows: what each is called, for messages.
        values: what each value stands for; empty: each for itself.
        also: further values that stand for themselves.

    Raises:
        DataError: other values, named with their rows.
    """
    if not values:
        return list(labels)
    meaning = {"": "", **{name: name for name in also}, **values}
    found = [meaning.get(label, meaning.get(spelling_key(label) if label[:1].isdigit() else label)) for label in labels]
    if unknown := [f"{rows[row]} ({labels[row]})" for row, name in enumerate(found) if name is None]:
        raise DataError(
            f"{table.path}: {len(unknown)} rows have an unknown {column}: {listed(unknown)}; the diagnoses are "
            f"{', '.join(values)}: correct them, or name the further ones in dataset.classes"
        )
    return [name for name in found if name is not None]
