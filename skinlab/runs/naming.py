"""Short names of runs and sweeps: a path, the beginning or the end of an id, or `latest`."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from skinlab import paths
from skinlab.data.wording import listed
from skinlab.errors import OutputError
from skinlab.ownership import OwnedDirectory
from skinlab.run import RUN_FILE, Run
from skinlab.runs import places
from skinlab.sweeps.state import SWEEP_FILE, Sweep

LATEST = "latest"
SHORTEST = 4
"""Fewer characters name a run by chance."""


def resolve(name: str | Path, output: Path | None = None) -> Path:
    """The run directory that is meant.

    Args:
        name: a path, which is taken as it is where there is something; the beginning or the end of an id, at least 4
            characters, e.g. f1deba, or f1deba/3 of a sweep; `latest`.
        output: the output folder; None: the declared one.

    Returns:
        The directory; of a path that leads nowhere and is no name either, the path itself, for the caller to refuse.

    Raises:
        OutputError: no run or several have this name.
    """
    if path := _as_path(name):
        return path
    text, folder = str(name), output or paths.default_output()
    runs = list(places.runs_below(folder))
    if text == LATEST:
        return _latest(runs, folder)
    if found := _only(text, matching(text, runs, folder), "runs"):
        return found
    raise OutputError(
        f"{text} is not a run directory (it has no {RUN_FILE}), and no run in {folder} has an id that begins or ends "
        f"so; `skinlab runs` lists them"
    )


def resolve_sweep(name: str | Path, output: Path | None = None) -> Path:
    """The directory of the sweep that is meant.

    Args:
        name: as of a run.
        output: the output folder; None: the declared one.

    Returns:
        The directory; of a path, the path itself, for the caller to refuse.

    Raises:
        OutputError: no sweep or several have this name.
    """
    if path := _as_path(name):
        return path
    text, folder = str(name), output or paths.default_output()
    sweeps = list(places.sweeps_below(folder))
    if text == LATEST and sweeps:
        return max((_began(Sweep.open, sweep), sweep) for sweep in sweeps)[1]
    if found := _only(text, [sweep for sweep in sweeps if matches(text, sweep.name)], "sweeps"):
        return found
    raise OutputError(
        f"{text} is not the directory of a sweep (it has no {SWEEP_FILE}), and none in {folder / places.SWEEPS} has a "
        "name that begins or ends so"
    )


def _as_path(name: str | Path) -> Path | None:
    """What is there, or can only be meant as a path."""
    path = Path(name).expanduser()
    return path if path.exists() or str(name).startswith((".", "/", "~")) else None


def _only(text: str, found: Sequence[Path], what: str) -> Path | None:
    """The one that was found, if any was; several are refused."""
    if len(found) > 1:
        raise OutputError(f"{text}: {len(found)} {what} are called so: {listed([str(path) for path in found])}")
    return found[0] if found else None


def matching(text: str, runs: Iterable[Path], output: Path) -> list[Path]:
    """The runs whose id begins or ends with a text; one whose id it is, alone."""
    ids = {run: places.id_of(run, output) for run in runs}
    exact = [run for run, known in ids.items() if known == text]
    return exact or [run for run, known in ids.items() if matches(text, known)]


def matches(text: str, known: str) -> bool:
    """Whether an id begins or ends with a text that is long enough to mean it.

    >>> matches("f1deba", "20261123-002523-f1deba"), matches("ba", "20261123-002523-f1deba")
    (True, False)
    """
    return len(text) >= SHORTEST and (known.startswith(text) or known.endswith(text))


def _latest(runs: Iterable[Path], output: Path) -> Path:
    """The run that was created last: its id begins with the time, but a person may have chosen another name."""
    by_time = [(_began(Run.open, run), run) for run in runs]
    if not by_time:
        raise OutputError(f"{LATEST}: there is no run in {output}")
    return max(by_time)[1]


def _began(opened: Callable[[Path], OwnedDirectory], path: Path) -> str:
    try:
        return str(opened(path).record["started"])
    except (OutputError, KeyError):
        return ""


def candidates(partial: str) -> list[str]:
    """What the shell may complete a name to: ids that begin so, last parts of ids that begin so."""
    output = paths.default_output()
    ids = [places.id_of(run, output) for run in places.runs_below(output)]
    last = [known.partition("/")[0].rpartition("-")[2] + "".join(known.partition("/")[1:]) for known in ids]
    names = [LATEST] * bool(ids) + ids + (last if partial else [])
    return [name for name in dict.fromkeys(names) if name.startswith(partial)]
