"""One file over HTTP into a part, which goes on where it ended: after a broken connection, a kill, another day."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.transfer.web import FetchError, RefusedError, TransientError, Web

if TYPE_CHECKING:
    import requests

_PARTIAL = 206
_UNSATISFIABLE = 416
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)", re.ASCII)


@dataclass(frozen=True)
class Part:
    """The beginning of a file, and what tells whether the server still has the same one.

    Only a strong validator allows to join what was had before with what comes now (RFC 9110, 13.1.5 and 15.3.7).
    """

    path: Path

    @property
    def _note(self) -> Path:
        return self.path.with_suffix(".etag")

    def held(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    def note(self) -> tuple[str | None, int | None]:
        """The strong entity tag that its bytes came with, and how many bytes were announced; None: not known."""
        try:
            tag, total = json.loads(self._note.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # never begun, or torn by a power cut
            return None, None
        return tag, total

    def restart(self, tag: str | None, total: int | None) -> None:
        """Empty, from now on of another tag. In this order: a kill between the two leaves no bytes of the wrong tag."""
        self.path.write_bytes(b"")
        strong = tag if tag and not tag.startswith("W/") else None
        self._note.write_text(json.dumps([strong, total]), encoding="utf-8")

    def remove(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


@dataclass(frozen=True)
class Kind:
    """What is fetched.

    Attributes:
        accept: of the request's Accept header.
        largest: bytes, where the source does not say a size; what is larger is refused.
        what: of the refusal: "more than `what` has".
        damage: why a whole file is not what it should be, or None.
    """

    accept: str
    largest: int
    what: str
    damage: Callable[[Path], str | None] = lambda _path: None


def download(web: Web, address: str, size: int | None, part: Part, kind: Kind) -> None:
    """Bring `part` to the whole file, of `size` bytes where that is known.

    A part that is whole already costs no request.

    Raises:
        FetchError: it cannot be had, or is damaged.
        StoppedError: the fetch is being stopped; the part stays.
        OSError: the disk is full or refuses.
    """
    whole = size if size is not None else part.note()[1]
    if whole is None or part.held() != whole or _forget_damaged(part, kind):
        web.persistently(lambda: _try(web, address, size, part, kind))


def _try(web: Web, address: str, size: int | None, part: Part, kind: Kind) -> None:
    tag = part.note()[0]
    held = part.held() if tag else 0
    wanted = {"Range": f"bytes={held}-", "If-Range": tag or ""} if held else {}
    with _range_refused(part), web.answer(address, {"Accept": kind.accept, **wanted}) as response:
        start = _start(response, held, size)
        total = _check_length(response, start, size, kind)
        if start == 0:
            part.restart(response.headers.get("ETag"), total)
        _append(web, response, part, kind.largest if total is None else total)
    if total is not None and part.held() != total:
        raise TransientError(f"the body stops short: {part.held()} of {total} bytes")
    if reason := _forget_damaged(part, kind):
        raise TransientError(reason)


@contextlib.contextmanager
def _range_refused(part: Part) -> Iterator[None]:
    """A server that has no more bytes than are held has another file: begin anew."""
    try:
        yield
    except RefusedError as error:
        if error.status != _UNSATISFIABLE:
            raise
        part.remove()
        raise TransientError("the server has no such part") from error


def _start(response: "requests.Response", held: int, size: int | None) -> int:
    """The byte that the body begins with: `held` where the server goes on as asked, 0 where it begins anew."""
    if response.status_code != _PARTIAL:
        return 0
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if not held or not match or int(match[1]) != held or (size is not None and match[2] not in ("*", str(size))):
        raise TransientError("the server answers another part than the one asked for")
    return held


def _check_length(response: "requests.Response", start: int, size: int | None, kind: Kind) -> int | None:
    """Bytes of the whole file as announced, None where nobody announces any."""
    text = response.headers.get("Content-Length", "")
    announced = start + int(text) if text.isascii() and text.isdigit() else None
    if size is not None and announced not in (None, size):
        raise TransientError(f"the server announces {announced} bytes where the listing says {size}")
    total = size if size is not None else announced
    if total is not None and total > kind.largest:
        raise FetchError(f"{total} bytes are more than {kind.what} has")
    return total


def _append(web: Web, response: "requests.Response", part: Part, most: int) -> None:
    held = part.held()
    with part.path.open("ab") as stream:
        for piece in web.pieces(response):
            held += len(piece)
            if held > most:
                stream.close()
                part.remove()
                raise TransientError(f"more than the {most} bytes that were announced")
            stream.write(piece)
            stream.flush()


def _forget_damaged(part: Part, kind: Kind) -> str | None:
    """Why a whole part is not what it should be, after which it is forgotten; else None."""
    reason = kind.damage(part.path)
    if reason:
        part.remove()
    return reason
