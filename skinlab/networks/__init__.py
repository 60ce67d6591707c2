"""Architectures and weights, independent of any engine."""

from skinlab import schema
from skinlab.networks.architecture import Architecture
from skinlab.networks.resnet import resnet


def build(network: schema.Network, classes: int) -> Architecture:
    """The declared network as an engine-independent description with `classes` outputs."""
    return resnet(network.name, network.image_size, classes, network.mean, network.std)
