from threading import Barrier, Thread

import pytest

from skinlab.web.keeping import Kept


def test_what_is_asked_for_again_is_made_once_until_others_have_taken_its_place():
    made = []
    kept = Kept(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        kept.get(key, lambda key=key: made.append(key))
    assert made == ["a", "b", "c", "b"]
    assert len(kept) == 2


def test_what_fails_is_not_kept():
    kept = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 7) == 7


def test_threads_that_ask_for_the_same_thing_at_once_share_one():
    made, all_there = [], Barrier(8)
    kept = Kept(2, at_once=1)

    def ask():
        all_there.wait()
        kept.get("a", lambda: made.append(1))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
