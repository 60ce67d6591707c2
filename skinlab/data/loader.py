"""Deterministic minibatches: order, augmentation, mixup partners and dropout masks from (seed, epoch, image_id) alone.

The number of workers, their timing and a resume in the middle of an epoch change nothing of what comes out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from skinlab.data import mixing
from skinlab.data.prefetch import Prefetcher
from skinlab.data.sampling import Draws, Sampler
from skinlab.engines.base import Batch, Inputs
from skinlab.kept import Kept
from skinlab.randomness import stream, stream_key

Floats = NDArray[np.float32]
Name = tuple[str | int, ...]
"""Of a stream of random numbers."""
MASK = 512
"""Bytes that a kept mask takes beside its bits, about."""

_masks: Kept[bytes] = Kept(2**25, lambda bits: len(bits) + MASK)


@dataclass(frozen=True)
class Loader:
    """Minibatches of a training subset. As a context manager it starts its workers on entry and ends them on exit.

    Attributes:
        images: all images, uint8 [N, S, S, 3]; or their features.
        image_ids: name of each of the N images.
        targets: int64 [N], class indices.
        rows: which of the N images are trained on.
        class_weights: float32 [classes], factor in the loss of each class.
        augment: (uint8 [S, S, 3], key) to the changed image; with workers, something that can be pickled. None changes
            nothing.
        seed: of order, augmentation and dropout.
        minibatch_size: images a step; the last minibatch of an epoch may be smaller.
        dropout: probability that a feature is dropped.
        features: length of a dropout mask.
        workers: processes that prepare minibatches ahead; 0 prepares each when it is asked for.
        copies: fixed augmented copies of each training image; 0: each is changed anew in each epoch.
        balanced: whether the classes are drawn equally often in an epoch; else each image once.
        label_smoothing: part of the target that is spread over all classes.
        mixup: alpha of the share of an image that is mixed with another; 0 does not mix.
    """

    images: Inputs
    image_ids: Sequence[str]
    targets: NDArray[np.int64]
    rows: NDArray[np.int64]
    class_weights: NDArray[np.float32]
    augment: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]] | None
    seed: int
    minibatch_size: int
    dropout: float
    features: int
    workers: int
    copies: int = 0
    balanced: bool = False
    label_smoothing: float = 0.0
    mixup: float = 0.0

    @cached_property
    def sampler(self) -> Sampler:
        """What the epochs are drawn from."""
        return Sampler(self.rows, self.targets[self.rows], self.copies, self.balanced)

    @property
    def epoch_images(self) -> int:
        """Images an epoch."""
        return self.sampler.size

    @property
    def steps(self) -> int:
        """Minibatches an epoch."""
        return -(-self.epoch_images // self.minibatch_size)

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """The minibatches of an epoch, from step `first_step` on."""
        order = self.sampler.epoch(self.seed, epoch)
        parts = [order[step * self.minibatch_size :][: self.minibatch_size] for step in range(first_step, self.steps)]
        if self.workers == 0:
            yield from (self.batch(part, epoch) for part in parts)
        else:
            yield from self._ahead.batches([(part, epoch) for part in parts])

    def batch(self, draws: Draws, epoch: int) -> Batch:
        """The minibatch of these images as it is in this epoch.

        Args:
            draws: lines of what `sampler.epoch` gives; not rows.
            epoch: from 0.
        """
        names = [self._name(draw) for draw in draws]
        mask = self._masks(epoch, names)
        own = self._samples(draws, ("augmentation", epoch), names, mask)
        if self.mixup == 0:
            return own
        pairings = [stream(self.seed, "mixup", epoch, *name) for name in names]
        others = np.concatenate([self.sampler.one(generator) for generator in pairings])
        shares = np.array([generator.beta(self.mixup, self.mixup) for generator in pairings])
        return mixing.mix(own, self._samples(others, ("partner", epoch), names, mask), shares)

    def _samples(self, draws: Draws, purpose: tuple[str, int], names: Sequence[Name], mask: Floats) -> Batch:
        """These images, changed by the keys that purpose and names give, with their own labels."""
        labels = self.targets[draws[:, 0]]
        return Batch(
            images=self._images(draws, purpose, names),
            labels=labels,
            targets=mixing.soft_targets(labels, len(self.class_weights), self.label_smoothing),
            weights=self.class_weights[labels],
            dropout_mask=mask,
        )

    def _images(self, draws: Draws, purpose: tuple[str, int], names: Sequence[Name]) -> Inputs:
        if self.augment is None:
            return self.images[draws[:, 0]]
        changed = [self._image(draw, purpose, name) for draw, name in zip(draws, names, strict=True)]
        return np.stack(changed)

    def _image(self, draw: Draws, purpose: tuple[str, int], name: Name) -> NDArray[np.uint8]:
        """Changed anew in each epoch; where there are fixed copies: as it is, or a copy, the same in each epoch."""
        assert self.augment is not None  # noqa: S101 - the caller has looked
        row, copy, _ = draw.tolist()
        image: NDArray[np.uint8] = self.images[row]
        if self.copies == 0:
            return self.augment(image, stream_key(self.seed, *purpose, *name))
        return self.augment(image, stream_key(self.seed, "copy", self.image_ids[row], copy)) if copy else image

    def _name(self, draw: Draws) -> Name:
        """What tells this line of an epoch from the others, whatever their order."""
        row, copy, before = draw.tolist()
        name = (self.image_ids[row], copy, before)
        return name if before else name[:2] if copy else name[:1]

    def _masks(self, epoch: int, names: Sequence[Name]) -> Floats:
        """Inverted dropout (Srivastava et al., JMLR 2014): kept features are scaled so that the mean stays."""
        if self.dropout == 0:
            return np.ones((len(names), self.features), dtype=np.float32)
        rows = b"".join([self._kept_features(epoch, name) for name in names])
        packed = np.frombuffer(rows, dtype=np.uint8).reshape(len(names), -1)
        kept = np.unpackbits(packed, axis=1, count=self.features)
        return kept.astype(np.float32) * np.float32(1 / (1 - self.dropout))

    def _kept_features(self, epoch: int, name: Name) -> bytes:
        """A bit for each feature, whether dropout keeps it. Trials that differ in other things have the same."""

        def draw() -> bytes:
            drawn = stream(self.seed, "dropout", epoch, *name).random(self.features)
            return np.packbits(drawn >= self.dropout).tobytes()

        return _masks.get((self.seed, self.dropout, self.features, epoch, name), draw)

    @cached_property
    def _ahead(self) -> Prefetcher:
        return Prefetcher(self, self.batch(self.sampler.epoch(self.seed, 0)[:1], 0))

    def __enter__(self) -> Self:
        if self.workers > 0:
            self._ahead.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if "_ahead" in vars(self):
            vars(self).pop("_ahead").close()


def class_weights(targets: NDArray[np.int64], classes: int, *, balanced: bool) -> NDArray[np.float32]:
    """Factor of each class in the loss; the mean over `targets` is 1.

    Args:
        targets: int64 [N], labels of the training subset.
        classes: number of classes.
        balanced: by the inverse of the frequency, as in scikit-learn's "balanced"; else all ones.

    >>> class_weights(np.array([0, 0, 0, 1]), 2, balanced=True)
    array([0.6666667, 2.       ], dtype=float32)
    """
    if not balanced:
        return np.ones(classes, dtype=np.float32)
    counts = np.bincount(targets, minlength=classes)
    return (len(targets) / (classes * counts)).astype(np.float32)
