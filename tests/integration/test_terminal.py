"""On a terminal: a progress bar below the lines, which stay whole."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from tests.integration.commands import SECONDS, TINY, Done, Workplace
from tests.processes import read_terminal

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(workplace: Workplace, *words: str) -> tuple[int, str]:
    """Run `skinlab WORDS` on a terminal of 120 columns: its exit code and all that it wrote."""
    ours, theirs = pty.openpty()
    environment = workplace.environment | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        ["timeout", str(SECONDS), sys.executable, "-m", "skinlab", *words],
        cwd=workplace.path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    written = read_terminal(ours)
    return process.wait(), written


def test_the_bar_shows_speed_and_time_left_and_epoch_lines_are_whole(workplace: Workplace) -> None:
    words = (*TINY, "training.epochs=3")
    code, written = on_terminal(workplace, "train", *words)
    assert code == 0, written
    shown = CONTROL.sub("", written)
    assert re.search(r"epoch \d/3 .* \d+/42 images \d+ images/s \d\d:\d\d", shown)
    lines = [line.strip() for part in shown.split("\r") for line in part.split("\n")]
    epochs = [line for line in lines if re.fullmatch(r"epoch \d/3  rate .* validation loss .* \d+ images/s", line)]
    assert [line.split()[1] for line in epochs] == ["1/3", "2/3", "3/3"]


def test_without_a_terminal_there_is_no_bar(finished: tuple[Path, Done]) -> None:
    _, done = finished
    assert "\x1b" not in done.out + done.err
