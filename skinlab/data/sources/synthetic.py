"""Phantoms as files: drawn once into the cache folder, then read like any other images.

What a phantom looks like is decided in `skinlab.data.phantoms`. Labels are not stored, so that label noise costs no
drawing.
"""

import csv
import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path

from PIL import Image

from skinlab import paths
from skinlab.data import locks
from skinlab.data.cache_entries import PHANTOM_TABLE, PHANTOMS, touch
from skinlab.data.cache_room import make_room
from skinlab.data.manifest import Manifest
from skinlab.data.parallel import usable_cpus
from skinlab.data.phantoms import CLASSES, PhantomSpec, draw, flipped, plan
from skinlab.data.phantoms.lesion import lesion
from skinlab.data.storage import cache_access, new_folder, remove_folder
from skinlab.errors import DataError
from skinlab.schema import SyntheticDataset

COLUMNS = ("image_id", "true_class", "lesion_id", "asymmetry", "border", "colours", "diameter")
_ATTRIBUTES = ("true_class", "asymmetry", "border", "colours", "diameter")
_CHUNK = 64
_INLINE = 512
"""Below this many images of 96 x 96 pixels, drawing takes less time than starting processes."""

_log = logging.getLogger(__name__)


def load(dataset: SyntheticDataset) -> Manifest:
    """The phantoms of a declaration, drawn if they are not in the cache.

    The group is the lesion; attributes are `true_class` (the label before label noise) and the ABCD signs:
    `asymmetry` and `border` from 0 to 1, `colours` 1 to 6, `diameter` in mm.

    Raises:
        OutputError: the cache folder cannot be written.
    """
    spec = _spec(dataset)
    folder = drawn(spec)
    with (folder / PHANTOM_TABLE).open(encoding="utf-8", newline="") as stream:
        columns = dict(zip(COLUMNS, zip(*list(csv.reader(stream))[1:], strict=True), strict=True))
    wrong = flipped(spec.seed, spec.images, dataset.label_noise)
    labels = [_other(true) if flip else true for true, flip in zip(columns["true_class"], wrong, strict=True)]
    return Manifest(
        image_ids=columns["image_id"],
        paths=[str(folder / f"{image_id}.png") for image_id in columns["image_id"]],
        labels=labels,
        groups=columns["lesion_id"],
        attributes={name: columns[name] for name in _ATTRIBUTES},
    )


def is_drawn(dataset: SyntheticDataset) -> bool:
    """Whether the phantoms of a declaration are in the cache, so that loading them draws none."""
    spec = _spec(dataset)
    return _whole(paths.cache() / PHANTOMS / spec.key, spec)


def _spec(dataset: SyntheticDataset) -> PhantomSpec:
    return PhantomSpec(
        seed=dataset.seed,
        images=dataset.images,
        draw_size=dataset.draw_size,
        malignant_fraction=dataset.malignant_fraction,
        difficulty=dataset.difficulty,
        images_per_lesion=dataset.images_per_lesion,
    )


def drawn(spec: PhantomSpec, workers: int | None = None) -> Path:
    """The folder of the phantoms and their table, drawn if it is not there or not whole.

    It is in use while this process lives: nobody deletes it to make room.

    Args:
        spec: what is drawn.
        workers: processes that draw; None: as many as processors, or none for few phantoms. Never changes a byte.

    Raises:
        OutputError: the cache folder cannot be written, or may not hold so much.
        DataError: a drawing process died.
    """
    folder = paths.cache() / PHANTOMS / spec.key
    with cache_access(folder.parent):
        if locks.hold(folder / PHANTOM_TABLE) and _whole(folder, spec):
            touch(folder)
            return folder
        _log.info("drawing %d phantoms", spec.images)
        if folder.exists():
            remove_folder(folder)
        make_room(spec.images * spec.draw_size**2 * 3)  # at most: they are compressed
        with new_folder(folder) as temporary:
            _draw_all(spec, temporary, _workers(spec) if workers is None else workers)
            _write_table(spec, temporary / PHANTOM_TABLE)
        locks.hold(folder / PHANTOM_TABLE)
    return folder


def _whole(folder: Path, spec: PhantomSpec) -> bool:
    """Whether all files are there; a folder gets its name only when complete, but somebody may have deleted some."""
    if not folder.is_dir():
        return False
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries} >= {PHANTOM_TABLE, *(f"{name}.png" for name in _image_ids(spec))}


def _image_ids(spec: PhantomSpec) -> list[str]:
    """Names whose order is the order of drawing: phantom_00001, ..."""
    width = max(5, len(str(spec.images)))
    return [f"phantom_{index + 1:0{width}}" for index in range(spec.images)]


def _workers(spec: PhantomSpec) -> int:
    work = spec.images * (spec.draw_size / 96) ** 2
    return usable_cpus() if work > _INLINE else 0


def _draw_all(spec: PhantomSpec, folder: Path, workers: int) -> None:
    names = _image_ids(spec)
    chunks = [range(start, min(start + _CHUNK, spec.images)) for start in range(0, spec.images, _CHUNK)]
    task = partial(_draw_chunk, spec, folder)
    work = [(chunk, names[chunk.start : chunk.stop]) for chunk in chunks]
    if workers < 2:  # noqa: PLR2004 - one process is this one
        for item in work:
            task(item)
        return
    # Spawned, not forked: the parent may hold threads (a progress bar, an engine). Ctrl-C is the parent's to handle.
    context = multiprocessing.get_context("spawn")
    quiet = (signal.SIGINT, signal.SIG_IGN)
    try:
        with ProcessPoolExecutor(workers, mp_context=context, initializer=signal.signal, initargs=quiet) as pool:
            for _ in pool.map(task, work):
                pass
    except BrokenProcessPool as error:
        raise DataError("a process that draws phantoms died; there may be too little memory: run again") from error


def _draw_chunk(spec: PhantomSpec, folder: Path, work: tuple[range, list[str]]) -> None:
    for index, name in zip(*work, strict=True):
        Image.fromarray(draw(spec, index)).save(folder / f"{name}.png", compress_level=1)


def _write_table(spec: PhantomSpec, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_table_rows(spec))


def _table_rows(spec: PhantomSpec) -> Iterator[tuple[str, ...]]:
    lesions = plan(spec)
    number, signs = -1, ("", "", "", "")
    for name, shown in zip(_image_ids(spec), lesions.lesion.tolist(), strict=True):
        if shown != number:
            number, signs = shown, _signs(spec, shown)
        yield (name, CLASSES[int(lesions.malignant[shown])], f"lesion_{shown + 1:05}", *signs)


def _signs(spec: PhantomSpec, index: int) -> tuple[str, str, str, str]:
    signs = lesion(spec, index).signs
    return f"{signs.asymmetry:.3f}", f"{signs.border:.3f}", str(signs.colours), f"{signs.diameter:.2f}"


def _other(label: str) -> str:
    return CLASSES[1 - CLASSES.index(label)]
