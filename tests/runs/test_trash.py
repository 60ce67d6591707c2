from pathlib import Path

import pytest

from skinlab.errors import OutputError
from skinlab.run import Run
from skinlab.runs import index, trash
from tests.runs.run_builders import make_run


def run_of(output: Path) -> Run:
    return Run.open(output / "runs/debug/20261101-100000-aaaa01")


def test_a_deleted_run_is_in_the_trash_whole_and_comes_back(output: Path) -> None:
    run = run_of(output)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    deleted = trash.delete(run, output)
    assert not run.path.exists()
    assert run.path not in index.all_runs(output)
    assert [each.path for each in trash.content(output)] == ["runs/debug/20261101-100000-aaaa01"]
    assert trash.restore(trash.find("aaaa01", output), output) == run.path
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
    assert trash.content(output) == []
    assert not deleted.folder.exists()


def test_a_running_run_is_not_deleted(output: Path) -> None:
    path = make_run(output / "runs/debug/20261105-100000-eeee05", status="running")
    with pytest.raises(OutputError, match="is running on .*: stop it first"):
        trash.delete(Run.open(path), output)
    assert path.exists()
    assert trash.content(output) == []


def test_a_run_that_is_resumed_at_this_moment_is_not_deleted(output: Path) -> None:
    path = output / "runs/debug/20261103-100000-cccc03"
    failed = Run.open(path)
    resumed = Run.reopen(path)
    with pytest.raises(OutputError, match="is being run by another process"):
        trash.delete(failed, output)
    assert resumed.path.exists()


def test_a_run_outside_the_output_folder_is_not_deleted(output: Path, tmp_path: Path) -> None:
    path = make_run(tmp_path / "elsewhere" / "run")
    with pytest.raises(OutputError, match="does not lie in outputs"):
        trash.delete(Run.open(path), output)


def test_nothing_is_overwritten_by_what_comes_back(output: Path) -> None:
    run = run_of(output)
    trash.delete(run, output)
    run.path.mkdir()
    with pytest.raises(OutputError, match="is there already"):
        trash.restore(trash.find("aaaa01", output), output)
    assert len(trash.content(output)) == 1


def test_a_record_that_names_another_place_is_not_followed(output: Path) -> None:
    deleted = trash.delete(run_of(output), output)
    record = deleted.folder / "trash.json"
    record.write_text(record.read_text().replace("runs/debug", "../../x"))
    with pytest.raises(OutputError, match="outside outputs"):
        trash.restore(trash.content(output)[0], output)


def test_emptying_deletes_the_chosen_for_good(output: Path) -> None:
    trash.delete(run_of(output), output)
    trash.delete(Run.open(output / "runs/debug/20261102-100000-bbbb02"), output)
    first, second = trash.content(output)
    assert trash.empty([first]) > 1000
    assert trash.content(output) == [second]


def test_a_name_that_is_not_in_the_trash_lists_what_is(output: Path) -> None:
    trash.delete(run_of(output), output)
    with pytest.raises(OutputError, match="none in the trash of outputs called so: runs/debug/20261101-100000-aaaa01"):
        trash.find("ffff", output)
    trash.empty(trash.content(output))
    with pytest.raises(OutputError, match="ffff: the trash of outputs is empty"):
        trash.find("ffff", output)
