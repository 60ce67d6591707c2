"""From what a person names to what the pages open."""

from pathlib import Path

import pytest

from skinlab import schema
from skinlab.errors import ConfigError, DataError
from skinlab.web.opening import audit_file, dataset_at, dataset_of, runs_of
from tests.runs.run_builders import make_run


def test_a_folder_and_a_table_are_told_apart(folder: Path, tmp_path: Path) -> None:
    assert dataset_at(folder, [], []) == dataset_at(folder, ["dataset=folder"], [])
    table = tmp_path / "a = b, c.csv"
    table.write_text("image_id,dx\n")
    found = dataset_at(table, ["dataset.label_column=dx"], [])
    assert isinstance(found, schema.TableDataset)
    assert (found.path, found.label_column) == (str(table), "dx")
    with pytest.raises(DataError, match="--dataset nowhere: there is no such folder or table"):
        dataset_at(Path("nowhere"), [], [])
    with pytest.raises(ConfigError, match="is read as dataset=folder: leave out dataset=ham10000"):
        dataset_at(folder, ["dataset=ham10000"], [])


def test_a_run_opens_its_data_set_with_the_newest_labels(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "debug" / "x-abcdef", "dataset.label_revision=abcdef12")
    assert dataset_of(run).label_revision is None
    assert isinstance(dataset_of(run), schema.SyntheticDataset)
    assert runs_of("abcdef", tmp_path) == (run,)


def test_a_sweep_opens_its_finished_runs_in_order(tmp_path: Path) -> None:
    sweep = tmp_path / "sweeps" / "debug" / "s"
    for number in (10, 2, 1):
        make_run(sweep / str(number), status="failed" if number == 1 else "finished")
    assert runs_of(str(sweep), tmp_path) == (sweep / "2", sweep / "10")


def test_what_has_no_predictions_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "debug" / "x-abcdef", status="failed")
    with pytest.raises(DataError, match="it is not finished, so there are no predictions yet"):
        runs_of(str(run), tmp_path)
    with pytest.raises(DataError, match=r"is neither a run nor a sweep"):
        runs_of(str(tmp_path), tmp_path)


def test_an_audit_is_named_by_its_file_or_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no audit.json; `skinlab data audit` writes one"):
        audit_file(tmp_path)
    (tmp_path / "audit.json").touch()
    assert audit_file(tmp_path) == audit_file(tmp_path / "audit.json") == tmp_path / "audit.json"
