"""The symmetries of the square under which a lesion stays a lesion: test-time augmentation averages over them.

A model whose probabilities are averaged over a group of symmetries answers the same for an image and its mirror image.
The exporter draws the same views into the ONNX graph, so that a bundle serves what was evaluated.
"""

from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Symmetry:
    """A view of square images: rows and columns swapped first, then each axis flipped or not.

    Attributes:
        swap: rows become columns.
        flip_rows: top becomes bottom.
        flip_columns: left becomes right.
    """

    swap: bool = False
    flip_rows: bool = False
    flip_columns: bool = False

    @property
    def name(self) -> str:
        """For file names and keys.

        >>> Symmetry().name, Symmetry(swap=True, flip_rows=True).name
        ('as_is', 'swap+flip_rows')
        """
        parts = [part for part in ("swap", "flip_rows", "flip_columns") if getattr(self, part)]
        return "+".join(parts) or "as_is"

    @property
    def flipped_axes(self) -> tuple[int, ...]:
        """Of [N, H, W, ...], after rows and columns were swapped."""
        return tuple(axis for axis, flips in ((1, self.flip_rows), (2, self.flip_columns)) if flips)

    def of(self, images: NDArray[Any]) -> NDArray[Any]:
        """The view of [N, S, S, ...]: contiguous, of the same type.

        >>> Symmetry(swap=True, flip_columns=True).of(np.array([[[1, 2], [3, 4]]])).tolist()
        [[[3, 1], [4, 2]]]
        """
        return np.ascontiguousarray(self._flipped(np.swapaxes(images, 1, 2) if self.swap else images))

    def undo(self, images: NDArray[Any]) -> NDArray[Any]:
        """The images whose view these are: [N, S, S, ...]."""
        flipped = self._flipped(images)
        return np.ascontiguousarray(np.swapaxes(flipped, 1, 2) if self.swap else flipped)

    def _flipped(self, images: NDArray[Any]) -> NDArray[Any]:
        return np.flip(images, self.flipped_axes)


IDENTITY = Symmetry()
_BOTH = (False, True)
_FLIPS = tuple(Symmetry(flip_rows=rows, flip_columns=columns) for rows, columns in product(_BOTH, _BOTH))
VIEWS = {
    "none": (IDENTITY,),
    "flips": _FLIPS,
    "dihedral": (*_FLIPS, *(replace(view, swap=True) for view in _FLIPS)),
}
"""By the value of `evaluation.tta`; the first is the image as it is."""
