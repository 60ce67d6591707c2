import logging
import os
import sys
from pathlib import Path

import pytest

from skinlab.logs import ConsoleHandler, log_to, only, restored, to_stderr


def record(level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord("skinlab", level, "", 0, message, None, None)


def test_errors_and_warnings_are_apart_from_what_a_run_tells(capsys: pytest.CaptureFixture[str]) -> None:
    handler = ConsoleHandler()
    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        handler.handle(record(level, logging.getLevelName(level)))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("INFO\n", "WARNING\nERROR\n")


def test_a_stream_that_a_progress_bar_has_put_in_place_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, lines = ConsoleHandler(), []

    class Bar:
        def write(self, text: str) -> None:
            lines.append(text)

        def flush(self) -> None:
            pass

    monkeypatch.setattr(sys, "stdout", Bar())
    handler.handle(record(logging.INFO, "epoch 1"))
    assert lines == ["epoch 1\n"]


def test_a_reader_that_went_away_does_not_end_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        ConsoleHandler().handle(record(logging.INFO, "epoch 1"))
        with pytest.raises(BrokenPipeError):
            stream.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def test_handlers_of_a_block_end_with_it(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    with restored():
        log_to(tmp_path / "train.log")
        (file,) = (handler for handler in root.handlers if isinstance(handler, logging.FileHandler))
        logging.getLogger("skinlab.test").info("a line")
    assert (root.handlers, root.level) == (before, level)
    assert file.stream is None
    assert "a line" in (tmp_path / "train.log").read_text()


def test_only_the_named_modules_are_heard(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    with only("skinlab.loud"):
        logging.getLogger("skinlab.loud").info("unpacking")
        logging.getLogger("skinlab.other").warning("said again later")
    assert (root.handlers, root.level) == (before, level)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("unpacking\n", "")


def test_a_line_that_comes_twice_is_on_standard_error_once(capsys: pytest.CaptureFixture[str]) -> None:
    with to_stderr():
        for line in ("one", "two", "one"):
            logging.getLogger("skinlab.data").info(line)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "one\ntwo\n")
