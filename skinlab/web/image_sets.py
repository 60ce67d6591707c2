"""The data sets whose images are shown: an image is asked for by its id in one of them, never by a path."""

import hashlib
import json
import threading
from bisect import bisect_left
from dataclasses import asdict, dataclass, field

from skinlab import schema
from skinlab.data import sources
from skinlab.data.images import read_bytes, shrunk_jpeg
from skinlab.data.manifest import Manifest
from skinlab.web.thumbnails import Thumbnails

KEY_DIGITS = 16
SHOWN_SIDE = 4096
"""Shorter side, in pixels, to which an image is brought down that a browser cannot show as it is."""
_SHOWN_AS_THEY_ARE = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


@dataclass(frozen=True)
class ImageSet:
    """A data set that was opened.

    Attributes:
        key: in the addresses of its images.
        dataset: as declared.
        manifest: its images, sorted by id, with the labels of the source.
    """

    key: str
    dataset: schema.Dataset
    manifest: Manifest
    thumbnails: Thumbnails = field(repr=False)

    def row_of(self, image_id: str) -> int | None:
        """Where an image stands in the manifest; None: it has no such image."""
        ids = self.manifest.image_ids
        row = bisect_left(ids, image_id)
        return row if row < len(ids) and ids[row] == image_id else None

    def file_of(self, image_id: str) -> str | None:
        """The file of an image; None: there is no such image."""
        row = self.row_of(image_id)
        return None if row is None else self.manifest.paths[row]


class ImageSets:
    """All data sets that were opened; each is read once."""

    def __init__(self) -> None:
        self._sets: dict[str, ImageSet] = {}
        self._lock = threading.Lock()

    def open(self, dataset: schema.Dataset) -> ImageSet:
        """The images of a declared data set.

        Raises:
            SkinlabError: they cannot be read.
        """
        key = _key(dataset)
        with self._lock:
            if key not in self._sets:
                self._sets[key] = ImageSet(key, dataset, sources.load(dataset), Thumbnails(key, dataset.colour_profile))
            return self._sets[key]

    def find(self, key: str) -> ImageSet | None:
        """The opened set of a key."""
        return self._sets.get(key)


def _key(dataset: schema.Dataset) -> str:
    told = json.dumps(asdict(dataset), sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()[:KEY_DIGITS]


def shown(file: str) -> tuple[bytes, str]:
    """An image as a browser can show it, and its media type: the file itself where that will do.

    Raises:
        ImageError: it cannot be read.
    """
    content = read_bytes(file)
    kinds = (kind for begins, kind in _SHOWN_AS_THEY_ARE.items() if content.startswith(begins))
    kind = next(kinds, None)
    return (content, kind) if kind else (shrunk_jpeg(content, SHOWN_SIDE), "image/jpeg")
