"""A bundle read back: found, whole, unchanged since it was written, and of a kind that this skinlab can serve.

Nothing is computed here, and no file is trusted before its checksum was compared.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.data.decoding import CONVERT, IGNORE, decode_settings
from skinlab.data.images import PIXEL_LIMIT, decode
from skinlab.errors import BundleError
from skinlab.evaluation.metrics import positive_of
from skinlab.evaluation.operating_rule import DEFAULT
from skinlab.files import json_object
from skinlab.run import RUN_FILE, Run
from skinlab.serving.bundle import CHECKSUMS, MODEL, REPLAY, SIGNATURE, SIGNATURE_VERSION
from skinlab.serving.portable.closed import OpenModelError, require_closed


@dataclass(frozen=True)
class Bundle:
    """What a bundle holds.

    Attributes:
        path: its folder.
        model: the ONNX model, serialised.
        sha256: hash of the model.
        signature: the content of signature.json.
        files: SHA-256 of each file by name, but for the list of them itself.
        replay: the content of replay.json; None: there is none.
    """

    path: Path
    model: bytes
    sha256: str
    signature: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    replay: bytes | None = None

    @property
    def classes(self) -> list[str]:
        """Names of the outputs in order."""
        return list(self.signature["classes"])

    @property
    def positive(self) -> int | None:
        """Index of the positive class; None: of more than two classes none is."""
        return positive_of(self.signature)

    @property
    def threshold(self) -> float:
        """Of two classes, the probability of the positive one from which an image is called positive; else unused."""
        return float(self.signature["threshold"] or DEFAULT)

    @property
    def image_size(self) -> int:
        """Height and width of the model's input in pixels."""
        return int(self.signature["input"]["shape"][1])

    @property
    def colour_profile(self) -> str:
        """What is done with embedded colour profiles, as in `dataset.colour_profile`."""
        return str(self.signature["decode"]["colour_profile"])

    def decode(self, content: bytes) -> NDArray[np.uint8]:
        """The image in a file as it was decoded for training: uint8 [size, size, 3].

        Raises:
            ImageError: it is not an image, or not a whole one.
        """
        return decode(content, self.image_size, PIXEL_LIMIT, self.colour_profile)

    @property
    def tta(self) -> str:
        """The views that the model itself averages over: a key of `skinlab.networks.symmetries.VIEWS`."""
        return str(self.signature.get("tta", "none"))  # bundles of the first version average over none

    @property
    def note(self) -> str:
        """What a reader of the answers must know of the training data; empty where there is nothing."""
        return str(self.signature["note"])


def load(path: Path) -> Bundle:
    """Read and verify the bundle of a run, or a bundle's own folder.

    Args:
        path: a run directory or a folder with signature.json.

    Raises:
        BundleError: there is none, a file is missing or is not the one that was written, or it needs another skinlab.
    """
    folder = find(path)
    files, sums = _verified(folder)
    try:
        signature = json_object(files[SIGNATURE])
        bundle = Bundle(folder, files[MODEL], sums[MODEL], signature, sums, files.get(REPLAY))
        version, decoding = int(signature["version"]), signature["decode"]
        _ = bundle.classes, bundle.positive, bundle.threshold, bundle.image_size, bundle.note
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BundleError(f"{folder / SIGNATURE} is not one that skinlab writes: {error!r}") from error
    try:
        require_closed(bundle.model)
    except OpenModelError as error:
        raise BundleError(f"{folder / MODEL} cannot be used: {error}; a bundle is whole in itself") from error
    if version > SIGNATURE_VERSION:
        raise BundleError(f"{folder} was written by a newer skinlab (signature version {version}); update skinlab")
    if decoding not in (decode_settings(CONVERT), decode_settings(IGNORE)):
        raise BundleError(
            f"{folder} was trained on images that another version of skinlab decoded in another way: "
            "serve it with the version that wrote it (code in its run's run.json), or train again"
        )
    return bundle


def find(path: Path) -> Path:
    """The folder of the bundle that a user means.

    Raises:
        BundleError: there is none.
    """
    if (path / SIGNATURE).is_file():
        return path
    if not (path / RUN_FILE).is_file():
        raise BundleError(
            f"{path} is neither a run directory (it has no {RUN_FILE}) nor a bundle (it has no {SIGNATURE})"
        )
    if (path / "bundle" / SIGNATURE).is_file():
        return path / "bundle"
    status = Run.open(path).status
    hint = f"; go on with `skinlab resume {path}`" if status in ("interrupted", "failed") else ""
    raise BundleError(f"{path} has no bundle: the run is {status}{hint}")


def _verified(folder: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """The files of the bundle, each the one whose checksum was written with it, and these checksums."""
    sums = _checksums(folder)
    files = {}
    for name in (MODEL, SIGNATURE):
        if name not in sums:
            raise BundleError(f"{folder / CHECKSUMS} does not name {name}: the bundle is not whole")
    for name, digest in sums.items():
        content = _read(folder / name)
        if hashlib.sha256(content).hexdigest() != digest:
            raise BundleError(
                f"{folder / name} is not the file whose checksum is in {CHECKSUMS}: it was changed or damaged; "
                "copy the bundle again from the run that made it"
            )
        files[name] = content
    return files, sums


def _checksums(folder: Path) -> dict[str, str]:
    """Hash by file name; only files of the folder itself are named."""
    path = folder / CHECKSUMS
    lines = [line.split("  ", 1) for line in _read(path).decode(errors="replace").splitlines()]
    if any(len(line) < len(("digest", "name")) or Path(line[1]).name != line[1] for line in lines):
        raise BundleError(f"{path} is not a list of checksums and file names")
    return {name: digest for digest, name in lines}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}): the bundle is not whole") from error
