"""Which runs used an image, and what a corrected label makes outdated."""

from pathlib import Path

import pytest

from skinlab.data.label_log.entries import Entry
from skinlab.data.label_log.store import LabelLog
from skinlab.run import Run
from skinlab.web.review.uses import of_image, outdated
from tests.data.label_log.log_builders import change
from tests.runs.run_builders import make_run

SHA = "0" * 64


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """a becomes malignant, then b does."""
    return LabelLog(tmp_path / "labels.log").append(lambda _: [change("a, 1"), change("b")])


def run(output: Path, name: str, started: str, revision: str | None, sha256: str = SHA) -> None:
    path = make_run(output / "runs" / "debug" / name, started=started, label_revision=revision)
    rows = [f'"a, 1",{sha256},benign,,test', f"aa,{SHA},benign,,train", f"b,{sha256},benign,,train"]
    Run.open(path).write_text("split.csv", "\n".join(["image_id,sha256,label,group,subset", *rows, ""]))


@pytest.fixture
def output(tmp_path: Path, entries: list[Entry]) -> Path:
    """Runs without corrections, with the first, with both, of a log that is not here, and of other files."""
    folder = tmp_path / "outputs"
    run(folder, "none-aaaaaa", "2026-01-01", None)
    run(folder, "first-bbbbbb", "2026-01-02", entries[0].hash)
    run(folder, "both-cccccc", "2026-01-03", entries[1].hash)
    run(folder, "lost-dddddd", "2026-01-04", "f" * 64)
    run(folder, "other-eeeeee", "2026-01-05", None, "1" * 64)
    make_run(folder / "runs" / "debug" / "early-ffffff", status="failed")
    return folder


def test_the_runs_that_used_this_very_file_are_told_with_its_subset_and_its_label_then(
    output: Path, entries: list[Entry]
) -> None:
    found = of_image(output, entries, "a, 1", SHA, "benign")
    assert [(use.run, use.subset, use.label, use.outdated) for use in found] == [
        ("lost-dddddd", "test", None, True),
        ("both-cccccc", "test", "malignant", False),
        ("first-bbbbbb", "test", "malignant", False),
        ("none-aaaaaa", "test", "benign", True),
    ]
    assert of_image(output, entries, "a", SHA, "benign") == []
    assert len(of_image(output, entries, "b", None, "benign")) == 5


def test_runs_with_other_labels_than_now_are_counted_by_subset(output: Path, entries: list[Entry]) -> None:
    assert [(one.run, one.images) for one in outdated(output, entries)] == [
        ("first-bbbbbb", {"train": 1}),
        ("none-aaaaaa", {"test": 1, "train": 1}),
    ]
    assert outdated(output, []) == []


def test_a_label_that_came_back_makes_nothing_outdated(output: Path, tmp_path: Path, entries: list[Entry]) -> None:
    log = LabelLog(tmp_path / "labels.log")
    log.append(lambda _: [change("a, 1", old_label="malignant", new_label="benign")])
    assert ("none-aaaaaa", {"train": 1}) in [(one.run, one.images) for one in outdated(output, log.read())]
