"""Architectures and weights, independent of any engine."""

from skinlab import schema
from skinlab.errors import ConfigError
from skinlab.networks.architecture import Architecture
from skinlab.networks.resnet import resnet


def build(network: schema.Network, classes: int) -> Architecture:
    """The declared network as an engine-independent description with `classes` outputs."""
    return resnet(network.name, network.image_size, classes, network.mean, network.std)


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
