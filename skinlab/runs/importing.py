"""A run from another machine, out of the file that `archive` made.

What comes from elsewhere is not trusted: names that leave the folder, links, sizes and contents that are not as listed
are refused, nothing is overwritten, and nothing in it is executed.
"""

import hashlib
import json
import re
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

from skinlab import files
from skinlab.data.storage import new_folder
from skinlab.data.wording import listed
from skinlab.errors import DataError, OutputError
from skinlab.run import RUN_FILE, Run
from skinlab.runs import places
from skinlab.runs.archive import FOLDER, FORMAT, MANIFEST, VERSION

_JSON_BYTES = 64 << 20
_MOST_FILES = 100_000
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How archives are packed; others make a thousandth of the same, or need more memory than they say."""
_CHUNK = 1 << 20
_NAME = re.compile(r"[\w.+=,@ -]{1,200}")


def unpack(source: Path, output: Path, most_bytes: int) -> Path:
    """Unpack an archive below an output folder.

    Args:
        source: the file.
        output: the run comes to output/runs/<experiment>/<name>.
        most_bytes: an archive whose files are larger together is refused before anything is written.

    Returns:
        The run directory.

    Raises:
        DataError: it is no archive of a run, is damaged, or holds something else than it lists.
        OutputError: the run is there already, or cannot be written.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _manifest(archive, source)
            _check(archive, manifest, source, most_bytes)
            return _written(archive, manifest, source, output)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, LookupError, struct.error) as error:
        raise DataError(f"{source} is no archive of a run, or damaged: {error}") from error
    except FileNotFoundError as error:
        raise DataError(f"{source} is not there") from error
    except OSError as error:
        raise files.output_error(output, error) from error


def _manifest(archive: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    """The list of what is in it, of the types that it should be."""
    manifest = _json(archive, MANIFEST)
    if manifest.get("format") != FORMAT:
        raise DataError(f"{source} is no archive of a run: it has no {MANIFEST} that says so")
    if manifest.get("version") != VERSION:
        raise DataError(f"{source} was packed by another version of skinlab (its format is {manifest.get('version')})")
    if not _is_listing(manifest.get("files")) or not _is_name(manifest.get("run")):
        raise DataError(f"{source}: its {MANIFEST} is damaged")
    return manifest


def _json(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """A JSON object of the archive; an empty one where there is none."""
    try:
        with archive.open(name) as stream:
            content = json.loads(stream.read(_JSON_BYTES))
    except (KeyError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_listing(found: Any) -> bool:
    return isinstance(found, dict) and all(
        isinstance(entry, dict)
        and type(entry.get("bytes")) is int
        and entry["bytes"] >= 0
        and isinstance(entry.get("sha256"), str)
        for entry in found.values()
    )


def _check(archive: zipfile.ZipFile, manifest: dict[str, Any], source: Path, most_bytes: int) -> None:
    """Refuse before anything is written: names, kinds, numbers and sizes."""
    entries = [entry for entry in archive.infolist() if entry.filename != MANIFEST]
    names = [entry.filename for entry in entries]
    if unsafe := [entry.filename for entry in entries if not _is_safe(entry)]:
        raise DataError(f"{source}: names or kinds of files that a run does not have: {listed(unsafe)}")
    if sorted(names) != sorted(f"{FOLDER}/{name}" for name in manifest["files"]) or len(names) > _MOST_FILES:
        raise DataError(f"{source} does not hold the files that it lists")
    total = sum(entry["bytes"] for entry in manifest["files"].values())
    if total > most_bytes:
        raise DataError(
            f"{source} unpacks to {total / 1e9:.1f} GB, more than {most_bytes / 1e9:g}: if that is as it should be, "
            "raise --most-gb"
        )


def _is_safe(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a plain file below the folder."""
    name, mode = entry.filename, entry.external_attr >> 16
    parts = name.split("/")
    named = parts[0] == FOLDER and all(map(_is_name, parts))
    return named and stat.S_IFMT(mode) in (0, stat.S_IFREG) and entry.compress_type in _PACKINGS


def _is_name(part: Any) -> bool:
    return isinstance(part, str) and part not in (".", "..") and _NAME.fullmatch(part) is not None


def _written(archive: zipfile.ZipFile, manifest: dict[str, Any], source: Path, output: Path) -> Path:
    """All files, checked against their sums, under a temporary name until the last is there."""
    target: Path = output / places.RUNS / _experiment(archive, source) / manifest["run"]
    if target.exists():
        raise OutputError(f"{target} is there already: nothing was imported")
    with new_folder(target) as folder:
        for name, described in manifest["files"].items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(f"{FOLDER}/{name}") as packed, path.open("xb") as file:
                _copy(packed, file, described, f"{source}: {name}")
        if Run.open(folder).record["status"] == "running":
            raise DataError(f"{source}: the run says that it is running")
    return target


def _experiment(archive: zipfile.ZipFile, source: Path) -> str:
    """The name of the folder that it belongs into, from its run.json."""
    record = _json(archive, f"{FOLDER}/{RUN_FILE}")
    name, config = record.get("experiment"), record.get("config")
    if not isinstance(name, str) or not isinstance(config, dict) or not all(map(_is_name, name.split("/"))):
        raise DataError(f"{source}: its {RUN_FILE} is not that of a run")
    return name


def _copy(packed: IO[bytes], file: IO[bytes], described: dict[str, Any], what: str) -> None:
    """No byte more than is listed, whatever the archive says of itself."""
    digest, left = hashlib.sha256(), described["bytes"]
    while chunk := packed.read(_CHUNK):
        left -= len(chunk)
        if left < 0:
            break
        digest.update(chunk)
        file.write(chunk)
    if left != 0 or digest.hexdigest() != described["sha256"]:
        raise DataError(f"{what} is not what was packed: the archive was changed or damaged")
