from skinlab.data.archive.entries import Entry
from skinlab.data.archive.rows import Rows


def entry(name, **row):
    return Entry(name, f"images/{name}.jpg", "https://example.org", 1, row)


def test_the_first_row_of_a_file_stays_and_every_fetch_is_noted():
    rows = Rows()
    assert [rows.add(entry("b", sex="male"), 1), rows.add(entry("a"), 1), rows.add(entry("b", sex="female"), 2)] == [
        True,
        True,
        False,
    ]
    assert len(rows) == 2
    assert rows.row("images/b.jpg") == {"sex": "male"}
    assert rows.row("images/c.jpg") is None
    assert list(rows.table(())) == [
        {"file": "images/a.jpg", "fetch": "1"},
        {"sex": "male", "file": "images/b.jpg", "fetch": "1 2"},
    ]


def test_what_failed_is_not_in_the_table():
    rows = Rows()
    rows.add(entry("a"), 1)
    rows.add(entry("b"), 1)
    assert [row["file"] for row in rows.table({"a"})] == ["images/b.jpg"]
