"""The content of what a user wants scored: files, and addresses, which are fetched here and never by the service."""

from typing import Self

from skinlab.data.images import read_bytes
from skinlab.errors import DataError
from skinlab.serving.inputs import Given
from skinlab.transfer.pace import Pacer, Patience
from skinlab.transfer.web import FetchError, Web

LONGEST = 64 << 20
"""Bytes of an image that is fetched."""
REQUESTS_A_SECOND = 100.0
PATIENCE = Patience(connect=5, read=30, tries=3, backoff=0.5, longest_backoff=5, longest_pause=30)


class Reader:
    """Reads files and addresses; may be used from several threads."""

    def __init__(self) -> None:
        self._pacer = Pacer(REQUESTS_A_SECOND)
        self._web = Web(self._pacer, PATIENCE, "loopback")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pacer.stop()

    def content(self, source: Given) -> bytes:
        """The content of an image file.

        Raises:
            DataError: it cannot be read or fetched.
        """
        if source.problem:
            raise DataError(source.problem)
        if "://" in source.path:
            return self._web.persistently(lambda: self._fetched(source.path))
        return read_bytes(source.path)

    def _fetched(self, address: str) -> bytes:
        body = bytearray()
        with self._web.answer(address, {"Accept": "image/*"}) as response:
            for piece in self._web.pieces(response):
                body += piece
                if len(body) > LONGEST:
                    raise FetchError(f"is larger than {LONGEST >> 20} MB")
        return bytes(body)
