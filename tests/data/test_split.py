"""The split as a table and its hash."""

import csv
import hashlib
import io

from skinlab.data.split import split_csv_text, split_hash


def test_csv_text_is_sorted_and_quotes_what_needs_it() -> None:
    text = split_csv_text(["b", 'a,"x"'], ["1", "2"], ["n", "m"], [None, "L 1"], ["test", "train"])
    assert "\r" not in text
    assert list(csv.reader(io.StringIO(text))) == [
        ["image_id", "sha256", "label", "group", "subset"],
        ['a,"x"', "2", "m", "L 1", "train"],
        ["b", "1", "n", "", "test"],
    ]


def test_hash_is_that_of_the_csv_text_and_sees_every_column() -> None:
    columns: list[list[str]] = [["a", "b"], ["1", "2"], ["x", "y"], ["g", "h"], ["train", "test"]]
    hashes = {split_hash(*columns)}
    assert hashes == {hashlib.sha256(split_csv_text(*columns).encode()).hexdigest()}
    for i in range(5):
        hashes.add(split_hash(*[[*column[:1], "changed"] if i == j else column for j, column in enumerate(columns)]))
    assert len(hashes) == 6
