"""Requests that are paced, retried, bounded and confined to allowed addresses. Knows nothing of images or archives."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from skinlab import __version__
from skinlab.errors import DataError
from skinlab.transfer import addresses
from skinlab.transfer.pace import Pacer, Patience, retry_after

if TYPE_CHECKING:
    import requests

    from skinlab.transfer import peers

Result = TypeVar("Result")
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_PIECE = 1 << 16
_SLOWEST = 1024  # bytes/s on average; below it a server only keeps the connection busy
_LONGEST_TEXT = 64 << 20
_LONGEST_DETAIL = 200


class FetchError(DataError):
    """Something could not be fetched and trying again now does not help; the message is a short reason."""


class RefusedError(FetchError):
    """The server refuses, by `status`."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"HTTP {status}{f' ({detail})' if detail else ''}")
        self.status = status
        self.detail = detail


class ExhaustedError(FetchError):
    """Every try failed."""


class TransientError(Exception):
    """One try failed and the next may not; `after` is what the server asked to wait, in seconds."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Web:
    """What all threads of a fetch send their requests through."""

    def __init__(self, pacer: Pacer, patience: Patience, plain_http: addresses.PlainHttp) -> None:
        self.pacer = pacer
        self._patience = patience
        self._plain_http: addresses.PlainHttp = plain_http
        self._local = threading.local()

    def persistently(self, ask: Callable[[], Result]) -> Result:
        """The result of `ask`, which is called again after a `TransientError`.

        Raises:
            ExhaustedError: it failed as often as patience allows.
            FetchError: `ask` says that trying again is of no use.
            StoppedError: the fetch is being stopped.
        """
        for attempt in range(self._patience.tries):
            self.pacer.turn()
            try:
                return ask()
            except TransientError as error:
                reason = str(error)
                if attempt + 1 < self._patience.tries:
                    self._wait(error, attempt)
        tries = self._patience.tries
        raise ExhaustedError(f"{reason}; tried {tries} time{'s' if tries > 1 else ''}")

    def _wait(self, error: TransientError, attempt: int) -> None:
        if error.after is not None:
            if error.after > self._patience.longest_pause:
                raise ExhaustedError(f"{error}, and asks to wait {error.after:.0f} s")
            self.pacer.hold(error.after)  # what one thread is told holds for all
        self.pacer.pause(self._patience.wait(attempt))

    @contextmanager
    def answer(self, address: str, headers: dict[str, str]) -> Iterator["requests.Response"]:
        """The answer to one GET, its body not read yet; redirects are followed as far as allowed.

        Raises:
            TransientError: no answer, or one that says to come again; also while the body is read inside the block.
            RefusedError: any other status than success.
            FetchError: the address is not allowed.
        """
        with _transport_named():
            response = self._follow(address, headers)
            with response:
                self._check_status(response)
                yield response

    def pieces(self, response: "requests.Response") -> Iterator[bytes]:
        """The body as it comes in.

        Raises:
            TransientError: it stops short, stalls or comes too slowly.
            StoppedError: the fetch is being stopped.
        """
        began, received = time.monotonic(), 0
        while piece := response.raw.read1(_PIECE):
            yield piece
            received += len(piece)
            if time.monotonic() - began > self._patience.read + received / _SLOWEST:
                raise TransientError(f"slower than {_SLOWEST} bytes/s")
            self.pacer.pause(0)

    def json(self, address: str) -> Any:
        """The JSON value at an address.

        Raises:
            FetchError: it cannot be had.
            StoppedError: the fetch is being stopped.
        """
        return self.persistently(lambda: self._json_once(address))

    def _json_once(self, address: str) -> Any:
        body = bytearray()
        with self.answer(address, {"Accept": "application/json"}) as response:
            for piece in self.pieces(response):
                body += piece
                if len(body) > _LONGEST_TEXT:
                    raise FetchError(
                        f"the answer of {addresses.shown(address)} is larger than {_LONGEST_TEXT >> 20} MB"
                    )
        try:
            return json.loads(body)
        except ValueError as error:  # UnicodeDecodeError is one
            raise TransientError("the answer is not JSON") from error

    def _follow(self, address: str, headers: dict[str, str]) -> "requests.Response":
        begun_near = False
        for redirects in range(_MOST_REDIRECTS + 1):
            if reason := addresses.problem(address, self._plain_http):
                raise FetchError(reason)
            session = self._session(public=redirects > 0 and not begun_near)
            response = session.get(
                address,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(self._patience.connect, self._patience.read),
            )
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not location:
                return response
            begun_near = begun_near or (redirects == 0 and session.met_neighbour(address))
            response.close()
            address, reason = addresses.redirected(address, location, self._plain_http)
            if reason:
                raise FetchError(reason)
        raise FetchError(f"more than {_MOST_REDIRECTS} redirects")

    def _session(self, *, public: bool) -> "peers.Session":
        """One session a thread, since sessions are not made for sharing; of `public`, one that meets no neighbour."""
        from skinlab.transfer import peers

        name = "public" if public else "session"
        if not hasattr(self._local, name):
            made = peers.Session(public=public)
            # Compressed bodies would make lengths and ranges mean something else.
            made.headers.update({"User-Agent": f"skinlab/{__version__}", "Accept-Encoding": "identity"})
            setattr(self._local, name, made)
        session: peers.Session = getattr(self._local, name)
        return session

    def _check_status(self, response: "requests.Response") -> None:
        status = response.status_code
        if status in _TRANSIENT:
            raise TransientError(f"HTTP {status}", retry_after(response.headers.get("Retry-After"), datetime.now(UTC)))
        if not 200 <= status < 300:  # noqa: PLR2004 - the statuses of success
            raise RefusedError(status, _detail(response))


@contextmanager
def _transport_named() -> Iterator[None]:
    """What goes wrong below HTTP, as one short reason."""
    import requests
    import urllib3

    from skinlab.transfer import peers

    try:
        yield
    except peers.NeighbourError as error:
        raise FetchError(str(error)) from error
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise FetchError(f"not an address that can be fetched: {error}") from error
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise TransientError("no answer in time") from error
    except requests.exceptions.SSLError as error:
        raise TransientError("the encrypted connection failed") from error
    except urllib3.exceptions.IncompleteRead as error:
        raise TransientError("the body stops short") from error
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise TransientError("the connection broke") from error


def _detail(response: "requests.Response") -> str:
    """What a refusal says about itself, where it is JSON with a message: shortened, on one line."""
    body = response.raw.read(4096)
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(content, dict):
        return ""
    text = content.get("message") or content.get("detail") or ""
    return " ".join(str(text).split())[:_LONGEST_DETAIL]
