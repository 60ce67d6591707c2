"""What is deployed: one folder with one JSON file a deployment, below skinlab's home.

Knows no target: what a target needs to find its deployment again is under `state`, and is the target's own.
"""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from skinlab import files, paths
from skinlab.errors import ConfigError, DeploymentError

SCHEMA_VERSION = 1
FILE, LOCK = "deployment.json", ".lock"


@dataclass(frozen=True, kw_only=True)
class Replay:
    """What came of asking for the replay set.

    Attributes:
        images: how many were asked for; 0: the bundle has none, and nothing is proven.
        largest_difference: of a probability, to the stored one.
        at: when, UTC.
    """

    images: int
    largest_difference: float
    at: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """A deployment.

    Attributes:
        name: its own.
        target: where to.
        run: the directory that the bundle came from.
        model_sha256: of the model.
        bundle_sha256: of the list of the bundle's checksums.
        address: where it answers.
        created: UTC.
        settings: as declared.
        replay: the last comparison with the stored probabilities.
        state: the target's own.
    """

    name: str
    target: str
    run: str
    model_sha256: str
    bundle_sha256: str
    address: str
    created: str
    settings: dict[str, Any]
    replay: Replay | None
    state: dict[str, Any]


def folder(name: str) -> Path:
    """The folder of a deployment; need not be there."""
    return paths.deployments() / name


def write(record: Record) -> None:
    """Write the file of a deployment.

    Raises:
        OutputError: it cannot be written.
    """
    files.write_json(folder(record.name) / FILE, {"schema_version": SCHEMA_VERSION, **asdict(record)})


def find(name: str) -> Record | None:
    """The deployment of this name.

    Raises:
        DeploymentError: its file is damaged, or of a newer skinlab.
    """
    path = folder(name) / FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values.pop("schema_version")
        if version > SCHEMA_VERSION:
            raise DeploymentError(f"{path} was written by a newer skinlab (version {version})")
        replay = values.pop("replay")
        return Record(**values, replay=None if replay is None else Replay(**replay))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeploymentError(f"{path} cannot be read: {error!r}; delete {path.parent} to forget it") from error


def require(name: str) -> Record:
    """The deployment of this name.

    Raises:
        ConfigError: there is none.
    """
    from skinlab.config.suggest import did_you_mean, then_list

    found = find(name) if Path(name).name == name else None
    if found is None:
        names = [record.name for record in everyone()]
        known = then_list(did_you_mean(name, names), "There are", names) if names else ": there are none"
        raise ConfigError(f"there is no deployment '{name}'{known}")
    return found


def everyone() -> list[Record]:
    """All deployments, by name."""
    found = (find(path.parent.name) for path in sorted(paths.deployments().glob(f"*/{FILE}")))
    return [record for record in found if record is not None]


@contextmanager
def changing(name: str) -> Iterator[Path]:
    """The folder of a deployment while nobody else changes it, made where it is not there.

    Raises:
        DeploymentError: somebody else is at it.
        OutputError: it cannot be made.
    """
    path = folder(name)
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        _require_private(path)
        lock = (path / LOCK).open("a")
    except OSError as error:
        raise files.output_error(path, error) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DeploymentError(f"deployment {name} is being changed by another command; wait for it") from error
        yield path


def _require_private(path: Path) -> None:
    """Refuse a folder for keys that somebody else made, or may write."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise DeploymentError(f"{path} is not a folder of yours alone, and keys come into it: chmod 700, or remove it")


def replayed(record: Record, images: int, difference: float) -> Record:
    """The record with a new comparison, written."""
    changed = replace(record, replay=Replay(images=images, largest_difference=difference, at=now()))
    write(changed)
    return changed


def now() -> str:
    """The time, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
