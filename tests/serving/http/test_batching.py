import threading
import time
from collections.abc import Callable, Iterator

import pytest

from skinlab.serving.http.batching import Batcher

Made = Callable[..., Batcher[int, int]]


@pytest.fixture
def batcher() -> Iterator[Made]:
    """Makes batchers that are closed after the test."""
    made: list[Batcher[int, int]] = []

    def make(compute: Callable, threads: int = 1, most: int = 8, wait_s: float = 0.0) -> Batcher[int, int]:
        made.append(Batcher(compute, threads, most, wait_s))
        return made[-1]

    yield make
    for one in made:
        one.close()


def held(batches: list[list[int]], gate: threading.Event) -> Callable:
    """Notes each batch, and computes nothing until the gate opens."""

    def compute(items: list[int]) -> list[int]:
        batches.append(list(items))
        assert gate.wait(30)
        return [2 * item for item in items]

    return compute


def test_what_waits_while_a_batch_is_computed_is_computed_together(batcher: Made) -> None:
    batches: list[list[int]] = []
    gate = threading.Event()
    made = batcher(held(batches, gate), most=4)
    first = made.submit(0)
    while not batches:
        time.sleep(0.001)
    others = [made.submit(item) for item in range(1, 7)]
    gate.set()
    assert [future.result(30) for future in (first, *others)] == [0, 2, 4, 6, 8, 10, 12]
    assert batches == [[0], [1, 2, 3, 4], [5, 6]]


def test_the_first_waits_for_others_as_long_as_it_may_and_no_longer(batcher: Made) -> None:
    batches: list[list[int]] = []
    gate = threading.Event()
    gate.set()
    patient = batcher(held(batches, gate), most=3, wait_s=30)
    futures = [patient.submit(item) for item in range(3)]
    assert [future.result(20) for future in futures] == [0, 2, 4]  # a full batch does not wait
    assert batches == [[0, 1, 2]]
    assert batcher(held(batches, gate), wait_s=0.05).submit(7).result(20) == 14


def test_what_waits_is_shared_among_idle_threads(batcher: Made) -> None:
    batches: list[list[int]] = []
    gate = threading.Event()
    made = batcher(held(batches, gate), threads=2, most=8, wait_s=0.3)
    futures = [made.submit(item) for item in range(4)]
    while len(batches) < 2:
        time.sleep(0.001)
    gate.set()
    assert [future.result(30) for future in futures] == [0, 2, 4, 6]
    assert sorted(map(len, batches)) == [2, 2]


def test_a_failure_reaches_whoever_waits_and_the_next_batch_is_computed(batcher: Made) -> None:
    def compute(items: list[int]) -> list[int]:
        if 0 in items:
            raise MemoryError("no room")
        return items

    made = batcher(compute)
    with pytest.raises(MemoryError, match="no room"):
        made.submit(0).result(30)
    assert made.submit(1).result(30) == 1


def test_what_was_given_up_is_not_computed(batcher: Made) -> None:
    batches: list[list[int]] = []
    gate = threading.Event()
    made = batcher(held(batches, gate))
    first = made.submit(0)
    while not batches:
        time.sleep(0.001)
    assert made.submit(1).cancel()
    last = made.submit(2)
    gate.set()
    assert (first.result(30), last.result(30)) == (0, 4)
    assert batches == [[0], [2]]


def test_closing_computes_what_waits() -> None:
    made: Batcher[int, int] = Batcher(lambda items: items, 1, 8, 30)
    future = made.submit(3)
    made.close()
    assert future.result(0) == 3
    with pytest.raises(RuntimeError, match="closed"):
        made.submit(4)
