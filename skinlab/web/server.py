"""The pages on a port of 127.0.0.1, in this process: until Ctrl-C, or on a thread of its own."""

import importlib.util
import socket
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from skinlab.errors import ConfigError, SetupError
from skinlab.web.door import EMBEDDED, ENTER, Door, Keys
from skinlab.web.workplace import Workplace

if TYPE_CHECKING:
    import uvicorn

ADDRESS = "127.0.0.1"
PACKAGES = ("fastapi", "uvicorn", "jinja2")
PATIENCE_S = 10.0
"""How long a server on a thread may take to begin or to end."""


def require_packages() -> None:
    """Refuse where what the pages need is not installed.

    Raises:
        SetupError: it is not.
    """
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        are = "are" if len(missing) > 1 else "is"
        raise SetupError(
            f"{' and '.join(missing)} {are} not installed, which the pages need: pip install 'skinlab[web]'"
        )


class Server:
    """A server that has its port already.

    Attributes:
        keys: what opens its door.
        port: where it listens.
    """

    def __init__(self, workplace: Workplace, port: int = 0, keys: Keys | None = None) -> None:
        """Take a port.

        Args:
            workplace: what the pages show.
            port: 0: any that is free.
            keys: what opens its door; None: new ones, without a way in for frames.

        Raises:
            ConfigError: the port is taken.
            SetupError: a package is missing.
        """
        require_packages()
        from skinlab.web.app import create

        self.keys = keys or Keys()
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        self._server = _uvicorn(Door(create(workplace), self.keys, self.port))
        run = partial(self._server.run, sockets=[self._socket])
        self._thread = threading.Thread(target=run, name="skinlab ui", daemon=True)

    @property
    def origin(self) -> str:
        """The address without a path."""
        return f"http://{ADDRESS}:{self.port}"

    @property
    def link(self) -> str:
        """Lets one browser in, once."""
        return f"{self.origin}{ENTER}?token={self.keys.token}"

    @property
    def frame(self) -> str:
        """The address of the pages inside a notebook, without a slash at its end.

        Raises:
            ConfigError: there is no key for it.
        """
        if self.keys.embedded is None:
            raise ConfigError("this server has no key for frames")
        return f"{self.origin}{EMBEDDED}{self.keys.embedded}"

    def start(self) -> None:
        """Answer on a thread, until `close`; it answers when this returns.

        Raises:
            SetupError: it does not come up.
        """
        self._thread.start()
        end = time.monotonic() + PATIENCE_S
        while not self._server.started and self._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.01)
        if not self._server.started:
            raise SetupError(f"the pages did not come up on port {self.port} within {PATIENCE_S:g} s: try again")

    def wait(self) -> None:
        """Return when the server has ended."""
        self._thread.join()

    def close(self) -> None:
        """End what `start` began."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(PATIENCE_S)


def _bound(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((ADDRESS, port))
        bound.listen()  # who opens the link at once waits until there is an answer
    except OSError as error:
        bound.close()
        raise ConfigError(
            f"port {port} of {ADDRESS} cannot be used ({error.strerror}): choose another --port"
        ) from error
    return bound


def _uvicorn(door: Door) -> "uvicorn.Server":
    import uvicorn

    config = uvicorn.Config(
        door,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,  # addresses hold tokens
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)
