"""Which run or sweep the address of a page means: a place below the output folder, or what the command named."""

from pathlib import Path, PurePosixPath
from urllib.parse import urlencode

from skinlab.errors import OutputError
from skinlab.run import RUN_FILE
from skinlab.sweeps.state import SWEEP_FILE
from skinlab.web.workplace import Workplace

NAMED = "named-"
"""What the name of a run begins with that lies elsewhere, before its number among those of the command."""


def name_of(workplace: Workplace, path: Path) -> str:
    """What addresses call a directory: its place below the output folder."""
    output, whole = workplace.output.resolve(), path.resolve()
    if whole.is_relative_to(output):
        return whole.relative_to(output).as_posix()
    return f"{NAMED}{[run.resolve() for run in workplace.runs].index(whole)}"


def find_run(workplace: Workplace, name: str) -> Path:
    """The directory of a run.

    Raises:
        OutputError: there is none of this name.
    """
    return _find(workplace, name, RUN_FILE, "run")


def find_sweep(workplace: Workplace, name: str) -> Path:
    """The directory of a sweep.

    Raises:
        OutputError: there is none of this name.
    """
    return _find(workplace, name, SWEEP_FILE, "sweep")


def query(**values: object) -> str:
    """The part of an address behind the question mark, without what is None or empty.

    >>> query(run="runs/a b", page=None, text="")
    'run=runs%2Fa+b'
    """
    return urlencode({key: value for key, value in values.items() if value not in (None, "")})


def _find(workplace: Workplace, name: str, file: str, what: str) -> Path:
    path = _meant(workplace, name)
    if path is None or not (path / file).is_file():
        raise OutputError(f"there is no {what} {name[:200]} in {workplace.output}: it may have been moved or deleted")
    return path


def _meant(workplace: Workplace, name: str) -> Path | None:
    """A directory; None where the name leads out of the output folder, into a hidden one or through a link."""
    if name.startswith(NAMED):
        number = name.removeprefix(NAMED)
        known = dict(enumerate(workplace.runs))
        return known.get(int(number)) if number.isascii() and number.isdigit() else None
    parts = PurePosixPath(name).parts
    if not parts or "\0" in name or any(part.startswith((".", "/")) for part in parts):
        return None
    output = workplace.output.resolve()
    path = output.joinpath(*parts)
    return path if path.resolve() == path else None
