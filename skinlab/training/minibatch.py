"""Whether a network can be trained on the minibatches of an epoch."""

from skinlab.errors import ConfigError
from skinlab.networks.classifier import Classifier


def check(architecture: Classifier, images: int, minibatch_size: int, workers: int = 1) -> None:
    """Refuse a minibatch in which batch normalisation would see a single value: it has no variance.

    Args:
        architecture: the network.
        images: training images an epoch.
        minibatch_size: images a step; the last step of an epoch takes what is left.
        workers: processes that share a minibatch, each of which normalises its own part.

    Raises:
        ConfigError: the smallest minibatch is a single image, and a feature map of it a single pixel.
    """
    smallest = min(images, images % minibatch_size or minibatch_size)
    part = max(1, smallest // workers)
    if part * architecture.smallest_map() ** 2 > 1:
        return
    shared = f" for one of {workers} processes" if workers > 1 else ""
    raise ConfigError(
        f"optimizer.minibatch_size={minibatch_size} leaves a minibatch of a single one of the {images} training "
        f"images{shared}, and at network.image_size={architecture.image_size} batch normalisation needs two: "
        "change one of them"
    )
