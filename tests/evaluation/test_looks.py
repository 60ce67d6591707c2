import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.errors import OutputError
from skinlab.evaluation import looks
from skinlab.evaluation.looks import Look

SUBSET = "ab" * 32


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))
    return tmp_path


def look(run: str, purpose: str = "final evaluation") -> Look:
    return Look(run, purpose, "debug")


def ledger() -> Path:
    return looks.ledger_folder() / f"{SUBSET}.jsonl"


def test_looks_of_several_runs_add_up_and_a_resumed_run_counts_once() -> None:
    assert len(looks.record(SUBSET, look("runs/a"))) == 1
    assert len(looks.record(SUBSET, look("runs/b"))) == 2
    again = looks.record(SUBSET, look("runs/a"))
    assert [known.run for known in again] == ["runs/a", "runs/b"]
    assert all(known.time.endswith("+00:00") for known in again)
    assert len(looks.record(SUBSET, look("runs/a", "another look"))) == 3
    assert len(looks.record("cd" * 32, look("runs/a"))) == 1


def test_a_line_that_a_kill_left_torn_is_passed_over_and_not_joined_to_the_next() -> None:
    looks.record(SUBSET, look("runs/a"))
    with ledger().open("ab") as file:
        file.write(b'{"run": "runs/b", "purp')
    assert [known.run for known in looks.record(SUBSET, look("runs/c"))] == ["runs/a", "runs/c"]
    assert [known.run for known in looks.record(SUBSET, look("runs/d"))] == ["runs/a", "runs/c", "runs/d"]
    assert json.loads(ledger().read_text().splitlines()[-1])["run"] == "runs/d"


def test_no_look_of_processes_at_once_is_lost(home: Path) -> None:
    code = (
        "import sys; from skinlab.evaluation import looks\n"
        f"for i in range(40): looks.record({SUBSET!r}, looks.Look(f'{{sys.argv[1]}}/{{i}}', 'test', 'debug'))"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", code, name], env=os.environ | {paths.HOME_VARIABLE: str(home)})
        for name in ("first", "second", "third")
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]
    assert len(looks.record(SUBSET, look("last"))) == 3 * 40 + 1


def test_a_test_subset_is_its_contents_and_labels_in_any_order() -> None:
    subset = looks.subset_hash(["aa", "bb"], ["x", "y"])
    assert subset == looks.subset_hash(["bb", "aa"], ["y", "x"])
    assert subset != looks.subset_hash(["aa", "bb"], ["y", "x"])
    assert subset != looks.subset_hash(["aa"], ["x"])


def test_a_ledger_that_cannot_be_written_is_an_output_error_that_says_what_to_do(home: Path) -> None:
    looks.ledger_folder().write_text("a file is in the way")
    with pytest.raises(OutputError, match=r"look at the test subset cannot be recorded .* SKINLAB_HOME .* resume"):
        looks.record(SUBSET, look("runs/a"))


def test_a_later_look_says_how_many_there_were() -> None:
    looks.record(SUBSET, look("runs/a"))
    known = looks.record(SUBSET, look("runs/b"))
    line = looks.describe(SUBSET, known)
    assert line.startswith(f"test subset abababababab: looked at 2 times by 2 runs, first {known[0].time[:10]}; ")
    assert "model selection on the test subset" in line
