"""notes.json of a run: the tags and notes that people give it. Never touched by training, never part of a result."""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from skinlab import files
from skinlab.errors import ConfigError, OutputError

FILE = "notes.json"
VERSION = 1
LONGEST_NOTE = 10_000
_TAG = re.compile(r"[\w][\w.+-]{0,63}")


@dataclass(frozen=True)
class Note:
    """What somebody said of a run, and when (UTC)."""

    time: str
    text: str


@dataclass(frozen=True)
class Notes:
    """The content of notes.json.

    Attributes:
        tags: sorted.
        notes: the oldest first.
    """

    tags: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)


def read(run: Path) -> Notes:
    """The tags and notes of a run; none where there is no file.

    Raises:
        OutputError: the file is damaged, or of a newer skinlab.
    """
    path = run / FILE
    try:
        content = files.json_object(path.read_bytes())
        if content["schema_version"] > VERSION:
            raise OutputError(f"{path} was written by a newer skinlab (version {content['schema_version']})")
        return Notes([str(tag) for tag in content["tags"]], [Note(**note) for note in content["notes"]])
    except FileNotFoundError:
        return Notes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{path} cannot be read ({error}): mend it, or delete it to lose tags and notes") from error


def tag(run: Path, names: Sequence[str]) -> Notes:
    """Give a run tags; one that it has stays.

    Raises:
        ConfigError: a tag has other characters than letters, digits and . _ + -.
        OutputError: notes.json cannot be read or written.
    """
    for name in names:
        if not _TAG.fullmatch(name):
            raise ConfigError(f"'{name}' is no tag: letters, digits and . _ + - only, at most 64, e.g. paper-v2")
    return _change(run, lambda notes: replace(notes, tags=sorted({*notes.tags, *names})))


def untag(run: Path, names: Sequence[str]) -> Notes:
    """Take tags away.

    Raises:
        ConfigError: the run does not have one of them.
        OutputError: notes.json cannot be read or written.
    """

    def without(notes: Notes) -> Notes:
        if missing := [name for name in names if name not in notes.tags]:
            raise ConfigError(f"{run} has no tag {', '.join(missing)}; tags: {', '.join(notes.tags) or 'none'}")
        return replace(notes, tags=[name for name in notes.tags if name not in names])

    return _change(run, without)


def note(run: Path, text: str) -> Notes:
    """Add a note.

    Raises:
        ConfigError: it is empty or too long.
        OutputError: notes.json cannot be read or written.
    """
    if not text.strip() or len(text) > LONGEST_NOTE:
        raise ConfigError(f"a note has 1 to {LONGEST_NOTE} characters, this one {len(text.strip())}")
    added = Note(datetime.now(UTC).isoformat(timespec="seconds"), text.strip())
    return _change(run, lambda notes: replace(notes, notes=[*notes.notes, added]))


def _change(run: Path, function: Callable[[Notes], Notes]) -> Notes:
    """Write what becomes of the notes; of several processes one after the other."""
    with _alone(run):
        changed = function(read(run))
        files.write_json(run / FILE, {"schema_version": VERSION, **asdict(changed)})
    return changed


@contextmanager
def _alone(run: Path) -> Iterator[None]:
    """Hold the lock of the directory itself, which no file has to be left behind for."""
    try:
        opened = os.open(run, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise files.output_error(run, error) from error
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)
