"""A network of timm as plans, loops, weights and bundles know it: sizes and names, found out by `timm_network`.

Its layers are timm's code, not data as those of `skinlab.networks.architecture`: only the torch engine can build it.
"""

from dataclasses import dataclass
from math import prod

from skinlab.networks.architecture import Shape
from skinlab.networks.timm_map import FeatureMap

BACKBONE, CLASSIFIER = "backbone", "classifier"


@dataclass(frozen=True)
class TimmArchitecture:
    """What `Architecture` tells of our own networks, of one of timm's.

    Attributes:
        name: timm's.
        image_size: height and width of the input in pixels.
        classes: number of outputs.
        features: length of the feature vector before the classifier; a dropout mask has this length.
        mean: per-channel mean of RGB in 0..1, subtracted before the network.
        std: per-channel standard deviation of RGB in 0..1, divided by before the network.
        head: name of the last, linear layer.
        trained: name and shape of each trained array, in timm's order.
        kept: name and shape of each other array, as running statistics are, in timm's order.
        smallest: height and width of the smallest map that is normalised over the batch.
        feature_map: the last values that have a place in the image; None where there are none.
    """

    name: str
    image_size: int
    classes: int
    features: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    head: str
    trained: tuple[tuple[str, Shape], ...]
    kept: tuple[tuple[str, Shape], ...]
    smallest: int
    feature_map: FeatureMap | None

    @property
    def stages(self) -> tuple[str, ...]:
        """See `Architecture.stages`: timm's networks have no parts that all of them name alike, but for the last."""
        return (BACKBONE, CLASSIFIER)

    def up_to(self, stage: str) -> frozenset[str]:
        """Names of the modules with arrays from the image to the end of this stage; empty: the network itself."""
        owners = {name.rpartition(".")[0] for name, _ in self.trained + self.kept}
        return frozenset(owners if stage == CLASSIFIER else owners - {self.head})

    def classifier(self) -> str:
        """See `Architecture.classifier`."""
        return self.head

    def parameters(self) -> dict[str, Shape]:
        """Shape of each trained array by timm's name."""
        return dict(self.trained)

    def buffers(self) -> dict[str, Shape]:
        """Shape of each array that is not trained by timm's name."""
        return dict(self.kept)

    def parameter_count(self) -> int:
        """Number of trained scalars."""
        return sum(prod(shape) for _, shape in self.trained)

    def smallest_map(self) -> int:
        """See `Architecture.smallest_map`."""
        return self.smallest
