"""Whom a connection is with, by the address that it was made to: names may lead anywhere, also to this machine.

A redirect from a server on the internet may not lead to this machine or its neighbours, whatever form its address has.
That is decided on the connected socket, before anything is sent. A proxy decides for itself.
"""

from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from skinlab.transfer.addresses import is_neighbour


class NeighbourError(Exception):
    """The connection would be with this machine or a neighbour."""


class Session(requests.Session):
    """A session that knows whom it met, and tells nobody what is in .netrc.

    Args:
        public: connect with servers on the internet alone.
    """

    def __init__(self, *, public: bool) -> None:
        super().__init__()
        self.auth = lambda request: request  # else .netrc is read
        self._near: dict[str, bool] = {}
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(self._near, public=public))

    def met_neighbour(self, address: str) -> bool:
        """Whether the host of an address that was fetched from is this machine or a neighbour."""
        return self._near.get(urlsplit(address).hostname or "", False)


class _Adapter(HTTPAdapter):
    def __init__(self, near: dict[str, bool], *, public: bool) -> None:
        self._near, self._public = near, public
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)

        def checked(connection: Any, socket: Any) -> Any:
            peer = str(socket.getpeername()[0])
            self._near[connection.host] = is_neighbour(peer)
            if self._public and is_neighbour(peer):
                socket.close()
                raise NeighbourError(f"the redirect leads to {peer}, into this machine or its network")
            return socket

        class Plain(HTTPConnection):
            def _new_conn(self) -> Any:
                return checked(self, super()._new_conn())

        class Encrypted(HTTPSConnection):
            def _new_conn(self) -> Any:
                return checked(self, super()._new_conn())

        plain = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": Plain})
        encrypted = type("Pool", (HTTPSConnectionPool,), {"ConnectionCls": Encrypted})
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": encrypted}
