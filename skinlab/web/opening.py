"""From what a person names to what the pages open: a path to a data set, a run or sweep to its directories."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from skinlab import schema
from skinlab.errors import ConfigError, DataError
from skinlab.run import RUN_FILE, Run
from skinlab.runs.naming import resolve

AUDIT_FILE = "audit.json"


def dataset_at(path: Path, overrides: Sequence[str], config_dirs: Sequence[Path]) -> schema.Dataset:
    """The data set of a folder with one sub-folder a class, or of a table.

    Args:
        path: the folder or table.
        overrides: what else is declared of it.
        config_dirs: folders with further choices of the config groups.

    Raises:
        DataError: there is nothing at the path.
        ConfigError: one line for each mistake in the overrides.
    """
    from skinlab.config import compose

    if not path.exists():
        raise DataError(f"--dataset {path}: there is no such folder or table")
    kind = "folder" if path.is_dir() else "table"
    dataset = compose([f"dataset={kind}", "dataset.path=.", *overrides], config_dirs).config.dataset
    if not isinstance(dataset, schema.FolderDataset | schema.TableDataset) or dataset.name not in ("folder", "table"):
        raise ConfigError(f"--dataset {path} is read as dataset={kind}: leave out dataset={dataset.name}")
    return replace(dataset, path=str(path))


def dataset_of(run: Path) -> schema.Dataset:
    """The data set of a run, with the labels as they are corrected by now.

    Raises:
        SkinlabError: the run cannot be read.
    """
    from skinlab.config import recorded
    from skinlab.config.redeclare import completed

    return replace(recorded(completed(Run.open(run).record["config"])).dataset, label_revision=None)


def runs_of(name: str, output: Path) -> tuple[Path, ...]:
    """The run of a name, or the runs of a sweep's directory that are finished.

    Raises:
        OutputError: there is none.
        DataError: none of them is finished.
    """
    path = resolve(name, output)
    if (path / RUN_FILE).exists():
        found = [path]
    else:
        found = sorted((file.parent for file in path.glob(f"*/{RUN_FILE}")), key=lambda run: (len(run.name), run.name))
    if not found:
        raise DataError(f"--run {name}: {path} is neither a run nor a sweep: it has no {RUN_FILE}")
    finished = tuple(run for run in found if Run.open(run).status == "finished")
    if not finished:
        where = "`skinlab ui` without --run shows how it stands"
        raise DataError(f"--run {name}: it is not finished, so there are no predictions yet; {where}")
    return finished


def audit_file(path: Path) -> Path:
    """The audit.json that is meant by itself or by its folder.

    Raises:
        DataError: there is none.
    """
    file = path / AUDIT_FILE if path.is_dir() else path
    if not file.is_file():
        raise DataError(f"--audit {path}: there is no {AUDIT_FILE}; `skinlab data audit` writes one")
    return file
