"""How a minibatch is divided among replicas, and why every replica gets something."""

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from skinlab.engines.base import Batch, Inputs
from skinlab.engines.torch.replica import Shard


def cut(batch: Batch, parts: int) -> list[Shard]:
    """The minibatch in contiguous parts whose sizes differ by at most one.

    Replicas meet in each gradient, so each needs images; where there are too few, copies with weight 0 take part. Two
    copies, because batch normalisation of a single pixel is refused.
    """
    if parts == 1:
        return [Shard(_of(batch, slice(None)), real=len(batch), total=len(batch))]
    shards = []
    for rows in np.array_split(np.arange(len(batch)), parts):
        taken = rows if len(rows) else np.zeros(2, dtype=np.int64)
        part = _of(batch, taken)
        if len(rows) == 0:
            part.weights[:] = 0
        shards.append(Shard(part, real=len(rows), total=len(batch)))
    return shards


def _of(batch: Batch, rows: NDArray[np.int64] | slice) -> Batch:
    return Batch(**{field.name: np.ascontiguousarray(getattr(batch, field.name)[rows]) for field in fields(batch)})


def cut_images(images: Inputs, parts: int) -> list[Inputs]:
    """Images in contiguous parts whose sizes differ by at most one; a part may be empty."""
    return np.array_split(images, parts)
