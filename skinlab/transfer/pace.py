"""How fast and how persistently a server is asked: one rate for all threads, waits between tries. Sends nothing."""

import secrets
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class StoppedError(Exception):
    """The whole fetch is being stopped; whoever waits gives up at once."""


@dataclass(frozen=True)
class Patience:
    """How long things are waited for.

    Attributes:
        connect: seconds for a connection.
        read: seconds without a byte of the answer.
        tries: requests for one thing before it counts as failed.
        backoff: seconds that the first wait between two tries is drawn from, 0 to this; each further one doubles it.
        longest_backoff: at most this many seconds are drawn from.
        longest_pause: a Retry-After of more seconds counts as a refusal.
    """

    connect: float = 10.0
    read: float = 30.0
    tries: int = 8
    backoff: float = 1.0
    longest_backoff: float = 60.0
    longest_pause: float = 900.0

    def wait(self, attempt: int) -> float:
        """Seconds before the try after `attempt` (0, 1, ...): exponential backoff with full jitter.

        Full jitter spreads clients best: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
        """
        return secrets.SystemRandom().uniform(0, min(self.longest_backoff, self.backoff * 2**attempt))


class Pacer:
    """One for all threads: at most `rate` requests a second, none while a server asked to wait, none once stopped."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate
        self._free = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def turn(self) -> None:
        """Wait for the next free moment and take it.

        Raises:
            StoppedError: the fetch is being stopped.
        """
        while (wait := self._take()) > 0:
            self.pause(wait)
        self.pause(0)

    def _take(self) -> float:
        with self._lock:
            now = time.monotonic()
            if now < self._free:
                return self._free - now
            self._free = now + self._interval
            return 0.0

    def hold(self, seconds: float) -> None:
        """No thread asks again before this many seconds have passed."""
        with self._lock:
            self._free = max(self._free, time.monotonic() + seconds)

    def pause(self, seconds: float) -> None:
        """Wait, in this thread only.

        Raises:
            StoppedError: the fetch is being stopped.
        """
        if self._stopped.wait(seconds):
            raise StoppedError

    def stop(self) -> None:
        """Let everybody who waits or is about to ask give up."""
        self._stopped.set()


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for (RFC 9110, 10.2.3: seconds or a date), None where it says neither.

    Example:
        >>> retry_after("7", datetime(2024, 1, 1, tzinfo=UTC))
        7.0
        >>> retry_after("Mon, 01 Jan 2024 00:00:30 GMT", datetime(2024, 1, 1, tzinfo=UTC))
        30.0
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
