"""Small pictures of image files, kept in the cache folder: one folder a data set, which goes as a whole.

Knows files, not ids: which files may be shown is decided by `skinlab.web.image_sets`.
"""

import hashlib
import logging
import threading
from io import BytesIO
from pathlib import Path

from PIL import Image

from skinlab import paths
from skinlab.data import decoding, images
from skinlab.data.cache_entries import THUMBNAILS, touch
from skinlab.data.cache_room import make_room
from skinlab.data.images import ImageError
from skinlab.data.parallel import usable_cpus
from skinlab.data.storage import cache_access, new_file
from skinlab.errors import OutputError

SIDES = (128, 256, 512)
"""Longer sides, in pixels, that are made; a page asks for one of these."""
_QUALITY = 85
_VERSION = 2
_ROOM = 32_000_000
"""Room in the cache is made for so many bytes at once: making it means to look through all of the cache."""
_log = logging.getLogger(__name__)


class Thumbnails:
    """The small pictures of one data set.

    Args:
        key: tells the data set from others; names its folder in the cache.
        colour_profile: what is done with those of its files.
    """

    def __init__(self, key: str, colour_profile: str) -> None:
        self._colour_profile = colour_profile
        self._folder = paths.cache() / THUMBNAILS / key
        self._decoders = threading.BoundedSemaphore(usable_cpus())
        self._lock = threading.Lock()
        self._room = 0
        self._warned = False

    def tag(self, file: str, side: int) -> str:
        """What a thumbnail is made from: changes when the file does.

        Raises:
            ImageError: the file is not there.
        """
        try:
            found = Path(file).stat()
        except OSError as error:
            raise ImageError(f"cannot be read: {error.strerror or error}") from error
        told = f"{_VERSION}\0{file}\0{found.st_size}\0{found.st_mtime_ns}\0{side}"
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    def jpeg(self, file: str, side: int, tag: str) -> bytes:
        """The thumbnail as JPEG, from the cache where it is there.

        Args:
            file: absolute path.
            side: of `SIDES`.
            tag: of the file and the side.

        Raises:
            ImageError: the file is no image, or a damaged one.
            OutputError: the cache folder cannot be read.
        """
        kept = self._folder / tag[:2] / f"{tag}.jpg"
        with cache_access(self._folder):
            try:
                return kept.read_bytes()
            except FileNotFoundError:
                pass
        with self._decoders:
            content = thumbnail(images.read_bytes(file), side, self._colour_profile)
        try:
            self._keep(kept, content)
        except OutputError as error:  # it is shown all the same, and made again the next time
            self._warn(error)
        return content

    def _keep(self, path: Path, content: bytes) -> None:
        with cache_access(self._folder):
            self._take_room(len(content))
            try:
                with new_file(path) as temporary:
                    temporary.write_bytes(content)
            except FileNotFoundError:  # its folder was deleted from the cache this moment
                return

    def _warn(self, error: OutputError) -> None:
        if not self._warned:
            _log.warning("thumbnails are not kept: %s", error)
        self._warned = True

    def _take_room(self, size: int) -> None:
        with self._lock:
            if self._room < size:
                make_room(_ROOM)
                self._room = _ROOM
                self._folder.mkdir(parents=True, exist_ok=True)
                touch(self._folder)
            self._room -= size


def thumbnail(data: bytes, side: int, colour_profile: str = images.CONVERT) -> bytes:
    """An image, upright, in its own shape, its longer side brought down to so many pixels, as JPEG.

    Raises:
        ImageError: as for `skinlab.data.images.decode`.

    Example:
        >>> ppm = b"P6 2 4 255 " + bytes(24)
        >>> Image.open(BytesIO(thumbnail(ppm, 2))).size
        (1, 2)
    """
    try:
        with decoding.upright(data, side // 2, colour_profile=colour_profile) as whole:
            small = whole.copy()
            small.thumbnail((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    except decoding.DecodingError as error:
        raise ImageError(str(error)) from error
    stream = BytesIO()
    small.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
