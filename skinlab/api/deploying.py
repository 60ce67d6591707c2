"""Deployments from Python: what `skinlab deploy` and `skinlab deployments` do."""

import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal, overload

from skinlab.api.overrides import override
from skinlab.api.view import RunView, open_run
from skinlab.deployment import record as recorded
from skinlab.deployment import targets
from skinlab.deployment.client import Client
from skinlab.deployment.record import Record
from skinlab.deployment.requesting import request
from skinlab.deployment.verifying import verify
from skinlab.errors import DeploymentError, SkinlabError
from skinlab.serving import loading, replay
from skinlab.serving.portable.answering import RESEARCH_NOTE

Plan = dict[str, Any]


class DeploymentView:
    """A bundle that answers somewhere.

    Attributes:
        record: what is kept of it.
    """

    def __init__(self, record: Record) -> None:
        self.record = record

    def __repr__(self) -> str:
        return f"<deployment {self.name}: {self.status}, {self.record.target}, {self.address}>"

    @property
    def name(self) -> str:
        """Its name."""
        return self.record.name

    @property
    def address(self) -> str:
        """Where it answers."""
        return self.record.address

    @property
    def status(self) -> str:
        """What it does now, asked anew each time; why that cannot be told, where it cannot."""
        try:
            return targets.find(self.record.target).status(self.record)
        except SkinlabError as error:
            return f"unknown: {error}"

    def client(self) -> Client:
        """Asks it for images.

        Raises:
            DeploymentError: its key cannot be had.
        """
        return Client(self.name)

    def verify(self) -> float:
        """The largest difference of a probability to those that its run stored; kept with it.

        Raises:
            BundleError: the bundle of its run is not there any more, or has no replay set.
            DeploymentError: it does not answer, or differently.
        """
        bundle = loading.load(Path(self.record.run))
        found = verify(self.client(), replay.of(bundle), bundle.classes)
        self.record = recorded.replayed(self.record, found.images, found.largest_difference)
        if not found.agrees:
            raise DeploymentError(f"{self.name} is not the model of {bundle.path}: {found.said()}")
        return found.largest_difference

    def logs(self, lines: int = 50) -> str:
        """The end of its log."""
        return targets.find(self.record.target).logs(self.record, lines)

    def restart(self) -> None:
        """Begin anew with the same bundle and settings.

        Raises:
            DeploymentError: it does not come up.
        """
        self.record = targets.find(self.record.target).restart(self.record, _say)

    def delete(self) -> None:
        """Let it finish what it is at, stop it, remove it.

        Raises:
            DeploymentError: something is left.
        """
        targets.find(self.record.target).delete(self.record, _say)


@overload
def deploy(
    run: str | PathLike[str] | RunView,
    *overrides: str,
    config_dirs: Sequence[str | PathLike[str]] = ...,
    replace: bool = ...,
    trust: bool = ...,
    dry_run: Literal[True],
    **keys: Any,
) -> Plan: ...


@overload
def deploy(
    run: str | PathLike[str] | RunView,
    *overrides: str,
    config_dirs: Sequence[str | PathLike[str]] = ...,
    replace: bool = ...,
    trust: bool = ...,
    dry_run: Literal[False] = ...,
    **keys: Any,
) -> DeploymentView: ...


def deploy(
    run: str | PathLike[str] | RunView,
    *overrides: str,
    config_dirs: Sequence[str | PathLike[str]] = (),
    replace: bool = False,
    trust: bool = False,
    dry_run: bool = False,
    **keys: Any,
) -> DeploymentView | Plan:
    """Put the bundle of a finished run where it answers, as `skinlab deploy` does: proven before it is trusted.

    Args:
        run: its directory, its short name, itself, or a folder with a copy of its bundle.
        overrides: as typed, of the group `deployment` alone: "deployment=azureml_online", "deployment.name=lesions".
        config_dirs: folders with further choices of the config groups.
        replace: take the place of the deployment of this name.
        trust: upload a model to Azure that was not made here by you; see `skinlab deploy --help`.
        dry_run: check, make nothing, ask nobody.
        keys: overrides by name, e.g. `deployment="azureml_online"`, `**{"deployment.name": "lesions"}`.

    Returns:
        The deployment; with `dry_run` what would be made, as `skinlab deploy --dry-run` prints it.

    Raises:
        ConfigError: the declaration is wrong, or the name is taken.
        BundleError: there is no bundle, or it cannot be used.
        SkinlabError: it could not be made; nothing of it is left.
    """
    words = [*overrides, *(override(name, value) for name, value in keys.items())]
    folders = [Path(folder) for folder in config_dirs]
    asked = request(_path(run), words, folders, replace=replace, trusted=trust or dry_run)
    target = targets.find(asked.settings.target)
    if dry_run:
        return target.plan(asked)
    _say(RESEARCH_NOTE + (f"; {asked.bundle.note}" if asked.bundle.note else ""))
    return DeploymentView(target.deploy(asked, _say))


def deployments() -> list[DeploymentView]:
    """Everything that was deployed from this machine and is not deleted, by name."""
    return [DeploymentView(record) for record in recorded.everyone()]


def _path(run: str | PathLike[str] | RunView) -> Path:
    if isinstance(run, RunView):
        return run.path
    return Path(run) if Path(run).exists() else open_run(run).path


def _say(line: str) -> None:
    sys.stderr.write(f"skinlab: {line}\n")
