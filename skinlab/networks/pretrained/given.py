"""What `network.weights` names, read: the arrays, where they are from, and what is known of their training."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from skinlab import schema
from skinlab.errors import ConfigError, OutputError
from skinlab.files import sha256_of
from skinlab.networks import weights
from skinlab.networks.pretrained import pth, registry, store
from skinlab.networks.weights import Weights
from skinlab.run import Run

BEST = Path("checkpoints") / "best.safetensors"
"""Of a run: the weights of its best epoch."""
SUFFIXES = (".safetensors", ".pth")
_COUNTER = "num_batches_tracked"  # torch counts minibatches beside the statistics; nothing needs it


@dataclass(frozen=True)
class Given:
    """Weights to begin with.

    Attributes:
        arrays: float32 by torchvision's names.
        origin: none | imagenet | file | run.
        path: the file.
        sha256: of the file's content.
        mean: of the pixels that they were trained on, per channel, RGB in 0..1; None: not known.
        std: their standard deviation; None: not known.
        classes: names of the classifier's outputs; None: not known.
        remark: what a person should know of them; empty: nothing.
    """

    arrays: Weights
    origin: str
    path: Path
    sha256: str
    mean: list[float] | None = None
    std: list[float] | None = None
    classes: list[str] | None = None
    remark: str = ""


def read(network: schema.Network, report: Callable[[str], None]) -> Given | None:
    """The declared weights; None where they are to be drawn.

    Args:
        network: the declaration.
        report: is told what is fetched.

    Raises:
        ConfigError: there is no such file or run, or it does not hold weights of this network.
        SetupError: published weights are not there and cannot be fetched.
        OutputError: they cannot be kept.
    """
    path = Path(network.weights).expanduser()
    if network.weights == "none":
        return None
    if network.weights == "imagenet":
        return _published(network.name, report)
    return _of_run(path, network) if path.is_dir() else _of_file(path)


def load(path: Path) -> Weights:
    """The arrays of a .safetensors or .pth file as float32, without torch's counters. Nothing in it is executed.

    A run reads them twice and each trial of a sweep again, so the last file is kept; who asks gets copies.

    Raises:
        ConfigError: it cannot be read, or is something else.
    """
    try:
        facts = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return {name: array.copy() for name, array in _read(path, facts.st_mtime_ns, facts.st_size).items()}


@lru_cache(maxsize=1)
def _read(path: Path, _modified: int, _size: int) -> Weights:
    if path.suffix not in SUFFIXES:
        raise ConfigError(
            f"{path} cannot be used as weights: it must be a {' or '.join(SUFFIXES)} file, or a run directory"
        )
    try:
        arrays = pth.read(path) if path.suffix == ".pth" else _safetensors(path)
    except OSError as error:
        raise _unreadable(path, error) from error
    return {name: _float32(name, array, path) for name, array in arrays.items() if not name.endswith(_COUNTER)}


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path} cannot be read as weights: {error.strerror or error}")


def _safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError

    try:
        return dict(weights.load(path))
    except (SafetensorError, TypeError, KeyError) as error:  # the latter: a type of number that numpy has not
        raise ConfigError(
            f"{path} cannot be used as weights: it is damaged, or no safetensors file ({error})"
        ) from error


def _float32(name: str, array: Any, path: Path) -> Any:
    if not np.issubdtype(array.dtype, np.floating):
        raise ConfigError(f"{path} cannot be used as weights: {name} holds {array.dtype}, not floating-point numbers")
    if not np.isfinite(array).all():
        raise ConfigError(f"{path} cannot be used as weights: {name} holds values that are not finite")
    return np.asarray(array, np.float32, order="C")


def _published(network: str, report: Callable[[str], None]) -> Given:
    published = registry.published(network)
    path, source = store.obtain(published, report)
    return Given(load(path), "imagenet", path, source.sha256, published.mean, published.std, classes=[])


def _of_file(path: Path) -> Given:
    arrays = load(path)
    return Given(arrays, "file", path, sha256_of(path))


def _of_run(folder: Path, network: schema.Network) -> Given:
    try:
        run = Run.open(folder)
    except OutputError as error:
        raise ConfigError(f"network.weights={folder}: {error}") from error
    declared, path = run.record.get("config", {}).get("network", {}), folder / BEST
    if declared.get("name") != network.name:
        raise ConfigError(f"network.weights={folder}: its network is {declared.get('name')}, not {network.name}")
    if not path.is_file():
        raise ConfigError(f"network.weights={folder}: it has no weights yet ({BEST} is not there)")
    return Given(
        arrays=load(path),
        origin="run",
        path=path,
        sha256=sha256_of(path),
        mean=declared.get("mean"),
        std=declared.get("std"),
        classes=run.record.get("classes"),
        remark="" if run.status == "finished" else f"{folder} is {run.status}: its best epoch so far is used",
    )
