import json
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from skinlab.errors import ConfigError, OutputError
from skinlab.runs import notes
from tests.runs.run_builders import make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return make_run(tmp_path / "run")


def test_tags_and_notes_are_kept_in_a_file_of_their_own(run: Path) -> None:
    before = (run / "run.json").read_bytes()
    notes.tag(run, ["paper", "a"])
    notes.tag(run, ["paper"])
    notes.note(run, " the one to show ")
    found = notes.read(run)
    assert found.tags == ["a", "paper"]
    assert [note.text for note in found.notes] == ["the one to show"]
    assert (run / "run.json").read_bytes() == before


def test_a_tag_is_taken_away(run: Path) -> None:
    notes.tag(run, ["paper", "a"])
    assert notes.untag(run, ["a"]).tags == ["paper"]
    with pytest.raises(ConfigError, match="has no tag a; tags: paper"):
        notes.untag(run, ["a"])


@pytest.mark.parametrize("name", ["", "two words", "a/b", "-x", "x" * 65])
def test_a_tag_that_could_not_be_typed_in_a_filter_is_refused(run: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="is no tag"):
        notes.tag(run, [name])


def test_an_empty_note_is_refused(run: Path) -> None:
    with pytest.raises(ConfigError, match="a note has 1 to 10000 characters"):
        notes.note(run, "  ")


def _tag(job: tuple[Path, int]) -> None:
    notes.tag(job[0], [f"t{job[1]}"])


def test_tags_given_at_the_same_time_are_all_kept(run: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_tag, [(run, number) for number in range(20)]))
    assert len(notes.read(run).tags) == 20


@pytest.mark.parametrize("content", ["{", "[]", '{"schema_version": 2}', '{"schema_version": 1, "tags": []}'])
def test_a_damaged_file_is_named_and_not_overwritten(run: Path, content: str) -> None:
    (run / notes.FILE).write_text(content)
    with pytest.raises(OutputError, match=r"notes\.json"):
        notes.tag(run, ["a"])
    assert (run / notes.FILE).read_text() == content


def test_the_file_says_its_version(run: Path) -> None:
    notes.tag(run, ["a"])
    assert json.loads((run / notes.FILE).read_text()) == {"schema_version": 1, "tags": ["a"], "notes": []}
