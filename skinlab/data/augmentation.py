"""Declared albumentations transforms, applied so that an image's change depends on its random key alone."""

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.data import transforms as declared
from skinlab.errors import ConfigError
from skinlab.settings import allowed_targets

KEY_BITS = 128


class Augmenter:
    """Applies a pipeline of transforms to single images; not from several threads at once. Can be pickled.

    Args:
        transforms: albumentations transforms by `_target_`, as in conf/augmentation; an empty list changes nothing.

    Raises:
        ConfigError: a transform is not allowed, does not exist or does not take these arguments.
    """

    def __init__(self, transforms: list[dict[str, Any]]) -> None:
        self._transforms = transforms
        self._pipeline = declared.build(transforms, allowed_targets()) if transforms else None

    def __reduce__(self) -> tuple[type["Augmenter"], tuple[list[dict[str, Any]]]]:
        return Augmenter, (self._transforms,)

    def __call__(self, image: NDArray[np.uint8], key: int) -> NDArray[np.uint8]:
        """The changed image.

        Args:
            image: uint8 [H, W, 3], RGB; not modified.
            key: any integer from 0; the same key gives the same change.

        Returns:
            uint8 [H, W, 3] of the same size.

        Raises:
            ConfigError: the transforms change size or type.
        """
        if self._pipeline is None:
            return image
        # One pair of generators for all transforms: `set_random_seed` would give each of them the same numbers, and two
        # flips of probability 0.5 would always happen together. It is slower, too: it makes a pair for each transform.
        bits = key % 2**KEY_BITS
        self._pipeline.set_random_state(np.random.Generator(np.random.PCG64(bits)), random.Random(bits))  # noqa: S311 - no secret
        changed: NDArray[np.uint8] = self._pipeline(image=image)["image"]
        if changed.shape != image.shape or changed.dtype != np.uint8:
            raise ConfigError(
                f"augmentation.transforms turn an image of {image.shape} uint8 into {changed.shape} {changed.dtype}: "
                "end with a transform that restores the size, and leave normalisation to the network"
            )
        return changed
