"""The local target: an HTTP service on this machine, in the background. See serving/http for what it is made of.

Each time a service is put somewhere it gets a folder of its own (a revision) with a copy of the bundle, so that nothing
that happens to the run changes what answers. A service that takes the place of another is tried on a private address
first; then it gets the very socket that the other listens to, with whatever waits in it, and the other finishes what
it is at.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from skinlab import files, machine, schema
from skinlab.config.resolvers import run_id
from skinlab.data.parallel import usable_cpus
from skinlab.deployment import record as recorded
from skinlab.deployment import service
from skinlab.deployment.base import Access, Request, Say
from skinlab.deployment.client import Client
from skinlab.deployment.record import Record, Replay
from skinlab.deployment.verifying import Verified, verify
from skinlab.errors import DeploymentError, SetupError
from skinlab.serving import loading, packing, replay
from skinlab.serving.bundle import CHECKSUMS
from skinlab.serving.http import control, keys
from skinlab.serving.http.settings import LOG, SETTINGS, Settings
from skinlab.serving.loading import Bundle

KEYS, BUNDLE = "keys", "bundle"
KEYS_VARIABLE = "SKINLAB_DEPLOYMENT_KEYS"
PACKAGES = ("fastapi", "uvicorn", "uvloop", "httptools", "python_multipart", "prometheus_client")
BACKLOG = 2048
LOOPBACK = "127.0.0.1"
LocalRequest = Request[schema.LocalDeployment]


class LocalTarget:
    """An HTTP service on this machine."""

    def plan(self, request: LocalRequest) -> dict[str, Any]:
        """What would be started, with what."""
        _require_packages()
        declared = request.settings
        settings = _settings(request, recorded.folder(request.name) / BUNDLE)
        return {
            "name": request.name,
            "target": "local",
            "replaces": None if request.before is None else request.before.address,
            "address": f"http://{_shown(declared.host)}:{declared.port or 'a free port'}",
            "model": request.bundle.sha256,
            "bundle_mb": round(packing.size(request.bundle) / 1e6, 1),
            "replay_images": len(replay.of(request.bundle)),
            "keys": "none" if declared.auth == "none" else _keys_from(declared),
            "service": {name: value for name, value in asdict(settings).items() if name not in ("bundle", "key_file")},
        }

    def deploy(self, request: LocalRequest, say: Say) -> Record:
        """Start the service, try it, then let it answer."""
        _require_packages()
        with recorded.changing(request.name) as folder:
            return _put(request, folder, say)

    def status(self, record: Record) -> str:
        """Running with all workers ready, how many of them are, or stopped."""
        if not _alive(record):
            return "stopped"
        try:
            state = control.ask(_revision(record), "status")
        except control.ControlError:
            return "not answering"
        return "running" if state["ready"] == state["workers"] else f"{state['ready']} of {state['workers']} workers"

    def access(self, record: Record) -> Access:
        """The address on this machine, and the first key."""
        file = record.state["key_file"]
        return Access(f"{record.address}/score", None if file is None else keys.read(Path(file))[0])

    def logs(self, record: Record, lines: int) -> str:
        """The end of the log, with that of the file before it."""
        path = _revision(record) / LOG
        older = path.with_name(f"{LOG}.1")
        return service.tail([older, path], lines)

    def restart(self, record: Record, say: Say) -> Record:
        """The same again, from its own copy of the bundle."""
        try:
            settings = schema.LocalDeployment(**record.settings)
        except TypeError as error:
            raise DeploymentError(
                f"{record.name} was deployed by another version of skinlab: skinlab deploy RUN "
                f"deployment.name={record.name} --replace"
            ) from error
        bundle = loading.load(_revision(record) / BUNDLE)
        return self.deploy(Request(record.name, settings, bundle, Path(record.run), record), say)

    def delete(self, record: Record, say: Say) -> None:
        """Let it finish what it is at, stop it, remove its folder."""
        with recorded.changing(record.name) as folder:
            if _alive(record):
                say(f"stopping {record.name}")
                _stop(record)
            (folder / recorded.FILE).unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Place:
    """Where a service listens, and how it begins."""

    public: socket.socket
    private: socket.socket

    @property
    def port(self) -> int:
        return int(self.public.getsockname()[1])

    @property
    def trial(self) -> str:
        """The private address."""
        return f"http://{LOOPBACK}:{self.private.getsockname()[1]}/score"


def _put(request: LocalRequest, folder: Path, say: Say) -> Record:
    """All of `deploy`, with the folder for itself."""
    revision = folder / run_id()
    before = request.before
    try:
        with _place(request) as place:
            key_file = _write_keys(request.settings, folder)
            settings = replace(
                _settings(request, revision / BUNDLE), key_file=None if key_file is None else str(key_file)
            )
            _fill(revision, request.bundle, settings)
            process = service.start(revision, place.public, place.private)
            try:
                verified = _tried(request, revision, place, process, key_file, say)
                service.open_to_all(revision, process)
                record = _record(request, place, revision, process.pid, key_file, verified)
                recorded.write(record)
            except DeploymentError as error:
                service.kill(process)
                raise DeploymentError(f"{error}{service.last_words(revision)}") from error
            except BaseException:
                service.kill(process)
                raise
    except BaseException:
        shutil.rmtree(revision, ignore_errors=True)
        if before is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if before is not None:
        if _alive(before):
            say("the service before it finishes what it is at")
            _stop(before)
        shutil.rmtree(_revision(before), ignore_errors=True)
    return record


def _tried(
    request: LocalRequest, revision: Path, place: _Place, process: service.Process, key_file: Path | None, say: Say
) -> Verified:
    """Wait until the service is ready, and compare its answers with the stored ones."""
    say(f"ready after {service.wait_until_ready(revision, process):.1f} s")
    client = Client(place.trial, None if key_file is None else keys.read(key_file)[0])
    verified = verify(client, replay.of(request.bundle), request.bundle.classes)
    say(verified.said())
    if not verified.agrees:
        raise DeploymentError(
            f"{request.name} is not the model that was evaluated: {verified.said()}; it was stopped"
            + ("" if request.before is None else ", and what answered before goes on")
        )
    return verified


def _record(
    request: LocalRequest, place: _Place, revision: Path, pid: int, key_file: Path | None, verified: Verified
) -> Record:
    host = request.settings.host
    seen = LOOPBACK if host in ("0.0.0.0", "::") else host  # noqa: S104 - not listened to here
    return Record(
        name=request.name,
        target="local",
        run=str(request.run.resolve()),
        model_sha256=request.bundle.sha256,
        bundle_sha256=files.sha256_of(revision / BUNDLE / CHECKSUMS),
        address=f"http://{_shown(seen)}:{place.port}",
        created=recorded.now(),
        settings=asdict(request.settings),
        replay=Replay(images=verified.images, largest_difference=verified.largest_difference, at=recorded.now()),
        state={
            "revision": revision.name,
            "process": machine.process_identity(pid),
            "port": place.port,
            "key_file": None if key_file is None else str(key_file),
        },
    )


@contextlib.contextmanager
def _place(request: LocalRequest) -> Iterator[_Place]:
    """The sockets of a new service; those of the service before it where it listens to the same address."""
    with contextlib.ExitStack() as stack:
        public = stack.enter_context(_taken_over(request) or _bound(request))
        private = stack.enter_context(socket.socket())
        private.bind((LOOPBACK, 0))
        private.listen(BACKLOG)
        yield _Place(public, private)


def _taken_over(request: LocalRequest) -> socket.socket | None:
    """The listening socket of the service that is replaced; None where it does not run or listened elsewhere."""
    before, declared = request.before, request.settings
    if before is None or before.settings["host"] != declared.host or not _alive(before):
        return None
    if declared.port not in (0, before.state["port"]):
        return None
    try:
        return control.take_socket(_revision(before))
    except control.ControlError as error:
        raise DeploymentError(
            f"the service {before.name} runs and does not answer its own machine ({error}): "
            f"skinlab deployments delete {before.name}"
        ) from error


def _bound(request: LocalRequest) -> socket.socket:
    """A new listening socket; on the port of the service before where any will do and that one is free."""
    declared, before = request.settings, request.before
    ports = [declared.port]
    if not declared.port and before is not None and not _alive(before):
        ports.insert(0, before.state["port"])
    for last, port in ((port == ports[-1], port) for port in ports):
        try:
            return _listening(declared.host, port)
        except OSError as error:
            if last:
                raise DeploymentError(
                    f"{declared.host}:{port} cannot be listened on: {error.strerror or error}; "
                    "choose another deployment.port, or 0 for one that is free"
                ) from error
    raise AssertionError("a list of ports is never empty")


def _listening(host: str, port: int) -> socket.socket:
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def _settings(request: LocalRequest, bundle: Path) -> Settings:
    """What the service is told, but for its keys."""
    declared = request.settings
    return Settings(
        name=request.name,
        bundle=str(bundle),
        key_file=None,
        hosts=tuple(dict.fromkeys((declared.host, _shown(declared.host), LOOPBACK, "localhost"))),
        workers=declared.workers,
        threads=declared.threads or max(1, usable_cpus() // declared.workers),
        max_batch=declared.max_batch,
        batch_wait_s=declared.batch_wait_ms / 1000,
        body_bytes=int(declared.body_mb * 1e6),
        pixels=int(declared.megapixels * 1e6),
        images=declared.images,
        concurrency=declared.concurrency,
        request_s=declared.request_seconds,
        drain_s=declared.drain_seconds,
        log_bytes=int(declared.log_mb * 1e6),
    )


def _fill(revision: Path, bundle: Bundle, settings: Settings) -> None:
    """The folder of a new service: a copy of the bundle, its settings."""
    packing.copied(bundle, revision / BUNDLE)
    try:
        files.write_text(revision / SETTINGS, settings.text())
    except OSError as error:
        raise files.output_error(revision, error) from error


def _keys_from(declared: schema.LocalDeployment) -> str:
    """Where keys come from, for people."""
    if declared.key_file is not None:
        return declared.key_file
    return f"${KEYS_VARIABLE}" if os.environ.get(KEYS_VARIABLE) else "made, in a file of this deployment"


def _write_keys(declared: schema.LocalDeployment, folder: Path) -> Path | None:
    """The file with the keys of the service, checked; None where it asks for none."""
    if declared.auth == "none":
        return None
    if declared.key_file is not None:
        given = Path(declared.key_file).expanduser().absolute()
        keys.read(given)
        return given
    file = folder / KEYS
    if named := os.environ.get(KEYS_VARIABLE):
        keys.write(file, keys.checked([key.strip() for key in named.split(",")], f"${KEYS_VARIABLE}"))
    elif not file.exists():
        keys.write(file, [keys.made()])
    return file


def _require_packages() -> None:
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        are = "are" if len(missing) > 1 else "is"
        raise SetupError(
            f"{' and '.join(missing)} {are} not installed, which a local service needs: pip install 'skinlab[serve]'"
        )


def _revision(record: Record) -> Path:
    return recorded.folder(record.name) / str(record.state["revision"])


def _alive(record: Record) -> bool:
    """Whether its process runs on this machine.

    Raises:
        DeploymentError: it was started on another one.
    """
    alive = machine.is_alive(record.state["process"])
    if alive is None:
        host = record.state["process"]["host"]
        raise DeploymentError(f"{record.name} was deployed on {host}: look after it there")
    return alive


def _stop(record: Record) -> None:
    """Let it finish what it is at; in the end, end it."""
    with contextlib.suppress(control.ControlError):
        control.ask(_revision(record), "stop")
    end = time.monotonic() + record.settings["drain_seconds"] + service.STOP_MARGIN
    while _alive(record):
        if time.monotonic() > end:
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.state["process"]["pid"], signal.SIGKILL)
            end += service.STOP_MARGIN
        time.sleep(service.TICK)


def _shown(host: str) -> str:
    """A host as addresses have it."""
    return f"[{host}]" if ":" in host else host
