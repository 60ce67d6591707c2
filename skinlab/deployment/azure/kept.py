"""What is kept here of a deployment in Azure: its record, and a copy of the bundle to restart it with."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from skinlab import files, schema
from skinlab.config.resolvers import run_id
from skinlab.deployment import record as recorded
from skinlab.deployment.azure.naming import AzureRequest, Names
from skinlab.deployment.azure.undo import Undo
from skinlab.deployment.base import Request
from skinlab.deployment.record import Record, Replay
from skinlab.deployment.verifying import Verified
from skinlab.errors import ConfigError, DeploymentError
from skinlab.serving import loading, packing
from skinlab.serving.bundle import CHECKSUMS
from skinlab.serving.loading import Bundle

BUNDLE = "bundle"
PLACE = ("subscription", "resource_group", "workspace")
Settings = TypeVar("Settings", schema.AzureMlOnlineDeployment, schema.AzureMlAciDeployment, schema.AzureMlAksDeployment)


@contextmanager
def making(request: AzureRequest) -> Iterator[tuple[Bundle, Undo]]:
    """The copy of the bundle that is deployed, and the steps back, which are taken where the block fails.

    Raises:
        DeploymentError: what the block raised, with what could not be taken away.
    """
    with recorded.changing(request.name) as folder:
        revision, undo = folder / run_id(), Undo()
        try:
            packing.copied(request.bundle, revision / BUNDLE)
            yield loading.load(revision / BUNDLE), undo
        except BaseException as error:
            left = undo.said()
            shutil.rmtree(revision if request.before is not None else folder, ignore_errors=True)
            if isinstance(error, DeploymentError) and left:
                raise DeploymentError(f"{error}{left}") from error
            if isinstance(error, KeyboardInterrupt) and left:
                raise DeploymentError(f"interrupted{left}") from error
            raise
        if request.before is not None:
            shutil.rmtree(folder / str(request.before.state["revision"]), ignore_errors=True)


def write(
    request: AzureRequest, names: Names, bundle: Bundle, address: str, verified: Verified, **state: Any
) -> Record:
    """Write the record of a deployment; no key is in it."""
    record = Record(
        name=request.name,
        target=request.settings.target,
        run=str(request.run.resolve()),
        model_sha256=bundle.sha256,
        bundle_sha256=files.sha256_of(bundle.path / CHECKSUMS),
        address=address,
        created=recorded.now(),
        settings=asdict(request.settings),
        replay=Replay(images=verified.images, largest_difference=verified.largest_difference, at=recorded.now()),
        state={
            "revision": bundle.path.parent.name,
            "service": names.service,
            "model": [names.model, names.model_version],
            **state,
        },
    )
    recorded.write(record)
    return record


def settings(record: Record, kind: type[Settings]) -> Settings:
    """What was declared for a deployment.

    Raises:
        DeploymentError: by another version of skinlab.
    """
    try:
        return kind(**record.settings)
    except TypeError as error:
        raise DeploymentError(
            f"{record.name} was deployed by another version of skinlab: skinlab deploy RUN "
            f"deployment.name={record.name} --replace"
        ) from error


def again(record: Record, kind: type[Settings]) -> Request[Settings]:
    """The request that makes a deployment once more, from its own copy of the bundle."""
    bundle = loading.load(recorded.folder(record.name) / str(record.state["revision"]) / BUNDLE)
    return Request(record.name, settings(record, kind), bundle, Path(record.run), record)


def require_same_place(request: AzureRequest, service: str) -> None:
    """Refuse to take the place of a deployment that is elsewhere in Azure.

    Raises:
        ConfigError: it is.
    """
    before = request.before
    if before is None:
        return
    now = asdict(request.settings)
    other = [key for key in PLACE if before.settings[key] != now[key]]
    if other or before.state["service"] != service:
        there = f"{before.state['service']} in workspace {before.settings['workspace']}"
        raise ConfigError(f"{request.name} is deployed as {there}: delete it first, or choose another deployment.name")


@contextmanager
def forgetting(record: Record) -> Iterator[None]:
    """Remove what is kept here, once the block has removed the rest."""
    with recorded.changing(record.name) as folder:
        yield
        (folder / recorded.FILE).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
