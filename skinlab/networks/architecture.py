"""A network as data: nodes that every engine, and the ONNX exporter, turn into their own graph.

The description names parameters and lays out their shapes as torchvision does, so that its published weights fit.
Nothing here computes.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal

Shape = tuple[int, ...]

Init = Literal["he", "uniform", "normal"]
"""How a layer's first weights are drawn: `skinlab.networks.weights` has the formulas."""

IMAGE = "image"
"""Name of the input: uint8 [N, H, W, 3], RGB."""

LOGITS = "logits"
"""Name of the output: float32 [N, classes]."""

FEATURES = "features"
"""Name of the values before dropout and classifier where a graph gives them: float32 [N, features]."""

FLATTENING = ("mean", "flatten")
"""Operations whose values have no place in the image any more."""
POOLING = ("maxpool", "avgpool")
"""Operations that only make a map coarser."""

BATCHNORM_EPSILON = 1e-5
BATCHNORM_MOMENTUM = 0.1
"""Weight of a full minibatch in the running statistics; a smaller last minibatch counts in proportion."""


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        op: normalize | conv | batchnorm | relu | relu6 | maxpool | avgpool | add | mean | flatten | dropout | linear.
        name: unique; also the prefix of the node's parameters (`layer1.0.conv1` has `layer1.0.conv1.weight`).
        inputs: names of the nodes it reads.
        attributes: by name: in, out and init for conv and linear; kernel, stride, padding for conv and maxpool; groups
            and bias for conv; size for avgpool; channels for batchnorm; mean and std for normalize.
        stage: the part of the network that it belongs to.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    attributes: dict[str, Any]
    stage: str

    def arrays(self) -> Iterator[tuple[str, Shape, bool]]:
        """Last part of the name, shape, and whether it is trained, of each array of the node."""
        sizes = self.attributes
        if self.op == "conv":
            yield "weight", (sizes["out"], sizes["in"] // sizes["groups"], sizes["kernel"], sizes["kernel"]), True
        elif self.op == "linear":
            yield "weight", (sizes["out"], sizes["in"]), True
        elif self.op == "batchnorm":
            for part in ("weight", "bias", "running_mean", "running_var"):
                yield part, (sizes["channels"],), not part.startswith("running")
        if self.op == "linear" or (self.op == "conv" and sizes["bias"]):
            yield "bias", (sizes["out"],), True


@dataclass(frozen=True)
class Architecture:
    """A classifier from uint8 images to logits.

    Attributes:
        name: as in `network=NAME`.
        image_size: height and width of the input in pixels.
        classes: number of outputs.
        features: length of the feature vector before the classifier; a dropout mask has this length.
        nodes: in an order in which each node comes after its inputs; the last one gives the logits.
        takes: what goes in: `IMAGE`, or `FEATURES` for a head alone.
    """

    name: str
    image_size: int
    classes: int
    features: int
    nodes: tuple[Node, ...]
    takes: str = IMAGE

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages from the image to the classifier; what may be frozen is frozen from the front."""
        return tuple(dict.fromkeys(node.stage for node in self.nodes))

    def up_to(self, stage: str) -> frozenset[str]:
        """Names of the nodes from the image to the end of this stage."""
        last = self.stages.index(stage)
        return frozenset(node.name for node in self.nodes if self.stages.index(node.stage) <= last)

    def feature_node(self) -> str:
        """Name of the node whose values are the features."""
        return next(node.inputs[0] for node in self.nodes if node.op == "dropout")

    def feature_map(self) -> str:
        """Name of the last node whose values still have a place in the image, before it is pooled: for heat maps."""
        nodes = {node.name: node for node in self.nodes}
        name = next(node.inputs[0] for node in self.nodes if node.op in FLATTENING)
        while nodes[name].op in POOLING:
            name = nodes[name].inputs[0]
        return name

    def has_plain_head(self) -> bool:
        """Whether behind the feature map there are pooling, linear layers and ReLUs alone, one after another."""
        names = [node.name for node in self.nodes]
        start = names.index(self.feature_map())
        head = self.nodes[start + 1 :]
        one_by_one = [node.inputs for node in head] == [(name,) for name in names[start:-1]]
        return one_by_one and {node.op for node in head} <= {*POOLING, *FLATTENING, "linear", "relu", "dropout"}

    def classifier(self) -> str:
        """Name of the last, linear node: its arrays are this and `.weight` or `.bias`."""
        return self.nodes[-1].name

    def parameters(self) -> dict[str, Shape]:
        """Shape of each trained array by its torchvision name, in graph order."""
        return {name: shape for name, shape, trained in self._arrays() if trained}

    def buffers(self) -> dict[str, Shape]:
        """Shape of each running statistic by its torchvision name, in graph order."""
        return {name: shape for name, shape, trained in self._arrays() if not trained}

    def parameter_count(self) -> int:
        """Number of trained scalars."""
        return sum(prod(shape) for shape in self.parameters().values())

    def maps(self) -> dict[str, int]:
        """Height and width of each node's output by the node's name; below 1 where the image is too small."""
        sizes = {self.takes: self.image_size}
        for node in self.nodes:
            sizes[node.name] = _map_size(node, sizes[node.inputs[0]])
        return sizes

    def smallest_map(self) -> int:
        """Height and width of the smallest feature map that is normalised over the batch."""
        sizes = self.maps()
        return min([self.image_size, *(sizes[node.name] for node in self.nodes if node.op == "batchnorm")])

    def to_dict(self) -> dict[str, Any]:
        """JSON-able form, which the CNTK worker reads."""
        return asdict(self)

    def _arrays(self) -> Iterator[tuple[str, Shape, bool]]:
        for node in self.nodes:
            for part, shape, trained in node.arrays():
                yield f"{node.name}.{part}", shape, trained


def head(classifier: str, image_size: int, features: int, classes: int) -> Architecture:
    """A network's dropout and last layer alone, which take its features.

    Args:
        classifier: name of the last layer, which it keeps.
        image_size: of the network.
        features: length of the feature vector.
        classes: number of outputs.
    """
    graph = Builder("classifier")
    graph.linear(classifier, graph.dropout("dropout", FEATURES), (features, classes))
    return Architecture("head", image_size, classes, features, tuple(graph.nodes), takes=FEATURES)


def _map_size(node: Node, before: int) -> int:
    """Height and width after a node; what has none any more is one pixel."""
    window = node.attributes
    if node.op in ("conv", "maxpool"):
        return int((before + 2 * window["padding"] - window["kernel"]) // window["stride"] + 1)
    if node.op == "avgpool":
        return int(window["size"])
    return 1 if node.op in ("mean", "flatten") else before


def adaptive_bins(before: int, after: int) -> list[tuple[int, int]]:
    """First and last + 1 of the rows that adaptive pooling joins, for each row of the result, as torch has them.

    >>> adaptive_bins(13, 6)
    [(0, 3), (2, 5), (4, 7), (6, 9), (8, 11), (10, 13)]
    """
    return [(i * before // after, -((i + 1) * before // -after)) for i in range(after)]


class Builder:
    """Collects nodes; each method adds one to the present `stage` and returns its name."""

    def __init__(self, stage: str) -> None:
        self.nodes: list[Node] = []
        self.stage = stage

    def normalize(self, mean: list[float], std: list[float]) -> str:
        """(image / 255 - mean) / std, to float32 [N, 3, H, W]."""
        return self._add("normalize", "normalize", (IMAGE,), mean=list(mean), std=list(std))

    def conv(
        self,
        name: str,
        x: str,
        channels: tuple[int, int],
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        *,
        groups: int = 1,
        bias: bool = False,
        init: Init = "he",
    ) -> str:
        """Convolution; `channels` are (in, out), padding is the same on all sides, groups do not see each other."""
        sizes = {"in": channels[0], "out": channels[1], "kernel": kernel, "stride": stride, "padding": padding}
        return self._add("conv", name, (x,), **sizes, groups=groups, bias=bias, init=init)

    def batchnorm(self, name: str, x: str, channels: int) -> str:
        """Batch normalisation over all but the channel axis."""
        return self._add("batchnorm", name, (x,), channels=channels)

    def relu(self, name: str, x: str) -> str:
        """max(x, 0)."""
        return self._add("relu", name, (x,))

    def relu6(self, name: str, x: str) -> str:
        """min(max(x, 0), 6)."""
        return self._add("relu6", name, (x,))

    def maxpool(self, name: str, x: str, kernel: int, stride: int, padding: int) -> str:
        """Maximum over windows; padding never wins, and what no whole window covers is left out."""
        return self._add("maxpool", name, (x,), kernel=kernel, stride=stride, padding=padding)

    def avgpool(self, name: str, x: str, size: int) -> str:
        """Mean over windows that share the map out to `size` x `size` values, whatever it measures: `adaptive_bins`."""
        return self._add("avgpool", name, (x,), size=size)

    def add(self, name: str, x: str, y: str) -> str:
        """The sum x + y."""
        return self._add("add", name, (x, y))

    def mean(self, name: str, x: str) -> str:
        """Mean over height and width: [N, C, H, W] to [N, C]."""
        return self._add("mean", name, (x,))

    def flatten(self, name: str, x: str) -> str:
        """[N, C, H, W] to [N, C H W]."""
        return self._add("flatten", name, (x,))

    def dropout(self, name: str, x: str) -> str:
        """In training, x times a mask that the training loop draws; else x."""
        return self._add("dropout", name, (x,))

    def linear(self, name: str, x: str, sizes: tuple[int, int], init: Init = "uniform") -> str:
        """The product x W^T + b; `sizes` are (in, out)."""
        return self._add("linear", name, (x,), **{"in": sizes[0], "out": sizes[1]}, init=init)

    def _add(self, op: str, name: str, inputs: tuple[str, ...], **attributes: Any) -> str:
        self.nodes.append(Node(op, name, inputs, attributes, self.stage))
        return name
