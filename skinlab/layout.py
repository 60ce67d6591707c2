"""Named arrays placed one after another in one block of memory that processes share. Owns no memory itself."""

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 64


@dataclass(frozen=True)
class Layout:
    """Where each array lies: name to (numpy dtype, shape, offset in bytes)."""

    arrays: dict[str, tuple[str, tuple[int, ...], int]]
    size: int

    @classmethod
    def of(cls, arrays: Mapping[str, tuple[str, tuple[int, ...]]]) -> "Layout":
        """Place arrays one after another.

        >>> Layout.of({"a": ("u1", (3,)), "b": ("f4", (2, 2))}).arrays["b"]
        ('f4', (2, 2), 64)
        """
        placed, offset = {}, 0
        for name, (dtype, shape) in arrays.items():
            placed[name] = (dtype, shape, offset)
            length = prod(shape) * np.dtype(dtype).itemsize
            offset += -(-length // ALIGNMENT) * ALIGNMENT
        return cls(placed, offset)

    def views(self, memory: mmap.mmap, start: int = 0) -> dict[str, NDArray[Any]]:
        """The arrays as they lie in a block of memory, from its byte `start` on."""
        return {
            name: np.frombuffer(memory, dtype=dtype, count=prod(shape), offset=start + offset).reshape(shape)
            for name, (dtype, shape, offset) in self.arrays.items()
        }
