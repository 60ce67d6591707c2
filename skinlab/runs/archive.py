"""A run as one file, for another machine: a zip with a list of its files and their SHA-256.

The same run gives the same bytes. `importing` unpacks it.
"""

import stat
import zipfile
from pathlib import Path
from typing import Any

from skinlab import files
from skinlab.errors import OutputError
from skinlab.run import LOCK_FILE, RESERVE_FILE, Run

MANIFEST = "MANIFEST.json"
FORMAT, VERSION = "skinlab run", 1
FOLDER = "run"
"""In the archive, of the files of the run."""
STORED = (".safetensors", ".onnx", ".png")
"""Do not get smaller."""
_CHUNK = 1 << 20
_TIME = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can say: packing leaves no trace of when
_STATE = "checkpoints/epoch"


def pack(run: Run, target: Path) -> list[str]:
    """Write the archive of a run that is not running.

    The state that `resume` goes on from is left out, and so are links and what a killed process left behind.

    Args:
        run: stays as it is.
        target: the file, which must not exist.

    Returns:
        What was left out, relative to the run.

    Raises:
        OutputError: the run is running, or the file exists or cannot be written.
    """
    if target.suffix != ".zip":
        raise OutputError(f"{target}: the archive is a zip, call it {target.name}.zip")
    if target.exists():
        raise OutputError(f"{target} is there already")
    with run.at_rest():
        names, left_out = _content(run.path)
        listing = {name: _described(run.path / name) for name in names}
        said = {"format": FORMAT, "version": VERSION, "run": _name(run.path), "left_out": left_out}
        with files.replacing(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
            archive.writestr(_entry(MANIFEST), files.json_text(said | {"files": listing}))
            for name in names:
                _add(archive, run.path / name, f"{FOLDER}/{name}")
    return left_out


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    with path.open("rb") as source, archive.open(_entry(name), "w") as packed:
        while chunk := source.read(_CHUNK):
            packed.write(chunk)


def _content(folder: Path) -> tuple[list[str], list[str]]:
    """The files of a run, and what is left out of it, sorted."""
    names: list[str] = []
    left_out: list[str] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(name.startswith(f"{above}/") for above in left_out):
            continue
        if path.is_symlink() or name.startswith(_STATE) or _is_leftover(path.name):
            left_out.append(name)
        elif path.is_file():
            names.append(name)
    return names, left_out


def _is_leftover(name: str) -> bool:
    """Whether a file is of a process: one that runs, or one that was killed."""
    return name in (LOCK_FILE, RESERVE_FILE) or (name.startswith(".") and name.endswith(".tmp"))


def _name(path: Path) -> str:
    """What the run is called elsewhere: one name, also for a run of a sweep, whose folder is a number."""
    whole = path.resolve()
    return f"{whole.parent.name}-{whole.name}" if whole.name.isdigit() else whole.name


def _described(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": files.sha256_of(path)}


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    return entry
