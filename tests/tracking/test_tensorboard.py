from collections.abc import Sequence
from pathlib import Path

import pytest

from skinlab.tracking.sink import Ending, Record
from skinlab.tracking.tensorboard import TensorBoard
from tests.tracking.conftest import record

reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard")


def steps(run: Path, name: str) -> list[tuple[int, float]]:
    events = reader.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def tracked(run: Path, records: Sequence[Record], ending: Ending) -> None:
    sink = TensorBoard(run)
    sink.begin()
    for last in range(1, len(records) + 1):
        sink.epochs(records[:last])
    sink.end(ending)


def test_event_files_leave_out_what_is_not_defined(tmp_path: Path) -> None:
    records = [record(1, validation_auc=None), record(2, validation_auc=0.75)]
    tracked(tmp_path, records, Ending("finished", None, 2, {"final/test/auc": 0.5}))
    assert steps(tmp_path, "validation/auc") == [(2, 0.75)]
    assert steps(tmp_path, "train/loss") == [(1, 1.0), (2, 0.5)]
    assert steps(tmp_path, "final/test/auc") == [(2, 0.5)]


def test_a_resumed_run_adds_what_is_missing_and_nothing_twice(tmp_path: Path) -> None:
    tracked(tmp_path, [record(1), record(2)], Ending("interrupted", "stopped"))
    tracked(tmp_path, [record(1), record(2), record(3), record(4)], Ending("finished", None, 4))
    assert [step for step, _ in steps(tmp_path, "train/loss")] == [1, 2, 3, 4]


def test_a_folder_that_cannot_be_written_is_an_error_of_the_sink(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    with pytest.raises(OSError, match="tensorboard"):
        TensorBoard(tmp_path).begin()
