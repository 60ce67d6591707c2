"""pandas frames of a run's files. pandas is imported when the first frame is asked for."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab.errors import SetupError

if TYPE_CHECKING:
    import pandas as pd

BOUNDS = ("value", "low", "high", "interval", "why")


def pandas() -> Any:
    """The library.

    Raises:
        SetupError: it is not installed.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise SetupError("pandas is not installed, which frames need; pip install 'skinlab[notebook]'") from error
    return pd


def frame(rows: Sequence[Mapping[str, Any]], index: str | None = None) -> "pd.DataFrame":
    """Rows with the same keys as a frame."""
    made = pandas().DataFrame(list(rows))
    return made if index is None or made.empty else made.set_index(index)


def lines(path: Path) -> "pd.DataFrame":
    """metrics.jsonl: one row an epoch."""
    return frame([json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()], "epoch")


def table(path: Path, numbers: str = "probability_") -> "pd.DataFrame":
    """A CSV file: text as it is written, also where it looks like a number or like nothing; numbers to the last bit.

    Args:
        path: of the file.
        numbers: what the names of the columns of numbers begin with.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        names, *rows = csv.reader(stream)
    columns = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())
    return pandas().DataFrame(
        {
            name: [float(cell) for cell in cells] if name.startswith(numbers) else cells
            for name, cells in columns.items()
        }
    )


def metrics(summary: Mapping[str, Any]) -> "pd.DataFrame":
    """The numbers of a subset with their intervals, by name."""
    rows = [
        {"metric": name, **{bound: entry.get(bound) for bound in BOUNDS}} for name, entry in summary["metrics"].items()
    ]
    return frame(rows, "metric")
