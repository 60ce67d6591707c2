"""Reads a .pth file of torch.save, old or new format, as named arrays, without torch and without executing it.

A pickle is a program. Here an interpreter of our own runs the few instructions that torch writes for a dictionary of
tensors, on inert objects; anything else ends in one line. Keys are text, and nothing is hashed, compared or shown that
a file could make endless. Arrays are cut from the file's own bytes, and are no more than a few times these together.
"""

import errno
import io
import os
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
_LARGEST_NUMBER = 1 << 48
_VIEWS = 4  # times the numbers in the file that different views of them may be together
_LONGEST_REASON = 100  # characters of what Python says of a damaged file
# What Python's readers raise on malformed input, and a stack that is used as no pickle of torch uses it.
_MALFORMED = (
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


_NO_STATE = "it does not hold a state dictionary, but a whole model or something else"


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
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place before the beginning of the file
            raise
        raise ConfigError(f"{path} cannot be used as weights: it is damaged, or not torch.save's") from error
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

    def checked(self) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        """What tells the view from others of the same storage, all of it whole numbers."""
        for value in (self.offset, *self.shape, *self.strides):
            if type(value) is not int or not 0 <= value < _LARGEST_NUMBER:
                raise PthError("it has a tensor of impossible shape")
        return self.offset, self.shape, self.strides

    def of(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """The view as an array of its own."""
        last = self.offset + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))
        elements: int = prod(self.shape)
        if elements > len(numbers) or (elements and last >= len(numbers)):
            raise PthError("it has a tensor that reaches beyond its numbers")
        strides = [stride * numbers.itemsize for stride in self.strides]
        view = np.lib.stride_tricks.as_strided(numbers[self.offset :], self.shape, strides, writeable=False)
        return np.array(view)


@dataclass(frozen=True)
class _Name:
    """What a pickle finds under a name: something of `_CALLED`, or the dtype of a storage."""

    module: str
    name: str


_DICT, _REBUILD, _PARAMETER = (
    _Name("collections", "OrderedDict"),
    _Name("torch._utils", "_rebuild_tensor_v2"),
    _Name("torch._utils", "_rebuild_parameter"),
)
_CALLED = (_DICT, _REBUILD, _PARAMETER)
"""All that a pickle may name besides storages."""


def _named(text: str) -> _Name:
    """The stand-in for a name."""
    module, _, name = text.partition(" ")
    found = _Name(module, name)
    if found not in _CALLED and not (module == "torch" and name in DTYPES):
        raise PthError(f"it asks for {module}.{name}, which a file of weights does not need; nothing was executed")
    return found


def _called(name: Any, arguments: Any) -> Any:
    """What a name gives for its arguments."""
    if not isinstance(name, _Name) or name not in _CALLED or not isinstance(arguments, tuple):
        raise PthError("it calls what is no name")
    if name == _DICT and not arguments:
        return _Table()
    if name == _REBUILD and len(arguments) > 3:  # noqa: PLR2004 - storage, offset, shape, strides
        return _tensor(*arguments[:4])
    if name == _PARAMETER and arguments and isinstance(arguments[0], _Tensor):
        return arguments[0]
    raise PthError("it has a tensor without numbers")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any) -> _Tensor:
    if not (isinstance(storage, _Storage) and isinstance(shape, tuple) and isinstance(strides, tuple)):
        raise PthError("it has a tensor without numbers")
    return _Tensor(storage, offset, shape, strides)


def _storage(pid: Any) -> _Storage:
    """The storage that a persistent id describes."""
    if not isinstance(pid, tuple) or len(pid) < 5:  # noqa: PLR2004 - what follows, and a view that is None
        raise PthError("it has numbers of an unknown kind")
    kind, dtype, key, _, length, *view = pid
    known = isinstance(dtype, _Name) and dtype.module == "torch"
    if not (isinstance(kind, str) and kind == "storage" and known and isinstance(key, str)) or any(
        part is not None for part in view
    ):
        raise PthError("it has numbers of an unknown kind")
    if type(length) is not int or length < 0:
        raise PthError("it has a storage of impossible size")
    return _Storage(key, np.dtype(DTYPES[dtype.name]), length)


