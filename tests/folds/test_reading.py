from pathlib import Path

import pytest

from skinlab.errors import DataError, OutputError
from skinlab.folds.reading import FoldRun, runs_below
from skinlab.run import Run
from tests.folds.fold_builders import fold_run


def test_the_test_subset_is_read_with_groups_and_probabilities(sweep: Path) -> None:
    run = FoldRun(sweep / "1")
    tested = run.tested
    assert (run.fold, run.folds, run.is_finished) == (1, 3, True)
    assert len(tested.image_ids) == len(tested.labels) == len(tested.groups) == len(tested.probabilities)
    assert len(tested.image_ids) + len(tested.others) == 60
    assert not set(tested.image_ids) & tested.others
    assert all(group and group.startswith("lesion_") for group in tested.groups)
    assert all(abs(sum(row) - 1) < 1e-12 for row in tested.probabilities)


def test_the_declaration_is_that_of_the_other_folds(sweep: Path) -> None:
    assert FoldRun(sweep / "0").declaration == FoldRun(sweep / "2").declaration


def test_the_runs_of_a_sweep_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10", "9", "0"):
        fold_run(tmp_path / name, 0, status="failed")
    assert [run.path.name for run in runs_below(tmp_path)] == ["0", "9", "10"]
    assert [run.path.name for run in runs_below(tmp_path / "9")] == ["9"]


def test_what_was_typed_is_known_without_the_fold(sweep: Path) -> None:
    words = FoldRun(sweep / "0").overrides()
    assert words is not None
    assert "split=kfold" in words
    assert not [word for word in words if word.startswith("split.fold=")]
    (sweep / "0" / ".hydra" / "overrides.yaml").unlink()
    assert FoldRun(sweep / "0").overrides() is None


def test_what_is_no_fold_is_refused(tmp_path: Path) -> None:
    Run.create(tmp_path / "run", {"config": {"split": {"name": "holdout"}}})
    with pytest.raises(DataError, match="is no fold: it was run with split=holdout, not split=kfold"):
        FoldRun(tmp_path / "run")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty is neither a run nor a sweep: it has no run\.json"):
        runs_below(tmp_path / "empty")
    with pytest.raises(OutputError, match="is not a run directory"):
        FoldRun(tmp_path / "empty")


def test_a_directory_that_is_not_whole_is_said(sweep: Path) -> None:
    predictions = sweep / "0" / "predictions.csv"
    lines = predictions.read_text().splitlines(keepends=True)
    predictions.write_text("".join(lines[:-1]))
    with pytest.raises(DataError, match=r"0: predictions\.csv and split\.csv are not of the same test images"):
        _ = FoldRun(sweep / "0").tested
    predictions.unlink()
    with pytest.raises(DataError, match=r"predictions\.csv cannot be read \(No such file or directory\)"):
        _ = FoldRun(sweep / "0").tested
    (sweep / "0" / "summary.json").write_text("{")
    with pytest.raises(DataError, match=r"summary\.json cannot be read \(Expecting"):
        _ = FoldRun(sweep / "0").summary
