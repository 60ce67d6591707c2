"""How often a test subset was looked at: a ledger that outlives runs, one file for each set of test images.

A test score is unbiased the first time; whoever chooses among experiments by it has made it a validation score. Runs on
the same test images count together, wherever they lie and whatever they were trained on, and so does each evaluation
of a finished run on them. A run that is resumed after its look counts once.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from skinlab import paths
from skinlab.errors import OutputError


@dataclass(frozen=True)
class Look:
    """One scoring of a test subset.

    Attributes:
        run: directory of the run whose model was scored.
        purpose: what for, e.g. "final evaluation".
        experiment: its name.
        time: UTC; empty until it is recorded.
    """

    run: str
    purpose: str
    experiment: str
    time: str = ""


def ledger_folder() -> Path:
    """Where the ledgers lie: in skinlab's home, not in its cache, since they cannot be made again."""
    return paths.home() / "test-looks"


def subset_hash(sha256: Iterable[str], labels: Iterable[str]) -> str:
    """Identifies a test subset by the contents and labels of its images, whatever they are called.

    >>> subset_hash(["aa", "bb"], ["x", "y"]) == subset_hash(["bb", "aa"], ["y", "x"])
    True
    """
    rows = sorted(zip(sha256, labels, strict=True))
    return hashlib.sha256("".join(f"{digest},{label}\n" for digest, label in rows).encode()).hexdigest()


def record(subset: str, look: Look) -> list[Look]:
    """Add a look, unless the same run has had it for the same purpose; safe under concurrent runs and kills.

    Args:
        subset: from `subset_hash`.
        look: without a time.

    Returns:
        All looks so far, the oldest first, this one among them.

    Raises:
        OutputError: the ledger cannot be written.
    """
    path = ledger_folder() / f"{subset}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
            content = file.read()
            looks = _read(content)
            if any((known.run, known.purpose) == (look.run, look.purpose) for known in looks):
                return looks
            added = Look(look.run, look.purpose, look.experiment, datetime.now(UTC).isoformat(timespec="seconds"))
            # What a kill left of a line ends here; it is no look of its own and is passed over.
            torn = b"\n" if content and not content.endswith(b"\n") else b""
            file.write(torn + json.dumps(asdict(added)).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            return [*looks, added]
    except OSError as error:
        raise OutputError(
            f"{path}: this look at the test subset cannot be recorded ({error.strerror}); "
            f"make {paths.HOME_VARIABLE} a folder that can be written, then go on: a run with `skinlab resume`"
        ) from error


def known(subset: str) -> list[Look]:
    """All looks so far, the oldest first; none where the ledger is not there or cannot be read."""
    try:
        return _read((ledger_folder() / f"{subset}.jsonl").read_bytes())
    except OSError:
        return []


def _read(content: bytes) -> list[Look]:
    """The whole lines of a ledger."""
    looks = []
    for line in content.split(b"\n"):
        try:
            looks.append(Look(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return looks


def describe(subset: str, looks: list[Look]) -> str:
    """One line for the terminal.

    >>> describe("ab" * 32, [Look("runs/a", "final evaluation", "debug")])
    'test subset abababababab: looked at for the first time'
    """
    name = f"test subset {subset[:12]}"
    if len(looks) == 1:
        return f"{name}: looked at for the first time"
    runs = len({look.run for look in looks})
    return (
        f"{name}: looked at {len(looks)} times by {runs} run{'s' if runs > 1 else ''}, first {looks[0].time[:10]}; "
        "a choice among runs by this score is model selection on the test subset"
    )
