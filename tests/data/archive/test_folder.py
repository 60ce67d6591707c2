import json

import pytest

from skinlab.data.archive.folder import LocalCopy
from skinlab.errors import DataError, OutputError

FIRST = {"source": "isic_archive", "query": "sex:male", "size": "full", "resize": None}
SECOND = {**FIRST, "query": "sex:female"}


@pytest.fixture
def copy(tmp_path):
    copy = LocalCopy(tmp_path / "deep" / "isic")
    with copy.taken():
        copy.begin(FIRST, extend=False)
    return copy


def test_one_fetch_at_a_time_works_on_a_folder(copy):
    again = LocalCopy(copy.root)
    with copy.taken(), pytest.raises(DataError, match="another fetch works on"), again.taken():
        pass
    with again.taken():
        pass


def test_the_record_says_what_is_fetched_and_that_it_is_not_finished(copy):
    assert json.loads((copy.root / "fetch.json").read_text()) == {
        "version": 1,
        "status": "unfinished",
        "counts": {},
        "fetches": [FIRST],
    }


def test_the_same_fetch_goes_on(copy):
    assert copy.begin(FIRST, extend=False) == [FIRST]


def test_another_fetch_is_refused_with_what_to_do(copy):
    with pytest.raises(DataError) as caught:
        copy.begin(SECOND, extend=False)
    assert str(caught.value) == (
        f"{copy.root} holds another fetch (query=sex:male size=full): choose another --out, or add to it with --extend"
    )
    assert copy.record()["fetches"] == [FIRST]


def test_another_fetch_is_added_on_demand(copy):
    assert copy.begin(SECOND, extend=True) == [FIRST, SECOND]
    assert copy.begin(FIRST, extend=False) == [FIRST, SECOND]


@pytest.mark.parametrize("changes", [{"size": "thumbnail"}, {"resize": 64}, {"source": "urls"}])
def test_sizes_and_sources_do_not_mix(copy, changes):
    with pytest.raises(DataError, match="another source or size .* they do not mix"):
        copy.begin({**FIRST, **changes}, extend=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"version": 2}'])
def test_a_damaged_record_is_one_line(copy, text):
    (copy.root / "fetch.json").write_text(text)
    with pytest.raises(DataError, match="fetch into another folder"):
        copy.record()


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match=r"cannot be written \(Not a directory\)"),
        LocalCopy(tmp_path / "file").taken(),
    ):
        pass


def test_a_file_of_another_length_is_not_complete(copy):
    (copy.root / "images/a.jpg").write_bytes(b"123")
    (copy.root / "images/b.jpg").touch()
    assert [copy.is_complete("images/a.jpg", size) for size in (3, None, 4)] == [True, True, False]
    assert not copy.is_complete("images/b.jpg", None)
    assert not copy.is_complete("images/c.jpg", 3)
