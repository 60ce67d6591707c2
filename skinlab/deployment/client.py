"""Asks a deployment, wherever it is: keys, tries, several requests at a time, and how long each took.

Images are sent as JSON, which every target reads. Nothing is fetched by the server: the client reads files and
addresses itself.
"""

import base64
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from skinlab import __version__
from skinlab.deployment.base import Access
from skinlab.errors import ConfigError, DataError, DeploymentError
from skinlab.transfer.addresses import is_loopback
from skinlab.transfer.pace import Patience, retry_after

if TYPE_CHECKING:
    import requests

KEY_VARIABLE = "SKINLAB_KEY"
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file of authorities, on this machine too."""
AGAIN = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses after which the same request may succeed."""
OK, UNAUTHORIZED, UNREADABLE = 200, 401, 422
LONGEST_ANSWER = 64 << 20
LONGEST_REASON = 300
Source = TypeVar("Source")


class RefusedError(DataError):
    """The service refuses this image; the others may be fine."""


@dataclass(frozen=True)
class Timing:
    """How long requests took, in seconds: the median, and what 95 and 99 of 100 kept below."""

    requests: int
    p50: float
    p95: float
    p99: float


@dataclass
class _Times:
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client:
    """A service that scores images; may be used from several threads.

    Args:
        where: the name of a deployment, or an address such as `http://127.0.0.1:8000` or one that ends in `/score`.
        key: None: that of the deployment of this name or address, else `$SKINLAB_KEY`, else none.
        patience: how long things are waited for, and how often tried.
        headers: that each request has besides.
        insecure: send `key` or `$SKINLAB_KEY` over http, where others may read it on the way.

    Raises:
        ConfigError: there is no such deployment, this is no address, or the key would be sent without encryption.

    Example:
        client = skinlab.Client("mine")
        client.score("lesion.jpg")["decision"]
    """

    def __init__(
        self,
        where: str,
        key: str | None = None,
        patience: Patience | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        insecure: bool = False,
    ) -> None:
        access = reach(where)
        self.address = access.address
        given = key or (os.environ.get(KEY_VARIABLE) if access.key is None else None)
        if given and not (insecure or _is_private(self.address)):
            raise ConfigError(f"{where} is asked without encryption, and its key could be read on the way: use https")
        self._key = given or access.key
        self._patience = patience or Patience(connect=5, read=60, tries=6, backoff=0.2, longest_backoff=5)
        self._headers = {"Content-Type": "application/json", "User-Agent": f"skinlab/{__version__}", **(headers or {})}
        self._local = threading.local()
        self._times = _Times()

    def score(self, image: bytes | str | Path) -> dict[str, Any]:
        """What the service says of one image.

        Args:
            image: the content of a file, or its path.

        Returns:
            `probabilities` by class, `label`, `decision`.

        Raises:
            ImageError: there is no such file, or it cannot be read.
            RefusedError: the image cannot be used.
            DeploymentError: the service does not answer, or refuses to.
        """
        content = image if isinstance(image, bytes) else _content(Path(image))
        body = json.dumps({"images": [base64.b64encode(content).decode("ascii")]}).encode()
        answer = self._persistently(body)
        try:
            found: dict[str, Any] = answer["results"][0]
            _ = found["probabilities"].items(), found["label"], found["decision"]
        except (TypeError, KeyError, IndexError, AttributeError) as error:
            raise DeploymentError(f"{self.address} answered something else than a service of skinlab") from error
        return found

    def score_all(
        self, sources: Iterable[Source], read: Callable[[Source], bytes], concurrency: int = 4
    ) -> Iterator[tuple[Source, dict[str, Any] | DataError]]:
        """What the service says of each source, in order, or why there is no answer; few are in memory at a time.

        Args:
            sources: of any kind; asked for as they are needed.
            read: gives the content of a source, or raises DataError; called in several threads.
            concurrency: requests at a time.

        Raises:
            DeploymentError: the service does not answer any more.
        """

        def one(source: Source) -> dict[str, Any] | DataError:
            try:
                return self.score(read(source))
            except DataError as error:
                return error

        waiting: deque[tuple[Source, Future[dict[str, Any] | DataError]]] = deque()
        pool = ThreadPoolExecutor(concurrency, thread_name_prefix="skinlab-client")
        try:
            for source in sources:
                waiting.append((source, pool.submit(one, source)))
                if len(waiting) > 2 * concurrency:
                    first, result = waiting.popleft()
                    yield first, result.result()
            for first, result in waiting:
                yield first, result.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def timing(self) -> Timing | None:
        """How long the answered requests took so far; None where there were none."""
        with self._times.lock:
            seconds = sorted(self._times.seconds)
        if not seconds:
            return None

        def below(share: float) -> float:
            return seconds[min(len(seconds) - 1, int(share * len(seconds)))]

        return Timing(len(seconds), below(0.5), below(0.95), below(0.99))

    def _persistently(self, body: bytes) -> Any:
        """The answer to a request, which is sent again as long as patience allows."""
        reason, after = "", None
        for attempt in range(self._patience.tries):
            if attempt:
                time.sleep(min(self._patience.longest_pause, max(after or 0, self._patience.wait(attempt - 1))))
            began = time.monotonic()
            status, content, after = self._once(body)
            if status == OK:
                with self._times.lock:
                    self._times.seconds.append(time.monotonic() - began)
                return self._value(content)
            reason = _reason(status, content)
            if status not in AGAIN and status:
                raise self._refusal(status, reason)
        tries = self._patience.tries
        raise DeploymentError(f"{self.address} does not answer: {reason}; tried {tries} time{'s' if tries > 1 else ''}")

    def _once(self, body: bytes) -> tuple[int, bytes, float | None]:
        """Status, body and what the server asks to wait; status 0 and the reason where there is no answer."""
        import requests
        import urllib3

        headers = dict(self._headers)
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        limits = (self._patience.connect, self._patience.read)
        try:
            with self._session().post(
                self.address, data=body, headers=headers, timeout=limits, stream=True, allow_redirects=False
            ) as response:
                content = response.raw.read(LONGEST_ANSWER, decode_content=True)
                return (
                    response.status_code,
                    content,
                    retry_after(response.headers.get("Retry-After"), datetime.now(UTC)),
                )
        except (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader) as error:
            raise ConfigError(f"{self.address} cannot be asked: {error}") from error
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            return 0, b"no answer in time", None
        except (requests.RequestException, urllib3.exceptions.HTTPError):
            return 0, b"no connection", None

    def _session(self) -> "requests.Session":
        """One session a thread: sessions are not made for sharing."""
        if not hasattr(self._local, "session"):
            import requests

            self._local.session = made = requests.Session()
            made.trust_env = not is_loopback(urlsplit(self.address).hostname or "")  # proxies
            made.verify = next(filter(None, map(os.environ.get, AUTHORITIES)), True)
            made.auth = lambda request: request  # nothing of .netrc
        session: requests.Session = self._local.session
        return session

    def _refusal(self, status: int, reason: str) -> Exception:
        if status == UNREADABLE:
            return RefusedError(reason)
        if status == UNAUTHORIZED:
            how = f"set {KEY_VARIABLE}" if self._key is None else "the key is not one that it knows"
            return DeploymentError(f"{self.address} asks for a key: {how}")
        return DeploymentError(f"{self.address} refuses: {reason}")

    def _value(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError as error:
            raise DeploymentError(f"{self.address} answered something else than JSON") from error


def reach(where: str) -> Access:
    """Address and key of a deployment by its name, or of an address; the key of a known address is found too.

    Raises:
        ConfigError: there is no such deployment, or this is no address.
    """
    from skinlab.deployment import record, targets

    if "://" not in where:
        found = record.require(where)
        return targets.find(found.target).access(found)
    parts = urlsplit(where)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ConfigError(f"{where} is no address of a service, such as http://127.0.0.1:8000")
    address = where if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/score"
    for known in record.everyone():
        if address in (known.address, f"{known.address}/score"):  # others are not asked for their keys
            return targets.find(known.target).access(known)
    return Access(address, None)


def _is_private(address: str) -> bool:
    """Whether nobody on the way reads what is sent there."""
    parts = urlsplit(address)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def _content(path: Path) -> bytes:
    from skinlab.data.images import ImageError, read_bytes

    try:
        return read_bytes(path)
    except ImageError as error:
        raise ImageError(f"{path} {error}") from error


def _reason(status: int, content: bytes) -> str:
    """What a refusal says about itself, on one line."""
    if not status:
        return content.decode()
    try:
        said = json.loads(content)
        text = str(said.get("error") or said.get("message") or "") if isinstance(said, dict) else ""
    except ValueError:
        text = content.decode(errors="replace")
    short = " ".join(text.split())[:LONGEST_REASON]
    return f"{short} (HTTP {status})" if short else f"HTTP {status}"
