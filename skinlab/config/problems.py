"""One mistake in a declaration, before it is known which override or file it came from."""

from dataclasses import dataclass
from typing import Any

from skinlab.config.tree import KeyPath


class Absent:
    """Stands for the value of a key that is not there."""


ABSENT = Absent()


@dataclass(frozen=True)
class Problem:
    """What is wrong with one key.

    Attributes:
        path: the key, from the root.
        value: what it holds, `ABSENT` where it is missing.
        what: what is wrong, in words that follow `key=value: `.
        section: for an unknown or absent key, the section whose file is named after `what`.
        hint: what to do, after the file.
        others: further keys that share the blame; the one that an override sets is named.
    """

    path: KeyPath
    value: Any
    what: str
    section: KeyPath | None = None
    hint: str = ""
    others: tuple[KeyPath, ...] = ()

    @property
    def dotted(self) -> str:
        """The key as a user types it."""
        return ".".join(self.path)
