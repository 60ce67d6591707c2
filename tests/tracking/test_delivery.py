import threading
from collections.abc import Sequence
from typing import Any

import pytest

from skinlab.tracking.delivery import Delivery
from skinlab.tracking.sink import Ending, Record

FINISHED = Ending("finished", None)


class Notes:
    """A sink that can be broken, and keeps what it took."""

    def __init__(self, *, broken: bool = False, slow: threading.Event | None = None) -> None:
        self.broken = broken
        self.slow = slow
        self.begun = 0
        self.taken: list[int] = []
        self.endings: list[str] = []
        self.called = threading.Condition()

    def begin(self) -> None:
        with self.called:
            self.begun += 1
            self.called.notify_all()
        if self.slow:
            self.slow.wait(30)
        if self.broken:
            raise ConnectionError("refused\nby a test")

    def epochs(self, records: Sequence[Record]) -> None:
        if self.broken:
            raise ConnectionError("lost")
        with self.called:
            self.taken += [record["epoch"] for record in records if record["epoch"] not in self.taken]
            self.called.notify_all()

    def end(self, ending: Ending) -> None:
        self.endings.append(ending.status)

    def facts(self) -> dict[str, Any]:
        return {"where": "here"}

    def wait_until(self, condition: Any) -> None:
        with self.called:
            assert self.called.wait_for(condition, 30)


def records(last: int) -> list[Record]:
    return [{"epoch": epoch} for epoch in range(1, last + 1)]


def test_a_sink_gets_every_epoch_and_the_ending() -> None:
    sink = Notes()
    delivery = Delivery("notes", sink)
    delivery.epochs(records(1))
    delivery.epochs(records(2))
    assert delivery.report() | {"failed_tries": 0} == delivery.report() | {"status": "open", "where": "here"}
    delivery.end(FINISHED, 30)
    assert (sink.taken, sink.endings) == ([1, 2], ["finished"])
    assert delivery.report() == {"status": "delivered", "error": None, "failed_tries": 0, "where": "here"}
    assert delivery.news() is None


def test_a_sink_that_never_works_is_tried_a_bounded_number_of_times_and_told_once() -> None:
    sink = Notes(broken=True)
    delivery = Delivery("notes", sink, pauses=(0, 0, 0))
    sink.wait_until(lambda: sink.begun >= 4)
    delivery.end(Ending("failed", "why"), 30)
    assert sink.begun == 8  # a round at the beginning, a round at the end
    assert delivery.news() == "ConnectionError: refused by a test"
    assert delivery.news() is None
    report = delivery.report()
    assert (report["status"], report["error"]) == ("failed", "ConnectionError: refused by a test")


def test_what_a_sink_missed_comes_with_the_next_epoch() -> None:
    sink = Notes(broken=True)
    delivery = Delivery("notes", sink, pauses=())
    delivery.epochs(records(1))
    sink.wait_until(lambda: sink.begun >= 1)
    sink.broken = False
    delivery.epochs(records(3))
    sink.wait_until(lambda: sink.taken == [1, 2, 3])
    delivery.end(FINISHED, 30)
    assert delivery.report()["status"] == "delivered"
    assert sink.endings == ["finished"]


def test_a_sink_that_hangs_holds_up_neither_an_epoch_nor_the_end() -> None:
    hanging = threading.Event()
    sink = Notes(slow=hanging)
    delivery = Delivery("notes", sink)
    delivery.epochs(records(1))
    delivery.end(FINISHED, 0.2)
    report = delivery.report()
    assert (report["status"], report["error"]) == ("failed", "not everything was taken; given up after 0.2 s")
    hanging.set()
    delivery._thread.join(30)
    assert sink.taken == sink.endings == []  # nothing is sent behind the back of who was told that it is given up
    assert delivery.report() == report


def test_the_end_does_not_wait_for_a_round_of_before() -> None:
    sink = Notes(broken=True)
    delivery = Delivery("notes", sink, pauses=(3600,))
    sink.wait_until(lambda: sink.begun == 1)
    sink.broken = False
    delivery.end(FINISHED, 30)
    assert delivery.report()["status"] == "delivered"


def test_a_record_that_grows_later_is_not_seen_through_the_sink() -> None:
    sink = Notes()
    delivery = Delivery("notes", sink)
    growing = records(1)
    delivery.epochs(growing)
    growing.clear()
    delivery.end(FINISHED, 30)
    assert sink.taken == [1]


@pytest.mark.parametrize("length", [10, 10_000])
def test_reasons_are_of_bounded_length(length: int) -> None:
    class Wordy(Notes):
        def begin(self) -> None:
            raise ValueError("x" * length)

    delivery = Delivery("notes", Wordy(), pauses=())
    delivery.end(FINISHED, 30)
    assert len(delivery.report()["error"]) == min(length + len("ValueError: "), 500)
