"""Architectures and weights, independent of any engine."""

from collections.abc import Callable
from itertools import count

from skinlab import schema
from skinlab.errors import ConfigError
from skinlab.networks.alexnet import alexnet
from skinlab.networks.architecture import Architecture
from skinlab.networks.mobilenet import mobilenet_v2
from skinlab.networks.resnet import VARIANTS, resnet

DESCRIBED: dict[str, Callable[[str, int, int, list[float], list[float]], Architecture]] = {
    "alexnet": alexnet,
    **dict.fromkeys(VARIANTS, resnet),
    "mobilenet_v2": mobilenet_v2,
}
"""Who describes a network: from its name, image size, number of classes, mean and standard deviation of RGB."""


def build(network: schema.Network, classes: int) -> Architecture:
    """The declared network as an engine-independent description with `classes` outputs."""
    return DESCRIBED[network.name](network.name, network.image_size, classes, network.mean, network.std)


def smallest_image(name: str) -> int:
    """Height and width of the smallest image of which the network leaves anything, in pixels.

    >>> smallest_image("alexnet"), smallest_image("resnet18")
    (63, 1)
    """
    described = (DESCRIBED[name](name, size, 1, [0.0] * 3, [1.0] * 3) for size in count(1))
    return next(network.image_size for network in described if min(network.maps().values()) > 0)


def frozen(architecture: Architecture, freeze: str) -> frozenset[str]:
    """Names of the nodes that `method.freeze` keeps as they are.

    Raises:
        ConfigError: the network has no such stage, or nothing would be trained.
    """
    stages = architecture.stages
    if freeze == "none":
        return frozenset()
    if freeze == "backbone":
        return architecture.up_to(stages[-2])
    if freeze not in stages[:-1]:
        choices = ", ".join(["none", "backbone", *stages[:-1]])
        raise ConfigError(f"method.freeze={freeze}: {architecture.name} has no such stage; there are: {choices}")
    return architecture.up_to(freeze)
