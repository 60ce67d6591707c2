"""Parquet files as tables of text, and the images that some carry in a column. The only module that needs pyarrow."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from skinlab.data.sources.columns import Columns, check_header
from skinlab.data.spellings import Missing
from skinlab.errors import DataError, SetupError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

_TAKEN = 65_536
"""Values of a column that are in memory twice."""
_ROWS = 256
"""Rows whose images are in memory at once."""


def read_parquet(path: Path, missing: Missing) -> Columns:
    """The columns of text, numbers and truth values; columns of bytes are named only.

    Numbers that stand for names (`ClassLabel` of Hugging Face's datasets) become the names.

    Raises:
        DataError: it cannot be read, or has no rows.
        SetupError: pyarrow is not installed.
    """
    file = _opened(path)
    check_header(path, file.schema_arrow.names)
    if not file.metadata.num_rows:
        raise DataError(f"{path} has no rows")
    binary = tuple(entry.name for entry in file.schema_arrow if _holds_bytes(entry.type))
    table = _try(path, lambda: file.read([name for name in file.schema_arrow.names if name not in binary]))
    names = _class_names(file)
    columns = {name: missing.blanked(_texts(table.column(name), names.get(name))) for name in table.column_names}
    return Columns(path, columns, range(1, file.metadata.num_rows + 1), binary)


def images(path: Path, column: str) -> Iterator[tuple[str, bytes | None]]:
    """The name and the bytes of each row's image; no bytes where there are none.

    The name is that of the row's file without folders, where it has one, else the row's number.

    Args:
        path: the table.
        column: bytes, or as Hugging Face's datasets write it: a structure of `bytes` and `path`.

    Raises:
        DataError: it cannot be read.
    """
    file = _opened(path)
    row = 0
    for batch in _try(path, lambda: file.iter_batches(_ROWS, columns=[column])):
        for value in batch.column(0).to_pylist():
            row += 1
            held = value if isinstance(value, dict) else {"bytes": value}
            yield PurePath(held.get("path") or f"row_{row:07}").name, held.get("bytes")


def _opened(path: Path) -> "ParquetFile":
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise SetupError(f"{path}: Parquet files are read with pyarrow; pip install skinlab[parquet]") from error
    return _try(path, lambda: pq.ParquetFile(path))


def _try(path: Path, read: Any) -> Any:
    import pyarrow as pa

    try:
        return read()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path} as Parquet: {str(error).splitlines()[0]}") from error


def _holds_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary, pa.types.is_binary_view)
    if pa.types.is_struct(kind):
        return any(_holds_bytes(part.type) for part in kind)
    return any(is_kind(kind) for is_kind in binary)


def _class_names(file: "ParquetFile") -> dict[str, list[str]]:
    """Of each column of class numbers, the names that they stand for."""
    text = (file.schema_arrow.metadata or {}).get(b"huggingface", b"{}")
    try:
        features = json.loads(text)["info"]["features"]
        return {name: [str(one) for one in kind["names"]] for name, kind in features.items() if "names" in kind}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _texts(column: "pa.ChunkedArray", names: list[str] | None) -> list[str]:
    """Values as they would be written in a CSV file; null is empty."""
    texts: list[str] = []
    for start in range(0, len(column), _TAKEN):
        values = column.slice(start, _TAKEN).to_pylist()
        if names:
            values = [names[value] if isinstance(value, int) and 0 <= value < len(names) else None for value in values]
        texts += ["" if value is None else str(value) for value in values]
    return texts
