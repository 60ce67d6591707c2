import pytest

from skinlab.data.archive.entries import Entry, Page
from skinlab.data.archive.listing import Listing
from skinlab.errors import DataError


class Pages:
    """A source of numbered pages that notes what it is asked."""

    def __init__(self, following):
        self.asked = []
        self._following = following

    def page(self, cursor):
        self.asked.append(cursor)
        entry = Entry(f"after {cursor}", "images/a.jpg", "https://e.org", 1, {"é": "1"})
        return Page([entry], self._following[cursor], 3)

    def fresh(self, entry):
        return None


CHAIN = {None: "a", "a": "b", "b": None}


def names(listing):
    return [entry.name for page in listing.pages() for entry in page.entries]


def test_pages_are_asked_for_once_and_then_come_from_the_journal(tmp_path):
    source = Pages(CHAIN)
    for _ in range(2):
        assert names(Listing(tmp_path / "journal", source)) == ["after None", "after a", "after b"]
    assert source.asked == [None, "a", "b"]


def test_an_interrupted_listing_goes_on_at_its_cursor(tmp_path):
    first = Pages(CHAIN)
    pages = Listing(tmp_path / "journal", first).pages()
    next(pages)
    next(pages)
    second = Pages(CHAIN)
    assert names(Listing(tmp_path / "journal", second)) == ["after None", "after a", "after b"]
    assert (first.asked, second.asked) == ([None, "a"], ["b"])


@pytest.mark.parametrize("lost", [1, 30, 400])
def test_a_torn_journal_is_read_as_far_as_it_is_whole(tmp_path, lost):
    journal = tmp_path / "journal"
    names(Listing(journal, Pages(CHAIN)))
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-lost])
    source = Pages(CHAIN)
    assert names(Listing(journal, source)) == ["after None", "after a", "after b"]
    assert journal.read_bytes() == whole
    assert source.asked


def test_a_journal_of_something_else_is_begun_anew(tmp_path):
    journal = tmp_path / "journal"
    journal.write_text('{"pages": 3}\n')
    assert names(Listing(journal, Pages(CHAIN))) == ["after None", "after a", "after b"]


def test_a_listing_that_runs_in_a_circle_ends(tmp_path):
    with pytest.raises(DataError, match="never ends: its page after 'a' comes again"):
        names(Listing(tmp_path / "journal", Pages({None: "a", "a": "b", "b": "a"})))
