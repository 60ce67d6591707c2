import logging
import sys
from typing import Any

import pytest

from skinlab.training import observers
from skinlab.training.loop import Record


def record(epoch: int, **changes: Any) -> Record:
    values = {
        "epoch": epoch,
        "learning_rate": 0.01,
        "train_loss": 0.5,
        "train_accuracy": 0.75,
        "validation_loss": 0.25,
        "validation_accuracy": 0.875,
        "validation_auc": 0.9,
    }
    return values | changes


def test_an_epoch_is_one_line_with_its_speed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), observers.terminal(epochs=10, images=100) as lines:
        lines.advanced(0, 50, 100)
        lines.epoch_ended([record(1), record(2)], seconds=4.0)
    assert caplog.messages == [
        "epoch  2/10  rate 0.01  loss 0.5000  validation loss 0.2500, accuracy 0.875, AUC 0.900  25 images/s"
    ]


def test_an_auc_that_does_not_exist_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        observers.Lines(1, 10).epoch_ended([record(1, validation_auc=None)], seconds=1.0)
    assert "AUC not defined" in caplog.messages[0]


def test_without_a_terminal_there_is_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert not sys.stdout.isatty()
    with observers.terminal(epochs=1, images=10) as lines:
        lines.advanced(0, 5, 10)
    assert capsys.readouterr().out == ""


class Cell:
    """Stands for IPython in a kernel: keeps what a cell shows."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.kernel = object()

    def get_ipython(self) -> "Cell":
        return self

    def HTML(self, text: str) -> str:  # noqa: N802 - as IPython calls it
        return text

    def display(self, text: str, *, display_id: bool) -> "Cell":
        assert display_id
        self.update(text)
        return self

    def update(self, text: str) -> None:
        self.shown.append(text)


def test_in_a_notebook_there_is_a_bar_that_goes_when_training_ends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cell = Cell()
    monkeypatch.setitem(sys.modules, "IPython", cell)  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "IPython.display", cell)  # type: ignore[arg-type]
    monkeypatch.setattr(observers, "to_console", lambda: True)
    monkeypatch.setattr(observers, "SECONDS_BETWEEN", 0)
    with caplog.at_level(logging.INFO), observers.terminal(epochs=4, images=100) as told:
        told.advanced(1, 50, 100)
        told.epoch_ended([record(1)], 1.0)
    assert cell.shown[0] == "<progress></progress>"
    assert cell.shown[1].startswith('<progress value="150" max="400"></progress> epoch 2/4, 150/400 images, ')
    assert cell.shown[-1] == ""
    assert len(caplog.messages) == 1


def test_a_notebook_whose_lines_go_to_a_file_alone_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell()
    monkeypatch.setitem(sys.modules, "IPython", cell)  # type: ignore[arg-type]
    monkeypatch.setattr(observers, "to_console", lambda: False)
    with observers.terminal(epochs=1, images=10):
        pass
    assert cell.shown == []


def test_several_observers_are_told_the_same() -> None:
    told: list[tuple[int, Any]] = []

    class Notes:
        def __init__(self, number: int) -> None:
            self.number = number

        def advanced(self, epoch: int, images: int, of: int) -> None:
            told.append((self.number, (epoch, images, of)))

        def epoch_ended(self, records: list[Record], seconds: float) -> None:
            told.append((self.number, seconds))

    both = observers.Observers([Notes(1), Notes(2)])
    both.advanced(3, 4, 5)
    both.epoch_ended([], 6.0)
    assert told == [(1, (3, 4, 5)), (2, (3, 4, 5)), (1, 6.0), (2, 6.0)]
