"""The two kinds of networks, for all who need no more than what both tell: sizes, names and shapes of arrays."""

from skinlab.networks.architecture import Architecture
from skinlab.networks.timm_architecture import TimmArchitecture

Classifier = Architecture | TimmArchitecture
"""From uint8 images to logits: nodes that every engine builds, or a model of timm."""
