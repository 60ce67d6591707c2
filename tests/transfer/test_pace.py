import threading
from datetime import UTC, datetime

import pytest

from skinlab.transfer.pace import Pacer, Patience, StoppedError, retry_after

NOW = datetime(2024, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("Wed, 01 May 2024 12:01:30 GMT", 90),
        ("Wed, 01 May 2024 11:00:00 GMT", 0),
        ("Wed, 01 May 2024 12:00:05 -0000", 5),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header, NOW) == seconds


def test_waits_are_drawn_from_a_range_that_doubles_up_to_its_bound():
    patience = Patience(backoff=1, longest_backoff=8)
    for attempt, longest in enumerate([1, 2, 4, 8, 8, 8]):
        waits = [patience.wait(attempt) for _ in range(300)]
        assert 0 <= min(waits) < 0.2 * longest
        assert 0.8 * longest < max(waits) <= longest


def test_all_threads_share_one_rate(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("skinlab.transfer.pace.time.monotonic", lambda: clock[0])
    pacer = Pacer(rate=4)
    starts = []

    def pause(seconds):
        clock[0] += seconds

    monkeypatch.setattr(pacer, "pause", pause)
    for _ in range(5):
        pacer.turn()
        starts.append(clock[0] - 100)
    assert starts == [0, 0.25, 0.5, 0.75, 1.0]
    pacer.hold(10)
    pacer.turn()
    assert clock[0] - 100 == 11


def test_whoever_waits_is_woken_when_the_fetch_stops():
    pacer = Pacer(rate=1)
    ended = threading.Event()

    def wait():
        with pytest.raises(StoppedError):
            pacer.pause(600)
        ended.set()

    threading.Thread(target=wait, daemon=True).start()
    pacer.stop()
    assert ended.wait(30)
    with pytest.raises(StoppedError):
        pacer.turn()
