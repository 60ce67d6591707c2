import json
from pathlib import Path

import pytest

from skinlab.data.label_log.entries import Entry, find, follow, parse, revision_of, until
from skinlab.errors import DataError
from tests.data.label_log.log_builders import change

WHEN = "2026-01-02T03:04:05+00:00"
LOG = Path("labels.log")


def entries_of(*names: str) -> list[Entry]:
    made: list[Entry] = []
    for name in names:
        made.append(follow(made[-1] if made else None, change(name, why="Müller: 'nævus'\n"), WHEN))
    return made


def lines_of(entries: list[Entry]) -> list[bytes]:
    return [entry.line() for entry in entries]


def test_what_is_written_is_read_back() -> None:
    entries = entries_of("a", "b", "c")
    content = b"".join(lines_of(entries))
    assert content.count(b"\n") == 3
    assert parse(content, LOG) == (entries, len(content))
    assert parse(b"", LOG) == ([], 0)


def test_a_revision_depends_on_every_entry_before_it() -> None:
    assert revision_of(entries_of("a", "b")) == revision_of(entries_of("a", "b"))
    assert revision_of(entries_of("a", "b")) != revision_of(entries_of("x", "b"))
    assert revision_of([]) is None


@pytest.mark.parametrize(
    "field", ["image_id", "new_label", "old_label", "source_label", "sha256", "who", "why", "when"]
)
def test_a_changed_entry_is_noticed(field: str) -> None:
    lines = lines_of(entries_of("a", "b", "c"))
    lines[1] = json.dumps(json.loads(lines[1]) | {field: "changed"}).encode() + b"\n"
    with pytest.raises(DataError, match=r"labels\.log, line 2: its content does not have its hash; .* from a copy"):
        parse(b"".join(lines), LOG)


def test_an_entry_with_a_hash_of_its_own_does_not_fit_into_the_chain() -> None:
    lines = lines_of(entries_of("a", "b", "c"))
    lines[1] = follow(entries_of("a")[0], change("b", new_label="other"), WHEN).line()
    with pytest.raises(DataError, match="line 3: entry 3 does not follow from the line before"):
        parse(b"".join(lines), LOG)


@pytest.mark.parametrize(("order", "line"), [((1, 2), 1), ((0, 2), 2), ((1, 0, 2), 1), ((0, 0, 1, 2), 2)], ids=str)
def test_lines_that_are_missing_moved_or_repeated_are_noticed(order: tuple[int, ...], line: int) -> None:
    lines = lines_of(entries_of("a", "b", "c"))
    with pytest.raises(DataError, match=f"line {line}: entry . does not follow"):
        parse(b"".join(lines[i] for i in order), LOG)


@pytest.mark.parametrize("bad", [b"", b"\0\0", b"[]", b"{}", b'{"number": 1}', b"\xff"])
def test_a_line_in_the_middle_that_is_no_entry_is_noticed(bad: bytes) -> None:
    first, second = lines_of(entries_of("a", "b"))
    with pytest.raises(DataError, match="line 2: it is not an entry"):
        parse(first + bad + b"\n" + second, LOG)


def test_a_line_that_was_never_finished_is_no_entry_wherever_it_broke_off() -> None:
    entries = entries_of("a", "b")
    first, second = lines_of(entries)
    for end in range(len(second) - 1):
        assert parse(first + second[:end], LOG) == (entries[:1], len(first))


def test_a_whole_entry_that_only_lacks_its_line_break_counts() -> None:
    entries = entries_of("a", "b")
    content = b"".join(lines_of(entries))[:-1]
    assert parse(content, LOG) == (entries, len(content))


def test_an_entry_is_found_by_number_and_by_the_beginning_of_its_hash() -> None:
    entries = entries_of("a", "b", "c")
    assert find(entries, "2", LOG) is entries[1]
    assert find(entries, entries[2].hash, LOG) is entries[2]
    assert find(entries, entries[2].revision.upper(), LOG) is entries[2]


@pytest.mark.parametrize("wanted", ["0", "4", "-1", "", "abc", "ffffffffffff", "none"])
def test_an_entry_that_is_not_there_is_said(wanted: str) -> None:
    with pytest.raises(DataError, match=f"labels.log has no entry {wanted}: it has 3, the newest is"):
        find(entries_of("a", "b", "c"), wanted, LOG)


def test_the_beginning_of_two_hashes_is_refused() -> None:
    entries = entries_of(*map(str, range(600)))
    starts = [entry.hash[:4] for entry in entries]
    both = next(start for start in starts if starts.count(start) == 2 and not start.isdecimal())
    first = starts.index(both)
    second = starts.index(both, first + 1)
    with pytest.raises(DataError, match=f"{both} begins the hashes of entries {first + 1} and {second + 1}"):
        find(entries, both, LOG)


def test_the_entries_until_a_revision() -> None:
    entries = entries_of("a", "b", "c")
    assert until(entries, None, LOG) == entries
    assert until(entries, "none", LOG) == []
    assert until(entries, entries[1].revision, LOG) == entries[:2]
