"""A process that answers: `python -m skinlab.serving.http.worker SETTINGS PUBLIC PRIVATE CHANNEL`.

The numbers are descriptors that the supervisor leaves to it: the socket that the world connects to, one on which the
service is tried before, and the channel between the two. It begins with the private one, says `ready`, listens to the
world when it is told `open`, and ends when it is told `drain`, when the supervisor is gone, or by SIGTERM.
"""

import asyncio
import logging
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from skinlab.errors import SkinlabError
from skinlab.serving import loading
from skinlab.serving.http import keys
from skinlab.serving.http.answering import Answerer
from skinlab.serving.http.app import create
from skinlab.serving.http.guard import Service
from skinlab.serving.http.keys import Keys
from skinlab.serving.http.monitoring import Monitor
from skinlab.serving.http.protocol import BoundedProtocol
from skinlab.serving.http.settings import Settings

log = logging.getLogger("skinlab.serving.http")

BACKLOG = 2048
KEEP_ALIVE_SECONDS = 20
LINGER_SECONDS = 2.0
"""While draining, connections that are kept alive may ask once more for so long; the answer tells them to close."""
TICK = 0.05


def main(argv: list[str]) -> int:
    """Answer until told to end."""
    settings = Settings.read(Path(argv[0]))
    public, private, channel = (socket.socket(fileno=int(number)) for number in argv[1:4])
    handler = logging.StreamHandler()
    form = logging.Formatter("%(asctime)s %(levelname)s %(process)d %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    handler.setFormatter(form)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    try:
        service, answerer = _made(settings)
    except SkinlabError as error:
        log.error("cannot start: %s", error)  # noqa: TRY400 - the message is meant for a user, its stack is not
        return error.exit_code
    uvloop.run(_Worker(service, answerer, public, private, channel).run())
    answerer.close()
    return 0


def _made(settings: Settings) -> tuple[Service, Answerer]:
    bundle = loading.load(Path(settings.bundle))
    monitor = Monitor(bundle.sha256[:12])
    answerer = Answerer(
        bundle,
        threads=settings.threads,
        max_batch=settings.max_batch,
        batch_wait_s=settings.batch_wait_s,
        pixels=settings.pixels,
        computed=monitor.computed,
    )
    known = None if settings.key_file is None else Keys(keys.read(Path(settings.key_file)))
    return Service(settings, known, monitor), answerer


class _Worker:
    """uvicorn's server, told what to do through the channel."""

    def __init__(
        self,
        service: Service,
        answerer: Answerer,
        public: socket.socket,
        private: socket.socket,
        channel: socket.socket,
    ) -> None:
        self._service, self._public, self._private, self._channel = service, public, private, channel
        self._config = uvicorn.Config(
            create(service, answerer),
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, round(service.settings.drain_s)),
        )
        self._server = uvicorn.Server(self._config)

    async def run(self) -> None:
        serving = asyncio.create_task(self._server.serve(sockets=[self._private]))
        while not self._server.started and not serving.done():
            await asyncio.sleep(TICK / 10)
        told = asyncio.create_task(self._listen_to_supervisor())
        await serving
        told.cancel()

    async def _listen_to_supervisor(self) -> None:
        loop = asyncio.get_running_loop()
        self._channel.settimeout(0)
        await loop.sock_sendall(self._channel, b"ready\n")
        while True:
            for word in (await loop.sock_recv(self._channel, 64) or b"drain\n").split():
                if word == b"open":
                    await self._open(loop)
                elif word == b"drain":
                    await self._drain()
                    return

    async def _open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen to the world; the private address has served its purpose."""

        def protocol() -> Any:
            state = self._server.lifespan.state
            return BoundedProtocol(
                config=self._config, server_state=self._server.server_state, app_state=state, _loop=loop
            )

        listening = await loop.create_server(protocol, sock=self._public, backlog=BACKLOG)
        self._server.servers[0].close()
        self._server.servers.append(listening)
        await loop.sock_sendall(self._channel, b"opened\n")

    async def _drain(self) -> None:
        """Stop listening; answer what is asked on open connections and close them with that; then end."""
        self._service.draining = True
        for server in self._server.servers:
            server.close()
        end = time.monotonic() + min(LINGER_SECONDS, self._service.settings.drain_s)
        while self._server.server_state.connections and time.monotonic() < end:
            await asyncio.sleep(TICK)
        self._server.should_exit = True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
