"""Features of images: what a network holds before its dropout and classifier, computed once and kept by content.

ONNX Runtime computes them, on every engine the same, in pieces of a fixed size on one thread each, so that neither the
number of processors nor their load changes a bit.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skinlab import paths
from skinlab.data import locks
from skinlab.data.cache_entries import touch
from skinlab.data.cache_room import make_room
from skinlab.data.images import CONVERT, decode_settings
from skinlab.data.parallel import usable_cpus
from skinlab.data.storage import TEMPORARY, cache_access, new_file
from skinlab.networks.architecture import FEATURES, IMAGE
from skinlab.networks.classifier import Classifier
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.symmetries import IDENTITY, Symmetry
from skinlab.networks.weights import Weights

PIECE = 16
"""Images that are computed together."""

_exported: dict[tuple[str, str], str] = {}
"""SHA-256 of each graph that this process exported, by its network and arrays."""

Floats = npt.NDArray[np.float32]
Report = Callable[[int, int], None]


def features(
    architecture: Classifier,
    weights: Weights,
    images: npt.NDArray[np.uint8],
    sha256: Sequence[str],
    report: Report | None = None,
    rows: npt.NDArray[np.int64] | None = None,
    view: Symmetry = IDENTITY,
    colour_profile: str = CONVERT,
) -> Floats:
    """Features of images, from the cache where they are in it.

    When several processes ask for the same at once, one computes and the others wait.

    Args:
        architecture: the network.
        weights: its arrays; those of the classifier do not matter.
        images: uint8 [N, size, size, 3].
        sha256: hash of each image's file: with the decode settings and the size it stands for the pixels.
        report: called with (images done, images in all); not called when all are cached.
        rows: which of the images; None: all.
        view: of the images, for test-time augmentation.
        colour_profile: what was done with those of the files.

    Returns:
        float32 [N or len(rows), features].

    Raises:
        OutputError: the cache folder cannot be written.
    """
    folder = paths.cache() / "features"
    chosen = np.arange(len(images)) if rows is None else rows
    path = folder / f"{cache_key(architecture, weights, [sha256[row] for row in chosen], view, colour_profile)}.npy"
    shape = (len(chosen), architecture.features)
    with cache_access(folder):
        if (found := _open(path, shape)) is not None:
            return found
        lock = path.with_name(f"{TEMPORARY}lock-{path.stem}")
        with locks.alone(lock, "another process computes the same features: waiting for it"):
            try:
                if (found := _open(path, shape)) is not None:
                    return found
                backbone = to_onnx(architecture, weights, output=FEATURES)
                computed = compute(backbone, images, chosen, view, report)
                make_room(computed.nbytes)
                with new_file(path) as temporary, temporary.open("wb") as stream:
                    np.save(stream, computed)
            finally:
                lock.unlink(missing_ok=True)
    return computed


def describe() -> dict[str, Any]:
    """What computes, for run.json."""
    import onnxruntime

    return {"name": "onnxruntime", "onnxruntime": onnxruntime.__version__, "device": "CPU"}


def cache_key(
    architecture: Classifier,
    weights: Weights,
    sha256: Sequence[str],
    view: Symmetry = IDENTITY,
    colour_profile: str = CONVERT,
) -> str:
    """Names features: a function of network, weights, library, view, decoding, and every file's content."""
    import onnxruntime

    decoding = decode_settings(colour_profile)
    how = [decoding, _backbone(architecture, weights), onnxruntime.__version__, PIECE, view.name]
    digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode())
    for one in sha256:
        digest.update(b"\n" + one.encode())
    return digest.hexdigest()[:40]


def _backbone(architecture: Classifier, weights: Weights) -> str:
    """SHA-256 of the graph that gives the features; exported once a process, which takes longer than a short trial."""
    arrays = hashlib.sha256()
    for name in sorted(weights):
        if name.rpartition(".")[0] != architecture.classifier():
            arrays.update(name.encode() + np.ascontiguousarray(weights[name]).data)
    known = (repr(architecture), arrays.hexdigest())
    if known not in _exported:
        exported = to_onnx(architecture, weights, output=FEATURES)
        _exported[known] = hashlib.sha256(exported).hexdigest()
    return _exported[known]


def _open(path: Path, shape: tuple[int, int]) -> Floats | None:
    """The cached features if they are there and whole."""
    try:
        found: Floats = np.load(path, allow_pickle=False)
    except (FileNotFoundError, ValueError, EOFError):
        return None
    if found.shape != shape or found.dtype != np.float32:
        return None
    touch(path)
    return found


def compute(
    backbone: bytes,
    images: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
    view: Symmetry = IDENTITY,
    report: Report | None = None,
) -> Floats:
    """Run a graph that gives `features`: float32 [rows, features] of these rows of uint8 [N, H, W, 3]."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(backbone, options, providers=["CPUExecutionProvider"])

    def piece(start: int) -> Floats:
        result: Floats = session.run([FEATURES], {IMAGE: view.of(images[rows[start : start + PIECE]])})[0]
        return result

    starts, parts = range(0, len(rows), PIECE), []
    with ThreadPoolExecutor(usable_cpus()) as pool:
        for start, part in zip(starts, pool.map(piece, starts), strict=True):
            parts.append(part)
            if report is not None:
                report(start + len(part), len(rows))
    return np.concatenate(parts)
