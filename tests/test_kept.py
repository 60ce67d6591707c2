from collections.abc import Callable

import pytest

from skinlab import kept
from skinlab.kept import Kept


@pytest.fixture
def keeping() -> None:
    kept.keep()


def maker(made: list[str], name: str) -> Callable[[], bytes]:
    def make() -> bytes:
        made.append(name)
        return name.encode()

    return make


def ask(store: Kept[bytes], names: str) -> str:
    """What had to be made when these were asked for, one after another; each must be its own value."""
    made: list[str] = []
    for name in names:
        assert store.get(name, maker(made, name)) == name.encode()
    return "".join(made)


@pytest.mark.usefixtures("keeping")
def test_a_value_is_made_once() -> None:
    assert ask(Kept(3, len), "abab") == "ab"


@pytest.mark.usefixtures("keeping")
def test_what_was_asked_for_longest_ago_gives_way() -> None:
    store = Kept(3, len)
    assert ask(store, "abcad") == "abcd"
    assert ask(store, "acd") == ""
    assert ask(store, "b") == "b"


@pytest.mark.usefixtures("keeping")
def test_what_is_larger_than_the_limit_drives_nothing_out() -> None:
    store = Kept(3, lambda value: 4 if value == b"x" else 1)
    assert ask(store, "abcxabc") == "abcx"


def test_a_process_that_was_not_asked_to_keeps_nothing() -> None:
    assert ask(Kept(3, len), "aa") == "aa"
