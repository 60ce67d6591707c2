"""A whole bundle carried elsewhere: as one file, whose bytes are the same each time, or as a folder."""

import io
import shutil
import zipfile
from pathlib import Path

from skinlab import files
from skinlab.errors import BundleError
from skinlab.serving.bundle import CHECKSUMS
from skinlab.serving.loading import Bundle

NEEDED = ("score.py", "answering.py", "decoding.py", "requirements.txt")
"""What every portable bundle has; later versions add files that their own score.py asks for."""
OLDEST = (1980, 1, 1, 0, 0, 0)
"""The date of every file: zip knows none before."""
READABLE = 0o644 << 16


def names(bundle: Bundle) -> list[str]:
    """Its files, the list of checksums last."""
    return [*bundle.files, CHECKSUMS]


def size(bundle: Bundle) -> int:
    """Bytes of its files."""
    return sum((bundle.path / name).stat().st_size for name in names(bundle))


def copied(bundle: Bundle, folder: Path) -> None:
    """Copy a bundle into a folder, which is made.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, mode=0o700)
        for name in names(bundle):
            shutil.copyfile(bundle.path / name, folder / name)
    except OSError as error:
        raise files.output_error(folder, error) from error


def require_portable(bundle: Bundle) -> None:
    """Refuse a bundle that only skinlab can run.

    Raises:
        BundleError: it lacks what it takes to run elsewhere.
    """
    lacking = [name for name in NEEDED if name not in bundle.files]
    if lacking:
        raise BundleError(
            f"{bundle.path} has no {', '.join(lacking)}: an older skinlab wrote it; score it or deploy it locally, "
            "or train again with this version to run it elsewhere"
        )


def zipped(bundle: Bundle) -> bytes:
    """A zip file with the bundle's files at its root, in order of their names.

    Raises:
        BundleError: it lacks what it takes to run elsewhere.
    """
    require_portable(bundle)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(names(bundle)):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.external_attr, entry.compress_type = READABLE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, (bundle.path / name).read_bytes())
    return stream.getvalue()