class _Machine:
    """Runs the instructions of one pickle on a stack of inert objects."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def put(self, place: int) -> None:
        self._memo[place] = self.stack[-1]

    def get(self, place: int) -> None:
        self.stack.append(self._memo[place])

    def mark(self, _: None) -> None:
        self._marks.append(len(self.stack))

    def name(self, text: str) -> None:
        self.stack.append(_named(text))

    def storage(self, _: None) -> None:
        self.stack.append(_storage(self.stack.pop()))

    def call(self, _: None) -> None:
        arguments = self.stack.pop()
        self.stack.append(_called(self.stack.pop(), arguments))

    def build(self, _: None) -> None:
        """Torch hangs its bookkeeping on the dictionary; nothing of it is wanted."""
        self.stack.pop()
        _require_table(self.stack[-1])

    def add(self, items: list[Any]) -> None:
        found = self.stack[-1]
        if not isinstance(found, list):
            raise PthError(_NO_STATE)
        found += items

    def set(self, pairs: list[Any]) -> None:
        table = _require_table(self.stack[-1])
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(key, str):
                raise PthError("it does not hold a state dictionary: a key of it is no text")
            table[key] = value

    def taken(self, count: int | None) -> list[Any]:
        """The last objects of the stack, which lose their place there; None: all since the last mark."""
        place = self._marks.pop() if count is None else len(self.stack) - count
        if not 0 <= place <= len(self.stack):
            raise PthError("it takes what is not there")
        found = self.stack[place:]
        del self.stack[place:]
        return found


def _require_table(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise PthError(_NO_STATE)
    return found


_RUN: dict[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), _Machine.put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine.get),
    **dict.fromkeys(
        ("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"),
        lambda machine, value: machine.stack.append(value),
    ),
    "NONE": lambda machine, _: machine.stack.append(None),
    "NEWTRUE": lambda machine, _: machine.stack.append(True),
    "NEWFALSE": lambda machine, _: machine.stack.append(False),
    "EMPTY_DICT": lambda machine, _: machine.stack.append(_Table()),
    "EMPTY_TUPLE": lambda machine, _: machine.stack.append(()),
    "EMPTY_LIST": lambda machine, _: machine.stack.append([]),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.taken(None))),
    "TUPLE1": lambda machine, _: machine.stack.append(tuple(machine.taken(1))),
    "TUPLE2": lambda machine, _: machine.stack.append(tuple(machine.taken(2))),
    "TUPLE3": lambda machine, _: machine.stack.append(tuple(machine.taken(3))),
    "SETITEM": lambda machine, _: machine.set(machine.taken(2)),
    "SETITEMS": lambda machine, _: machine.set(machine.taken(None)),
    "APPEND": lambda machine, _: machine.add(machine.taken(1)),
    "APPENDS": lambda machine, _: machine.add(machine.taken(None)),
    "MARK": _Machine.mark,
    "GLOBAL": _Machine.name,
    "BINPERSID": _Machine.storage,
    "REDUCE": _Machine.call,
    "BUILD": _Machine.build,
    "PROTO": lambda _machine, _version: None,
}
"""What torch writes, in the second protocol of pickle; of any other instruction nothing is run."""


def _unpickle(stream: BinaryIO) -> Any:
    """The object of the next pickle in a stream, which is left behind its end."""
    machine, begin = _Machine(), stream.tell()
    for operation, argument, position in pickletools.genops(stream):
        if operation.name == "STOP":
            break
        if (position or 0) - begin > _LARGEST_PICKLE:
            raise PthError("its description of the tensors is too long")
        if operation.name not in _RUN:
            raise PthError(f"it has the instruction {operation.name}, which torch does not write; nothing was executed")
        _RUN[operation.name](machine, argument)
    (found,) = machine.stack
    return found


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
        raise PthError(_NO_STATE)
    for name, value in loaded.items():
        if not isinstance(value, _Tensor):
            raise PthError(f"it does not hold a state dictionary: {name[:80]!r} is no tensor")
    return loaded


def _storages(tensors: dict[str, _Tensor]) -> Iterator[_Storage]:
    """Each storage once."""
    return iter({tensor.storage.key: tensor.storage for tensor in tensors.values()}.values())


def _numbers(data: bytes, storage: _Storage) -> NDArray[Any]:
    if len(data) != storage.length * storage.dtype.itemsize:
        raise PthError("it stops short")
    return np.frombuffer(data, storage.dtype)


def _arrays(tensors: dict[str, _Tensor], numbers: dict[str, NDArray[Any]]) -> Arrays:
    """Each tensor as an array; tensors that are the same view, as tied weights are, are one array."""
    made: dict[tuple[Any, ...], NDArray[Any]] = {}
    left, arrays = _VIEWS * sum(each.nbytes for each in numbers.values()), {}
    for name, tensor in tensors.items():
        view = (tensor.storage.key, *tensor.checked())
        if view not in made:
            left -= prod(tensor.shape) * tensor.storage.dtype.itemsize
            if left < 0:
                raise PthError("its tensors are far more than its numbers")
            made[view] = tensor.of(numbers[tensor.storage.key])
        arrays[name] = made[view]
    return arrays
