"""The split that a data set comes with, as its tables tell it."""

from collections import Counter
from collections.abc import Mapping

from skinlab.data.sources.columns import Columns
from skinlab.data.sources.layout import subset_of
from skinlab.data.wording import listed
from skinlab.errors import DataError


def of_column(table: Columns, name: str) -> list[str]:
    """The subset of each row by a column; empty where it names none.

    Raises:
        DataError: no such column, or a value that is the name of no subset.
    """
    values = table.column(name, "dataset.given_split")
    meaning = {value: subset_of(value) if value else "" for value in dict.fromkeys(values)}
    if unknown := [value for value, subset in meaning.items() if subset is None]:
        raise DataError(
            f"{table.path}: column {name} holds other values than names of subsets: {listed(unknown)}; set "
            "dataset.given_split=null, and split=column with split.values"
        )
    return [meaning[value] or "" for value in values]


def of_rows(count: int, tables: Mapping[str, Columns]) -> list[str]:
    """The subset of each row by tables of row numbers, counted from 0; empty where none has its number.

    Args:
        count: rows of the data set.
        tables: by subset; the numbers are in the only column.

    Raises:
        DataError: what is there is no row number, or in two of them.
    """
    subsets = [""] * count
    seen: Counter[int] = Counter()
    for subset, table in tables.items():
        if len(table.columns) != 1:
            raise DataError(f"{table.path} has other columns than one of row numbers: {listed(list(table.columns))}")
        (values,) = table.columns.values()
        if wrong := [value for value in values if not (value.isdecimal() and int(value) < count)]:
            raise DataError(f"{table.path}: {len(wrong)} values are no numbers of one of {count} rows: {listed(wrong)}")
        rows = [int(value) for value in values]
        seen.update(rows)
        for row in rows:
            subsets[row] = subset
    if twice := [str(row) for row, times in seen.items() if times > 1]:
        raise DataError(f"{len(twice)} rows are given to a subset twice: {listed(twice)}")
    return subsets
