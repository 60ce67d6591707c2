"""Where the label log of a data set lies: one place for each source, unless `dataset.label_log` says another."""

from pathlib import Path

from skinlab import schema
from skinlab.data.label_log.store import LabelLog
from skinlab.errors import DataError

NAME = "labels.log"


def log_path(dataset: schema.Dataset) -> Path | None:
    """The log: beside what gives the labels; None for phantoms, which have no place of their own."""
    if dataset.label_log is not None:
        return Path(dataset.label_log).expanduser()
    match dataset:
        case schema.SyntheticDataset():
            return None
        case schema.TableDataset(table=[]):
            return Path(dataset.path).expanduser().parent / NAME
        case schema.IsicChallengeDataset(ground_truth=str(truth)):
            return Path(truth).expanduser().parent / NAME
    path = Path(dataset.path).expanduser()
    return path.with_name(f"{path.name}.{NAME}") if path.is_file() else path / NAME  # an archive has its own


def log_of(dataset: schema.Dataset) -> LabelLog:
    """The log, to be shown or written.

    Raises:
        DataError: the data set has none.
    """
    path = log_path(dataset)
    if path is None:
        raise DataError(f"dataset={dataset.name} has no folder for a label log: name one with dataset.label_log=PATH")
    return LabelLog(path)
