"""What a finished run said of its images, read back from split.csv and predictions.csv. Writes nothing."""

import csv
from dataclasses import dataclass
from pathlib import Path

from skinlab.data.split import LEFT_OUT
from skinlab.errors import DataError

PROBABILITY = "probability_"
"""What the columns of predictions.csv begin with, before the class."""


@dataclass(frozen=True)
class Tested:
    """The test subset of a run, or its validation subset; row i of everything is the same image.

    Attributes:
        image_ids: of the images.
        sha256: hashes of their files.
        labels: their classes.
        groups: their lesions or patients, None where not known.
        probabilities: of each class, in the order asked for.
        others: the images of the data set that are not in the subset.
        trained: how many of these were trained on.
    """

    image_ids: list[str]
    sha256: list[str]
    labels: list[str]
    groups: list[str | None]
    probabilities: list[list[float]]
    others: set[str]
    trained: int


def read_tested(run: Path, classes: list[str], subset: str = "test") -> Tested:
    """The scored images of a finished run.

    Args:
        run: its directory.
        classes: of its predictions, in the order in which the probabilities are wanted.
        subset: which, test or validation.

    Raises:
        DataError: the files cannot be read, or are not of the same images.
    """
    split = [row for row in _rows(run / "split.csv") if row["subset"] != LEFT_OUT]
    known = {row["image_id"]: row for row in split if row["subset"] == subset}
    predicted = [row for row in _rows(run / "predictions.csv") if row["subset"] == subset]
    if {row["image_id"] for row in predicted} != set(known) or len(predicted) != len(known):
        raise DataError(f"{run}: predictions.csv and split.csv are not of the same {subset} images")
    columns = [f"{PROBABILITY}{name}" for name in classes]
    try:
        probabilities = [[float(row[column]) for column in columns] for row in predicted]
    except (KeyError, ValueError, TypeError) as error:
        raise _unreadable(run / "predictions.csv", error) from error
    return Tested(
        image_ids=[row["image_id"] for row in predicted],
        sha256=[known[row["image_id"]]["sha256"] for row in predicted],
        labels=[row["label"] for row in predicted],
        groups=[known[row["image_id"]]["group"] or None for row in predicted],
        probabilities=probabilities,
        others={row["image_id"] for row in split} - set(known),
        trained=sum(row["subset"] == "train" for row in split),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = error.strerror if isinstance(error, OSError) else error
    return DataError(f"{path} cannot be read ({reason}): the run directory is not whole, run it again")
