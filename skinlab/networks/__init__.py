"""Architectures and weights, independent of any engine."""

from collections.abc import Callable, Sequence
from itertools import count

from skinlab import schema
from skinlab.errors import ConfigError
from skinlab.networks.alexnet import alexnet
from skinlab.networks.architecture import Architecture
from skinlab.networks.classifier import Classifier
from skinlab.networks.mobilenet import mobilenet_v2
from skinlab.networks.resnet import VARIANTS, resnet
from skinlab.networks.timm_architecture import TimmArchitecture

DESCRIBED: dict[str, Callable[[str, int, int, list[float], list[float]], Architecture]] = {
    "alexnet": alexnet,
    **dict.fromkeys(VARIANTS, resnet),
    "mobilenet_v2": mobilenet_v2,
}
"""Who describes a network: from its name, image size, number of classes, mean and standard deviation of RGB."""


def build(network: schema.Network, classes: int) -> Classifier:
    """The declared network with `classes` outputs: ours where we have one of this name, else timm's.

    Raises:
        ConfigError: timm's cannot be trained, or not at this image size.
    """
    if describe := DESCRIBED.get(network.name):
        return describe(network.name, network.image_size, classes, network.mean, network.std)
    from skinlab.networks import timm_network

    return timm_network.describe(network.name, network.image_size, classes, network.mean, network.std)


def require(network: schema.Network) -> None:
    """Find out, before any other work, whether the network can be trained and exported.

    Raises:
        ConfigError: it cannot.
    """
    if isinstance(described := build(network, classes=2), TimmArchitecture):
        from skinlab.networks import onnx_graph

        onnx_graph.require(described)


def smallest_image(name: str) -> int:
    """Height and width of the smallest image of which the network leaves anything, in pixels.

    >>> smallest_image("alexnet"), smallest_image("resnet18")
    (63, 1)
    """
    described = (DESCRIBED[name](name, size, 1, [0.0] * 3, [1.0] * 3) for size in count(1))
    return next(network.image_size for network in described if min(network.maps().values()) > 0)


def frozen(architecture: Classifier, freeze: str) -> frozenset[str]:
    """Names of the nodes that `method.freeze` keeps as they are.

    Raises:
        ConfigError: the network has no such stage, or nothing would be trained.
    """
    stages = architecture.stages
    if freeze not in freezable(stages):
        choices = ", ".join(freezable(stages))
        raise ConfigError(f"method.freeze={freeze}: {architecture.name} has no such stage; there are: {choices}")
    if freeze == "none":
        return frozenset()
    return architecture.up_to(stages[-2] if freeze == "backbone" else freeze)


def freezable(stages: Sequence[str]) -> list[str]:
    """What `method.freeze` may be for a network of these stages.

    >>> freezable(["stem", "layer1", "classifier"])
    ['none', 'backbone', 'stem', 'layer1']
    """
    return list(dict.fromkeys(["none", "backbone", *stages[:-1]]))


def stages_of(name: str) -> tuple[str, ...]:
    """Stages of one of the networks described here.

    >>> stages_of("resnet18")
    ('stem', 'layer1', 'layer2', 'layer3', 'layer4', 'classifier')
    """
    return DESCRIBED[name](name, 1, 1, [0.0] * 3, [1.0] * 3).stages
