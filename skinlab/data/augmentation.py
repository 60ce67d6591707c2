"""Declared albumentations transforms, applied so that an image's change depends on its random key alone."""

import random
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import ConfigError


class Augmenter:
    """Applies a pipeline of transforms to single images; safe to call from several threads.

    Args:
        transforms: albumentations transforms by `_target_`, as in conf/augmentation; an empty list changes nothing.

    Raises:
        ConfigError: a transform does not exist or does not take these arguments.
    """

    def __init__(self, transforms: list[dict[str, Any]]) -> None:
        self._transforms = transforms
        self._local = threading.local()
        if transforms:
            self._pipeline()  # mistakes in the declaration show before training

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
        if not self._transforms:
            return image
        pipeline = self._pipeline()
        # One source for all transforms: set_random_seed would give each its own of the same seed, and then transforms
        # of equal probability are all applied to an image, or none.
        pipeline.set_random_state(np.random.default_rng(key), random.Random(key))  # noqa: S311 - nothing secret
        changed: NDArray[np.uint8] = pipeline(image=image)["image"]
        if changed.shape != image.shape or changed.dtype != np.uint8:
            raise ConfigError(
                f"augmentation.transforms turn an image of {image.shape} uint8 into {changed.shape} {changed.dtype}: "
                "end with a transform that restores the size, and leave normalisation to the network"
            )
        return changed

    def _pipeline(self) -> Any:
        """This thread's own pipeline: transforms keep random state."""
        if not hasattr(self._local, "pipeline"):
            self._local.pipeline = _compose(self._transforms)
        return self._local.pipeline


def _compose(transforms: list[dict[str, Any]]) -> Any:
    from hydra.errors import InstantiationException
    from hydra.utils import instantiate

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
