from collections.abc import Callable
from pathlib import Path

import pytest

from skinlab.data.label_log.apply import corrected
from skinlab.data.label_log.edit import LabelConflict, Wanted, revert, set_label, set_labels, undo, undo_all
from skinlab.data.label_log.entries import Entry
from skinlab.data.label_log.place import log_of
from skinlab.data.label_log.store import LabelLog
from skinlab.data.sources import load
from skinlab.errors import DataError, OutputError
from skinlab.schema import FolderDataset
from tests.data.data_builders import folder_dataset, noise_image

A, B = "benign/benign_000", "benign/benign_001"


@pytest.fixture
def images(class_folder: Callable[..., Path]) -> FolderDataset:
    return folder_dataset(class_folder(benign=3, malignant=2, nevus=1))


@pytest.fixture
def log(images: FolderDataset) -> LabelLog:
    return log_of(images)


def put(images: FolderDataset, image_id: str, label: str, **more: object) -> Entry:
    return set_label(log_of(images), load(images), image_id, label, **{"why": "looked again", "who": "ada", **more})  # type: ignore[arg-type]


def label_of(images: FolderDataset, image_id: str) -> str:
    manifest = corrected(load(images), images)[0]
    return manifest.labels[list(manifest.image_ids).index(image_id)]


def test_an_entry_says_what_who_when_and_why(images: FolderDataset) -> None:
    entry = put(images, A, "malignant", why="  histology: melanoma\n", who="Müller")
    assert (entry.image_id, entry.old_label, entry.new_label, entry.source_label) == (
        A,
        "benign",
        "malignant",
        "benign",
    )
    assert (entry.who, entry.why, entry.number) == ("Müller", "histology: melanoma", 1)
    assert len(entry.sha256) == 64
    again = put(images, A, "nevus")
    assert (again.old_label, again.new_label, again.source_label) == ("malignant", "nevus", "benign")


