"""The two kinds of networks, for all who need no more than what both tell: sizes, names and shapes of arrays."""

from typing import TYPE_CHECKING

from skinlab.networks.architecture import FEATURES, Architecture, Shape
from skinlab.networks.timm_architecture import TimmArchitecture

if TYPE_CHECKING:
    import numpy as np

Classifier = Architecture | TimmArchitecture
"""From uint8 images to logits: nodes that every engine builds, or a model of timm."""


def input_of(network: Classifier) -> "tuple[Shape, type[np.generic]]":
    """Shape and type of one image as the network takes it; of one image's features where it is a head alone.

    >>> from skinlab.networks.architecture import head
    >>> input_of(head("fc", image_size=224, features=512, classes=2))
    ((512,), <class 'numpy.float32'>)
    """
    import numpy as np  # the declaration is checked without it

    if isinstance(network, Architecture) and network.takes == FEATURES:
        return (network.features,), np.float32
    return (network.image_size, network.image_size, 3), np.uint8
