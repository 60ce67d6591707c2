"""The images under review, filtered and ordered."""

from pathlib import Path

import numpy as np
import pytest

from skinlab.data.label_log.entries import Entry
from skinlab.data.label_log.store import LabelLog
from skinlab.data.manifest import Manifest
from skinlab.web.image_sets import ImageSet
from skinlab.web.review.evidence import Copies, Evidence, Predictions
from skinlab.web.review.table import CONFLICT, DOUBTED, Query, Table
from skinlab.web.thumbnails import Thumbnails
from tests.data.data_builders import folder_dataset
from tests.data.label_log.log_builders import change

IDS = ["a", "b", "c", "d", "e", "f"]
LABELS = ["nv", "nv", "mel", "mel", "nv", "mel"]
CHANCES = np.array([[0.1, 0.9], [0.95, 0.05], [0.9, 0.1], [0.2, 0.8], [np.nan, np.nan], [0.7, 0.3]])


@pytest.fixture
def table() -> Table:
    """Of d and b the model doubts the label; e was not judged; a and f show the same."""
    attributes = {"site": ["arm", "leg", "arm", "", "arm", "leg"], "age": [str(age) for age in range(6)]}
    manifest = Manifest(IDS, [""] * 6, LABELS, ["L1", None, None, None, None, None], attributes)
    predictions = Predictions(["mel", "nv"], {"mel": 0, "nv": 1}, CHANCES)
    copies = Copies(np.array([[0, 5]]), np.array([0.9]))
    subsets = ["test", "test", "validation", "test", "train", "test"]
    evidence = Evidence(predictions, subsets, copies, {"outlier": {2: "dark"}}, audited=True)
    return Table(ImageSet("key", folder_dataset("/x"), manifest, Thumbnails("key", "convert")), evidence, ["bcc"])


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    """b becomes mel; a becomes mel and nv again; gone is of another data set."""
    log = LabelLog(tmp_path / "labels.log")
    source = {"source_label": "nv"}
    changes = [
        change("b", old_label="nv", new_label="mel", **source),
        change("a", old_label="nv", new_label="mel", **source),
        change("a", old_label="mel", new_label="nv", **source),
        change("gone", old_label="nv", new_label="df", **source),
    ]
    return log.append(lambda _: changes)


def found(table: Table, entries: list[Entry], **asked: object) -> str:
    return "".join(IDS[row] for row in table.rows(Query(**asked), entries))  # type: ignore[arg-type]


def test_the_most_suspect_come_first_and_a_corrected_label_is_suspect_no_more(
    table: Table, entries: list[Entry]
) -> None:
    assert found(table, []) == "fabdce"
    assert found(table, entries) == "fadcbe"


def test_labels_are_those_of_the_entries(table: Table, entries: list[Entry]) -> None:
    assert found(table, [], label="mel", order="id") == "cdf"
    assert found(table, entries, label="mel", order="id") == "bcdf"
    assert found(table, entries[:2], label="mel", order="id") == "abcdf"
    assert found(table, entries, corrected=True) == "b"
    assert found(table, entries, source="nv", order="id") == "abe"
    assert table.snapshot(entries).last == {0: 3, 1: 1}


def test_labels_that_others_entered_come_after_those_that_have_a_key_already(
    table: Table, entries: list[Entry]
) -> None:
    assert table.names == ["bcc", "mel", "nv"]
    table.snapshot(entries)
    assert table.names == ["bcc", "mel", "nv", "df"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"subset": "test"}, "abdf"),
        ({"finding": "outlier"}, "c"),
        ({"finding": CONFLICT}, "af"),
        ({"finding": DOUBTED}, "bd"),
        ({"finding": "leak"}, ""),
        ({"attribute": "site", "value": "leg"}, "bf"),
        ({"attribute": "site", "value": ""}, "d"),
        ({"text": "LEG"}, "bf"),
        ({"text": "l1"}, "a"),
        ({"subset": "test", "label": "nv"}, "ab"),
    ],
)
def test_filters(table: Table, asked: dict[str, str], expected: str) -> None:
    assert found(table, [], order="id", **asked) == expected


def test_orders(table: Table) -> None:
    assert found(table, [], order="loss") == "bdface"
    assert found(table, [], order="label") == "cdfabe"


def test_only_columns_with_few_values_can_be_chosen_from(table: Table) -> None:
    assert list(table.facets()) == ["site", "age"]
    many = Manifest(IDS, [""] * 6, LABELS, [None] * 6, {"one": ["x"] * 6})
    opened = ImageSet("key", folder_dataset("/x"), many, Thumbnails("key", "convert"))
    assert Table(opened, Evidence()).facets() == {}


def test_without_a_run_copies_under_different_labels_come_first(table: Table) -> None:
    plain = Table(table.opened, Evidence(copies=table.evidence.copies))
    assert found(plain, []) == "afbcde"
    assert found(plain, [], finding=DOUBTED) == ""
