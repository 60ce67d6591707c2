"""Declared albumentations transforms, applied so that an image's change depends on its random key alone."""

import os
import random
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import ConfigError

KEY_BITS = 128


class Augmenter:
    """Applies a pipeline of transforms to single images; not from several threads at once. Can be pickled.

    Args:
        transforms: albumentations transforms by `_target_`, as in conf/augmentation; an empty list changes nothing.

    Raises:
        ConfigError: a transform does not exist or does not take these arguments.
    """

    def __init__(self, transforms: list[dict[str, Any]]) -> None:
        self._transforms = transforms
        self._pipeline = _compose(transforms) if transforms else None  # mistakes show before training

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


def _compose(transforms: list[dict[str, Any]]) -> Any:
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

    _import_albumentations()
    from skinlab.augmentations import Compose

    try:
        made = [instantiate(transform, _convert_="all") for transform in transforms]
    except InstantiationException as error:
        cause = str(error.__cause__ or error).strip().splitlines()[0]
        raise ConfigError(f"augmentation.transforms: {cause}") from error
    try:
        return Compose(made, strict=True)  # else a misspelt argument is only warned of
    except ValueError as error:
        raise ConfigError(f"augmentation.transforms: {error}") from error


def _import_albumentations() -> None:
    """Import the library without what it would do besides: ask the package index for a newer version, import torch.

    It imports torch, where that is installed, for a transform that gives tensors: a second, and 400 MB a process.
    """
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    hidden = "torch" not in sys.modules
    if hidden:
        sys.modules["torch"] = None  # type: ignore[assignment]  # how Python says that a module is not to be found
    try:
        import albumentations  # noqa: F401 - what follows finds it imported
        import cv2
    finally:
        if hidden:
            del sys.modules["torch"]
    cv2.setNumThreads(0)  # images are small, and the processes are as many as the user chose
