"""What a target must be able to do. One implementation each; `targets.py` finds it by the name of the choice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from skinlab import schema
from skinlab.deployment.record import Record
from skinlab.serving.loading import Bundle

Declared_co = TypeVar("Declared_co", bound=schema.Deployment, covariant=True)
Say = Callable[[str], None]
"""Told what happens, a line at a time."""


@dataclass(frozen=True)
class Request(Generic[Declared_co]):
    """What is to be deployed.

    Attributes:
        name: of the deployment.
        settings: the declaration of the target.
        bundle: verified.
        run: the directory that it came from.
        before: the deployment of this name that it takes the place of; None: there is none.
    """

    name: str
    settings: Declared_co
    bundle: Bundle
    run: Path
    before: Record | None


@dataclass(frozen=True)
class Access:
    """How a deployment is asked.

    Attributes:
        address: where `POST` goes.
        key: None: none is needed.
    """

    address: str
    key: str | None = field(repr=False)


class Target(Protocol):
    """A place where bundles answer."""

    def plan(self, request: Request[Any]) -> dict[str, Any]:
        """What `deploy` would make, as `--dry-run` shows it. Makes nothing.

        Raises:
            SkinlabError: it could not be made.
        """

    def deploy(self, request: Request[Any], say: Say) -> Record:
        """Make it, and trust it only after it has repeated the replay set of its bundle.

        What answered under this name before goes on until then, and stays where this fails.

        Returns:
            the record, written.

        Raises:
            SkinlabError: it could not be made; nothing of it is left.
        """

    def status(self, record: Record) -> str:
        """What it does now, in a word or two: running, stopped; asked anew each time."""

    def access(self, record: Record) -> Access:
        """How to ask it."""

    def logs(self, record: Record, lines: int) -> str:
        """The end of its log."""

    def restart(self, record: Record, say: Say) -> Record:
        """Begin anew with the same bundle and settings; requests go on where it runs.

        Raises:
            SkinlabError: it does not come up; what ran goes on.
        """

    def delete(self, record: Record, say: Say) -> None:
        """Stop it and remove all of it, the record last.

        Raises:
            SkinlabError: something is left.
        """