def test_who_is_the_user_where_nobody_is_named(images: FolderDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    assert put(images, A, "malignant", who=None).who == "grace"


@pytest.mark.parametrize(
    ("image_id", "label", "expected"),
    [
        ("benign_000", "malignant", r"no image benign_000 in the data set; did you mean benign/benign_000\?"),
        ("zzz", "malignant", "no image zzz in the data set; ids are such as benign/benign_000, benign/benign_001"),
        (
            A,
            "malignnat",
            r"no label malignnat \(did you mean malignant\?\): the labels are benign, malignant, nevus; a new",
        ),
        (A, "", r"no label \(empty\)"),
        (A, "benign", "benign/benign_000 is benign already: nothing to change"),
    ],
)
def test_mistakes_are_one_line_and_enter_nothing(
    images: FolderDataset, log: LabelLog, image_id: str, label: str, expected: str
) -> None:
    with pytest.raises(DataError, match=expected) as caught:
        put(images, image_id, label)
    assert "\n" not in str(caught.value)
    assert not log.path.exists()


@pytest.mark.parametrize("text", ["", "  ", "\udcff"])
def test_a_reason_and_a_name_are_needed(images: FolderDataset, log: LabelLog, text: str) -> None:
    for word in ("why", "who"):
        with pytest.raises(DataError, match=f"--{word} needs text"):
            put(images, A, "malignant", **{word: text})
    assert log.read() == []


def test_a_declared_label_may_be_new(images: FolderDataset) -> None:
    assert put(images, A, "indeterminate", further=["indeterminate"]).new_label == "indeterminate"
    assert put(images, B, "indeterminate").new_label == "indeterminate"


def test_an_unreadable_image_cannot_be_relabelled(images: FolderDataset) -> None:
    image = Path(images.path) / f"{A}.png"
    image.unlink()
    image.symlink_to("nowhere.png")
    with pytest.raises(DataError, match=f"{A} cannot be read: No such file or directory: what cannot be looked at"):
        put(images, A, "malignant")


def test_a_folder_that_cannot_be_written_is_said(images: FolderDataset) -> None:
    (Path(images.path) / "labels.log").mkdir()
    with pytest.raises(OutputError, match=r"cannot be written .*dataset\.label_log=PATH"):
        put(images, A, "malignant")


def test_undo_is_a_new_entry_that_restores_the_label(images: FolderDataset, log: LabelLog) -> None:
    put(images, A, "malignant")
    put(images, A, "nevus")
    undone = undo(log, "2", why="mistyped", who="ada")
    assert (undone.number, undone.old_label, undone.new_label) == (3, "nevus", "malignant")
    assert label_of(images, A) == "malignant"
    undone = undo(log, undone.revision, why="no", who="ada")
    assert (undone.number, undone.new_label) == (4, "nevus")
    assert label_of(images, A) == "nevus"
    assert [entry.why for entry in log.read()] == ["looked again", "looked again", "mistyped", "no"]


def test_undo_back_to_the_source_is_no_correction_any_more(images: FolderDataset, log: LabelLog) -> None:
    put(images, A, "malignant")
    undo(log, "1", why="mistyped", who="ada")
    manifest, corrections = corrected(load(images), images)
    assert list(manifest.labels) == list(load(images).labels)
    assert corrections.applied == []


def test_only_the_last_entry_of_an_image_is_undone(images: FolderDataset, log: LabelLog) -> None:
    put(images, A, "malignant")
    put(images, B, "malignant")
    put(images, A, "nevus")
    with pytest.raises(DataError, match=f"{A} was changed again by entry 3: undo that one first"):
        undo(log, "1", why="x", who="ada")
    assert undo(log, "2", why="x", who="ada").image_id == B
    with pytest.raises(DataError, match="has no entry 9: it has 4"):
        undo(log, "9", why="x", who="ada")


def test_undo_of_a_second_look_does_not_vouch_for_the_file_of_the_first(images: FolderDataset, log: LabelLog) -> None:
    put(images, A, "malignant")
    noise_image(77).save(Path(images.path) / f"{A}.png")
    put(images, A, "nevus")
    undo(log, "2", why="x", who="ada")
    with pytest.raises(DataError, match="another file"):
        corrected(load(images), images)


def test_revert_restores_all_labels_of_a_revision_by_new_entries(images: FolderDataset, log: LabelLog) -> None:
    put(images, A, "malignant")
    kept = put(images, B, "nevus")
    then = corrected(load(images), images)[0].labels
    put(images, A, "nevus")
    put(images, B, "benign")
    put(images, "benign/benign_002", "malignant")
    added = revert(log, kept.revision, who="ada")
    assert [(entry.image_id, entry.old_label, entry.new_label) for entry in added] == [
        (A, "nevus", "malignant"),
        (B, "benign", "nevus"),
        ("benign/benign_002", "malignant", "benign"),
    ]
    assert {entry.why for entry in added} == {f"reverted to {kept.revision}"}
    assert corrected(load(images), images)[0].labels == then
    assert len(log.read()) == 8


def test_revert_to_none_gives_the_labels_of_the_source(images: FolderDataset, log: LabelLog) -> None:
    put(images, A, "malignant")
    put(images, B, "nevus")
    assert len(revert(log, "none", why="start again", who="ada")) == 2
    assert corrected(load(images), images)[0].labels == load(images).labels
    with pytest.raises(DataError, match="the labels are as at revision none already: nothing to revert"):
        revert(log, "none", who="ada")


def test_a_label_that_went_and_came_back_is_not_reverted(images: FolderDataset, log: LabelLog) -> None:
    kept = put(images, A, "malignant")
    put(images, A, "nevus")
    put(images, A, "malignant")
    with pytest.raises(DataError, match=f"as at revision {kept.revision} already"):
        revert(log, kept.hash, who="ada")


def several(images: FolderDataset, *wanted: Wanted, log: LabelLog | None = None, **more: object) -> list[Entry]:
    return set_labels(log or log_of(images), load(images), wanted, **{"why": "looked", "who": "ada", **more})  # type: ignore[arg-type]


def test_several_labels_are_set_at_once_or_none_is(images: FolderDataset, log: LabelLog) -> None:
    with pytest.raises(DataError, match="no label malignnat"):
        several(images, Wanted(A, "malignant"), Wanted(B, "malignnat"))
    assert log.read() == []
    added = several(images, Wanted(A, "malignant"), Wanted(B, "nevus"))
    assert [(entry.image_id, entry.new_label) for entry in log.read()] == [(A, "malignant"), (B, "nevus")]
    assert added == log.read()


def test_what_is_said_twice_is_entered_once(images: FolderDataset, log: LabelLog) -> None:
    first = several(images, Wanted(A, "malignant", seen=0))
    assert several(images, Wanted(A, "malignant", seen=0)) == first
    assert several(images, Wanted(B, "benign", seen=0)) == []
    assert log.read() == first
    undone = undo_all(log, [1], why="no", who="ada")
    assert undo_all(log, [1], why="no", who="ada") == undone
    assert [entry.new_label for entry in log.read()] == ["malignant", "benign"]


def test_a_label_that_somebody_changed_meanwhile_is_a_conflict_and_nothing_is_entered(
    images: FolderDataset, log: LabelLog
) -> None:
    several(images, Wanted(A, "malignant", seen=0), who="eve")
    with pytest.raises(LabelConflict, match=f"{A} is malignant by now .entry 1 by eve.") as caught:
        several(images, Wanted(B, "nevus", seen=0), Wanted(A, "nevus", seen=0))
    assert caught.value.entries == log.read()
    several(images, Wanted(A, "nevus", seen=1))
    with pytest.raises(LabelConflict, match=f"{A} is nevus by now"):
        undo_all(log, [1], why="no", who="eve")
    assert [entry.new_label for entry in log.read()] == ["malignant", "nevus"]


def test_what_was_undone_is_done_again_by_undoing_that(images: FolderDataset, log: LabelLog) -> None:
    done = several(images, Wanted(A, "malignant"), Wanted(B, "nevus"))
    undone = undo_all(log, [entry.number for entry in done], why="undo", who="ada")
    assert (label_of(images, A), label_of(images, B)) == ("benign", "benign")
    undo_all(log, [entry.number for entry in undone], why="redo", who="ada")
    assert (label_of(images, A), label_of(images, B)) == ("malignant", "nevus")
    with pytest.raises(DataError, match="has no entry 9"):
        undo_all(log, [9], why="undo", who="ada")
