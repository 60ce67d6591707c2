"""What pages need of runs, opened once and kept for a while: results, subgroups, pictures, heat maps.

A run may be anybody's: a file is shown only where its content is the one that the run has scored.
"""

import os
from collections.abc import Hashable
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab import schema
from skinlab.data import images
from skinlab.data.images import ImageError
from skinlab.data.parallel import usable_cpus
from skinlab.data.sources import synthetic
from skinlab.errors import DataError, SkinlabError
from skinlab.results.columns import columns_of
from skinlab.results.reading import Results, read
from skinlab.web.image_sets import ImageSet, shown
from skinlab.web.keeping import Kept
from skinlab.web.opening import dataset_of
from skinlab.web.workplace import Workplace

if TYPE_CHECKING:
    from skinlab.serving.explaining import Explainer
    from skinlab.serving.loading import Bundle

MOST_DRAWN = 2_000
"""Phantoms of 96 x 96 pixels that are drawn for a page; more must be in the cache."""
QUALITY = 88
LARGEST_IMAGE = 300_000_000
"""Bytes of an image file."""
_FILES = ("run.json", "summary.json", "predictions.csv", "split.csv")


@dataclass(frozen=True)
class Pictures:
    """The images of a run, as far as they can be had.

    Attributes:
        opened: its data set; None where it cannot be read.
        columns: the subgroup of each image of the subset, by column.
        missing: why there are none; None where there are.
    """

    opened: ImageSet | None
    columns: dict[str, list[str]] = field(default_factory=dict)
    missing: str | None = None


@dataclass(frozen=True)
class Seen:
    """What was opened for the pages of one server.

    Attributes:
        workplace: what the server shows.
    """

    workplace: Workplace
    _results: Kept[Results] = field(default_factory=lambda: Kept(6))
    _pictures: Kept[Pictures] = field(default_factory=lambda: Kept(6))
    _scored: Kept[bool] = field(default_factory=lambda: Kept(100_000, usable_cpus()))
    _explainers: "Kept[tuple[Explainer, Bundle]]" = field(default_factory=lambda: Kept(2))
    _heat: Kept[bytes] = field(default_factory=lambda: Kept(1_000, usable_cpus()))

    def results(self, run: Path, subset: str) -> Results:
        """The results of a run.

        Raises:
            SkinlabError: see `skinlab.results.reading.read`.
        """
        return self._results.get((run, subset, state_of(run)), lambda: read(run, subset))

    def pictures(self, results: Results) -> Pictures:
        """Its data set and the subgroups of its images."""
        key = (results.path, results.subset, state_of(results.path))
        return self._pictures.get(key, lambda: self._open(results))

    def _open(self, results: Results) -> Pictures:
        try:
            dataset = dataset_of(results.path)
            _check_drawn(dataset)
            opened = self.workplace.sets.open(dataset)
        except (SkinlabError, KeyError, TypeError, ValueError, AttributeError) as error:  # the run may be anybody's
            said = str(error) if isinstance(error, SkinlabError) else f"its declaration is damaged ({error!r})"
            return Pictures(None, missing=f"the images and subgroups cannot be shown: {said}")
        return Pictures(opened, columns_of(results, opened.manifest))

    def thumbnail(self, results: Results, row: int, side: int) -> tuple[str, bytes]:
        """A small picture with the tag of what it was made from.

        Raises:
            DataError: there is no such image, it cannot be read, or it is not the one that was scored.
        """
        opened, file = self._file(results, row)
        tag = opened.thumbnails.tag(file, side)
        return tag, opened.thumbnails.jpeg(file, side, tag)

    def whole(self, results: Results, row: int) -> tuple[bytes, str]:
        """An image as a browser can show it, and its media type; raises as `thumbnail`."""
        return shown(self._file(results, row)[1])

    def heat(self, results: Results, row: int, code: int) -> bytes:
        """A JPEG of an image as the network sees it, with where it sees a class (Grad-CAM); raises as `thumbnail`.

        Raises:
            BundleError: the run has no bundle that can be used, or one that cannot explain.
        """
        _, file = self._file(results, row)
        if not 0 <= code < len(results.classes):
            raise DataError(f"there is no class {code}")
        key = (results.path, state_of(results.path), results.subset, row, code)
        return self._heat.get(key, lambda: self._overlay(results, file, results.classes[code]))

    def _overlay(self, results: Results, file: str, class_name: str) -> bytes:
        from PIL import Image

        from skinlab.evaluation.explain import overlay

        explainer, bundle = self._explainer(results.path)
        if class_name not in bundle.classes:
            raise DataError(f"the bundle of {results.path} knows no class {class_name}")
        image = bundle.decode(images.read_bytes(file))
        stream = BytesIO()
        drawn = overlay(image, explainer.heat_map(image, bundle.classes.index(class_name)))
        Image.fromarray(drawn).save(stream, "JPEG", quality=QUALITY)
        return stream.getvalue()

    def _explainer(self, run: Path) -> "tuple[Explainer, Bundle]":
        from skinlab.serving.explaining import Explainer
        from skinlab.serving.loading import load

        def opened() -> "tuple[Explainer, Bundle]":
            bundle = load(run)
            return Explainer(bundle), bundle

        return self._explainers.get((run, state_of(run)), opened)

    def _file(self, results: Results, row: int) -> tuple[ImageSet, str]:
        """The file of an image, which is the one that was scored."""
        pictures = self.pictures(results)
        if pictures.opened is None:
            raise DataError(str(pictures.missing))
        if not 0 <= row < len(results.scored.image_ids):
            raise DataError(f"there is no image {row} in the subset {results.subset}")
        name = results.scored.image_ids[row]
        file = pictures.opened.file_of(name)
        if file is None:
            raise DataError(f"{name} is not in the data set any more")
        found = _regular(file)
        key = (file, found.st_size, found.st_mtime_ns, results.sha256[row])
        if not self._scored.get(key, lambda: _is_scored(file, results.sha256[row])):
            raise DataError(f"{name} is another file than the one that was scored")
        return pictures.opened, file


def _regular(file: str) -> os.stat_result:
    """The state of an image file, neither a device nor larger than any image."""
    path = Path(file)
    try:
        found = path.stat()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error
    if not path.is_file() or found.st_size > LARGEST_IMAGE:
        raise ImageError("cannot be read: it is no image file")
    return found


def _is_scored(file: str, digest: str) -> bool:
    return sha256(images.read_bytes(file)).hexdigest() == digest


def _check_drawn(dataset: schema.Dataset) -> None:
    """Refuse to draw more phantoms for a page than a person waits for."""
    if not isinstance(dataset, schema.SyntheticDataset) or dataset.images * (dataset.draw_size / 96) ** 2 <= MOST_DRAWN:
        return
    if not synthetic.is_drawn(dataset):
        raise DataError(f"{dataset.images} phantoms are not in the cache: draw them by `skinlab data preview`")


def state_of(run: Path) -> Hashable:
    """Changes whenever a file of the run is written, since each is renamed into its place."""
    return tuple(_written(run / name) for name in _FILES)


def _written(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
