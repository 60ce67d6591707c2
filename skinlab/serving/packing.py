"""A whole bundle as one file to be carried elsewhere; the same bundle gives the same bytes."""

import io
import zipfile

from skinlab.errors import BundleError
from skinlab.serving.bundle import CHECKSUMS
from skinlab.serving.loading import Bundle
from skinlab.serving.portable import contents as portable

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The date of every file: zip knows none before."""
READABLE = 0o644 << 16


def zipped(bundle: Bundle) -> bytes:
    """A zip file with the bundle's files at its root, in order of their names.

    Raises:
        BundleError: it lacks what it takes to run elsewhere.
    """
    lacking = [name for name in portable() if name not in bundle.files]
    if lacking:
        raise BundleError(
            f"{bundle.path} has no {', '.join(lacking)}: an older skinlab wrote it; score it or deploy it locally, "
            "or train again with this version to run it elsewhere"
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted([*bundle.files, CHECKSUMS]):
            entry = zipfile.ZipInfo(name, OLDEST)
            entry.external_attr, entry.compress_type = READABLE, zipfile.ZIP_DEFLATED
            archive.writestr(entry, (bundle.path / name).read_bytes())
    return stream.getvalue()
