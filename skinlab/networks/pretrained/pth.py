"""Reads a .pth file of torch.save, old or new format, as named arrays, without torch and without executing it.

A pickle is a program. Here it may only name what a dictionary of tensors needs, and each name stands for an inert
object of ours; anything else ends in one line. Arrays are cut from the file's own bytes, so none is larger than it.
"""

import io
import os
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import ConfigError

Arrays = dict[str, NDArray[Any]]

DTYPES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
"""torch's storages, all of which are little-endian in files."""

_ZIP = b"PK\3\4"
_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_LARGEST_PICKLE = 64 << 20  # bytes; that of ResNet-152 has 0.2 million
_LONGEST_REASON = 100  # characters of what Python says of a damaged file
_STORES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
# What Python's pickle is documented to raise on malformed input, and what our stand-ins do when they are misused.
_MALFORMED = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
)


class PthError(Exception):
    """The file is not what is read here; the message says why."""


def read(path: Path) -> Arrays:
    """The arrays of a state dictionary by name.

    Args:
        path: a file that torch.save wrote of a module's `state_dict()`.

    Returns:
        arrays as they are in the file, integers among them.

    Raises:
        ConfigError: it is something else, is damaged, or wants to run code.
        OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            is_zip = file.read(len(_ZIP)) == _ZIP
            file.seek(0)
            return _read_zip(file) if is_zip else _read_legacy(file)
    except PthError as error:
        raise ConfigError(f"{path} cannot be used as weights: {error}") from error
    except _MALFORMED as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        raise ConfigError(f"{path} cannot be used as weights: it is damaged, or not torch.save's ({reason})") from error


# --- what stands for the objects of a state dictionary -------------------------------------------------------------


class _Table(dict[Any, Any]):
    """An OrderedDict. A class of its own, since torch hangs an attribute on it."""


@dataclass(frozen=True)
class _Storage:
    """A run of numbers in the file."""

    key: str
    dtype: np.dtype[Any]
    length: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage; lengths are in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """The view as an array of its own."""
        for value in (self.offset, *self.shape, *self.strides):
            if type(value) is not int or value < 0:
                raise PthError("it has a tensor of impossible shape")
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        elements: int = prod(self.shape)
        if elements > len(numbers) or (elements and last >= len(numbers)):
            raise PthError("it has a tensor that reaches beyond its numbers")
        strides = [stride * numbers.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides, writeable=False)
        return np.array(view)


class _Maker:
    """What a pickle finds under a name: may be called, and has nothing that a pickle could change for others."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    if not (isinstance(storage, _Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)):
        raise PthError("it has a tensor without numbers")
    return _Tensor(storage, offset, shape, strides)


_NAMES: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _Table,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): lambda tensor, *_: tensor,
}
"""All that a pickle may name besides storages."""


class _Unpickler(pickle.Unpickler):
    """Gives inert stand-ins for a handful of names, and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a name."""
        if module == "torch" and name in DTYPES:
            return np.dtype(DTYPES[name])
        if (module, name) in _NAMES:
            return _Maker(_NAMES[module, name])
        raise PthError(f"it asks for {module}.{name}, which a file of weights does not need; nothing was executed")

    def persistent_load(self, pid: Any) -> Any:
        """The storage that a persistent id describes."""
        kind, dtype, key, _, length, *view = pid
        if kind != "storage" or not isinstance(dtype, np.dtype) or not isinstance(key, str) or any(view):
            raise PthError("it has numbers of an unknown kind")
        if type(length) is not int or length < 0:
            raise PthError("it has a storage of impossible size")
        return _Storage(key, dtype, length)


def _unpickle(stream: BinaryIO) -> Any:
    """The object of the next pickle in a stream, which is left behind its end.

    Its instructions are looked through first: where it ends, and that it does not reserve memory out of proportion.
    """
    begin = stream.tell()
    for operation, argument, position in pickletools.genops(stream):
        if operation.name in _STORES and int(argument or 0) > _LARGEST_PICKLE:
            raise PthError("it asks for too much memory")
        if (position or 0) - begin > _LARGEST_PICKLE:
            raise PthError("its description of the tensors is too long")
    end = stream.tell()
    stream.seek(begin)
    return _Unpickler(io.BytesIO(stream.read(end - begin))).load()


# --- the two formats -----------------------------------------------------------------------------------------------


def _read_zip(file: BinaryIO) -> Arrays:
    """The format since torch 1.6: a zip archive of a pickle, and one entry for each storage."""
    with zipfile.ZipFile(file) as archive:
        described = [name for name in archive.namelist() if name.count("/") == 1 and name.endswith("/data.pkl")]
        if len(described) != 1:
            raise PthError("it is a zip archive, but not one of torch.save")
        root = described[0].removesuffix("data.pkl")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise PthError("its entries are compressed, which torch.save's are not")
        if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
            raise PthError("it was written on a big-endian machine")
        tensors = _tensors(_unpickle(io.BytesIO(archive.read(described[0]))))
        numbers = {
            storage.key: _numbers(archive.read(f"{root}data/{storage.key}"), storage) for storage in _storages(tensors)
        }
    return _arrays(tensors, numbers)


def _read_legacy(file: BinaryIO) -> Arrays:
    """The format before: pickles of a magic number, version, machine, tensors and storage keys, then the storages."""
    if _unpickle(file) != _MAGIC or _unpickle(file) != _PROTOCOL:
        raise PthError("it is not a file of torch.save")
    if _unpickle(file).get("little_endian") is not True:
        raise PthError("it was written on a big-endian machine")
    tensors = _tensors(_unpickle(file))
    whole = os.fstat(file.fileno()).st_size
    known, numbers = {storage.key: storage for storage in _storages(tensors)}, {}
    for key in _unpickle(file):
        if key not in known:
            raise PthError("it has numbers that belong to no tensor")
        if int.from_bytes(file.read(8), "little") != known[key].length:
            raise PthError("a storage has another size than announced")
        size = known[key].length * known[key].dtype.itemsize
        numbers[key] = _numbers(file.read(size) if size <= whole else b"", known[key])
    return _arrays(tensors, numbers)


def _tensors(loaded: Any) -> dict[str, _Tensor]:
    if not isinstance(loaded, dict) or not loaded:
        raise PthError("it does not hold a state dictionary, but a whole model or something else")
    for name, value in loaded.items():
        if not isinstance(name, str) or not isinstance(value, _Tensor):
            raise PthError(f"it does not hold a state dictionary: {str(name)[:80]!r} is no tensor")
    return loaded


def _storages(tensors: dict[str, _Tensor]) -> Iterator[_Storage]:
    """Each storage once."""
    return iter({tensor.storage.key: tensor.storage for tensor in tensors.values()}.values())


def _numbers(data: bytes, storage: _Storage) -> NDArray[Any]:
    if len(data) != storage.length * storage.dtype.itemsize:
        raise PthError("it stops short")
    return np.frombuffer(data, storage.dtype)


def _arrays(tensors: dict[str, _Tensor], numbers: dict[str, NDArray[Any]]) -> Arrays:
    return {name: tensor.of(numbers[tensor.storage.key]) for name, tensor in tensors.items()}
