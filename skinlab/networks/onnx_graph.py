"""An architecture and its weights as one ONNX graph, the same for every engine.

The graph takes uint8 [N, H, W, 3] and gives probabilities float32 [N, classes]: normalisation and softmax are inside,
so that serving has nothing to get wrong but decoding and resizing. Weights are initializers and the batch is free,
neither of which CNTK's own exporter provides.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.networks import timm_export
from skinlab.networks.architecture import (
    BATCHNORM_EPSILON,
    FEATURES,
    IMAGE,
    LOGITS,
    Node,
    adaptive_bins,
)
from skinlab.networks.classifier import Classifier
from skinlab.networks.symmetries import VIEWS, Symmetry
from skinlab.networks.timm_architecture import TimmArchitecture
from skinlab.networks.weights import Weights

OPSET = 17
IR_VERSION = 8  # with opset 17: read by every ONNX Runtime since 1.12
PROBABILITIES = "probabilities"
PLAIN = {"relu": "Relu", "add": "Add", "flatten": "Flatten", "dropout": "Identity"}
"""Operations that ONNX has under another name and without attributes."""
TO_THE_START = -(2**31)
"""End of a slice that runs backwards through a whole axis."""


def to_onnx(
    architecture: Classifier,
    weights: Weights,
    metadata: dict[str, str] | None = None,
    output: str = PROBABILITIES,
    tta: str = "none",
    temperature: float = 1.0,
) -> bytes:
    """Serialise a trained network.

    Args:
        architecture: the network.
        weights: its arrays by torchvision name.
        metadata: free text stored in the model (key to value).
        output: `PROBABILITIES`, or `FEATURES` for a graph that ends before the classifier.
        tta: a key of `VIEWS`: probabilities are the mean over these views of the images. Not for features.
        temperature: the logarithms of such means are divided by it, and brought back to probabilities.

    Returns:
        an ONNX model: input `image` uint8 [N, H, W, 3], outputs `probabilities` and `logits` float32 [N, classes]; or
        the output `features` float32 [N, features]. A mean of probabilities over several views has no logits.
    """
    exporter = _Exporter(weights, {} if isinstance(architecture, TimmArchitecture) else architecture.maps())
    views = VIEWS[tta]
    if len(views) > 1:
        exporter.show(views)
    last = _convert(architecture, weights, exporter, FEATURES if output == FEATURES else LOGITS)
    if output == FEATURES:
        exporter.emit("Identity", [last], FEATURES)
        return _serialise(architecture, exporter, {FEATURES: architecture.features}, metadata)
    if len(views) > 1:
        exporter.emit("Softmax", [last], "views.probabilities", axis=1)
        mean = PROBABILITIES if temperature == 1 else "views.mean"
        exporter.average("views.probabilities", len(views), architecture.classes, mean)
        if temperature != 1:
            exporter.temper(mean, temperature, PROBABILITIES)
        return _serialise(architecture, exporter, {PROBABILITIES: architecture.classes}, metadata)
    exporter.emit("Identity", [last], LOGITS)
    exporter.emit("Softmax", [LOGITS], PROBABILITIES, axis=1)
    outputs = dict.fromkeys((PROBABILITIES, LOGITS), architecture.classes)
    return _serialise(architecture, exporter, outputs, metadata)


def require(architecture: TimmArchitecture) -> None:
    """Export a network of timm before it is trained.

    Raises:
        ConfigError: it cannot be exported.
    """
    timm_export.require(architecture, OPSET)


def _convert(architecture: Classifier, weights: Weights, exporter: "_Exporter", output: str) -> str:
    """Append the network from the images to `LOGITS` or `FEATURES`; the name of what it gives."""
    if isinstance(architecture, TimmArchitecture):
        statistics = {"mean": architecture.mean, "std": architecture.std}
        exporter.convert(Node("normalize", timm_export.PIXELS, (IMAGE,), statistics, architecture.stages[0]))
        exporter.splice(timm_export.piece(architecture, weights, output, OPSET))
        return timm_export.PREFIX + output
    for node in architecture.nodes:
        if output == FEATURES and node.op == "dropout":
            return architecture.feature_node()
        exporter.convert(node)
    return architecture.classifier()


def _serialise(
    architecture: Classifier, exporter: "_Exporter", outputs: dict[str, int], metadata: dict[str, str] | None
) -> bytes:
    """The collected nodes as a checked model; `outputs` are names and widths."""
    from onnx import TensorProto, checker, helper

    size = architecture.image_size
    graph = helper.make_graph(
        exporter.nodes,
        architecture.name,
        inputs=[helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, ["N", size, size, 3])],
        outputs=[
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]) for name, width in outputs.items()
        ],
        initializer=exporter.initializers,
    )
    model = helper.make_model(graph, producer_name="skinlab", opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    helper.set_model_props(model, dict(sorted((metadata or {}).items())))
    checker.check_model(model, full_check=True)
    serialised: bytes = model.SerializeToString(deterministic=True)
    return serialised


class _Exporter:
    """Collects ONNX nodes and initializers while it walks an architecture."""

    def __init__(self, weights: Weights, maps: dict[str, int]) -> None:
        self.weights = weights
        self.maps = maps
        self.image = IMAGE
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def convert(self, node: Node) -> None:
        """Append what `node` is in ONNX; its result has the node's name."""
        sizes, name, inputs = node.attributes, node.name, list(node.inputs)
        if node.op == "normalize":
            self._normalize(node)
        elif node.op == "conv":
            arrays = [self.weight(f"{name}.{part}") for part, _, _ in node.arrays()]
            self.emit("Conv", inputs + arrays, name, **_window(node), group=sizes["groups"])
        elif node.op == "maxpool":
            self.emit("MaxPool", inputs, name, **_window(node))
        elif node.op == "avgpool":
            self._avgpool(node)
        elif node.op == "batchnorm":
            arrays = [self.weight(f"{name}.{part}") for part, _, _ in node.arrays()]
            self.emit("BatchNormalization", inputs + arrays, name, epsilon=BATCHNORM_EPSILON)
        elif node.op == "mean":
            self.emit("ReduceMean", inputs, name, axes=[2, 3], keepdims=0)
        elif node.op == "linear":
            self.emit("Gemm", [*inputs, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")], name, transB=1)
        elif node.op == "relu6":
            bounds = [self.constant(f"{name}.{bound}", np.array(bound, np.float32)) for bound in (0, 6)]
            self.emit("Clip", inputs + bounds, name)
        else:
            self.emit(PLAIN[node.op], inputs, name)

    def splice(self, piece: Any) -> None:
        """Append another graph, whose inputs have the names of what is there already."""
        self.nodes.extend(piece.node)
        self.initializers.extend(piece.initializer)

    def show(self, views: tuple[Symmetry, ...]) -> None:
        """Let the network see views of the images: all of the first, then all of the second, and so on."""
        self.emit("Concat", [self._view(view) for view in views], "views", axis=0)
        self.image = "views"

    def _view(self, view: Symmetry) -> str:
        """One view of the images, still uint8."""
        seen, name = IMAGE, f"view.{view.name}"
        if view.swap:
            self.emit("Transpose", [seen], f"{name}.swapped", perm=[0, 2, 1, 3])
            seen = f"{name}.swapped"
        if axes := list(view.flipped_axes):
            backwards = {"starts": [-1], "ends": [TO_THE_START], "axes": axes, "steps": [-1]}
            bounds = [
                self.integers(f"{name}.{part}", values if part == "axes" else values * len(axes))
                for part, values in backwards.items()
            ]
            self.emit("Slice", [seen, *bounds], name)
            seen = name
        return seen

    def temper(self, probabilities: str, temperature: float, output: str) -> None:
        """The softmax of log(probabilities) / temperature."""
        self.emit("Log", [probabilities], f"{probabilities}.log")
        divisor = self.constant(f"{probabilities}.temperature", np.array(temperature, np.float32))
        self.emit("Div", [f"{probabilities}.log", divisor], f"{probabilities}.tempered")
        self.emit("Softmax", [f"{probabilities}.tempered"], output, axis=1)

    def average(self, values: str, views: int, width: int, output: str) -> None:
        """The mean over the views of [views * N, width]: [N, width]."""
        shape = self.integers(f"{values}.shape", [views, -1, width])
        self.emit("Reshape", [values, shape], f"{values}.by_view")
        self.emit("ReduceMean", [f"{values}.by_view"], output, axes=[0], keepdims=0)

    def weight(self, name: str) -> str:
        """Make a network array an initializer."""
        return self.constant(name, self.weights[name])

    def constant(self, name: str, value: NDArray[np.float32]) -> str:
        """Add an initializer."""
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name))
        return name

    def integers(self, name: str, values: list[int]) -> str:
        """Add an initializer of whole numbers."""
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    def emit(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """Append one ONNX node."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))

    def _normalize(self, node: Node) -> None:
        from onnx import TensorProto

        mean, std = (np.array(node.attributes[part], np.float32).reshape(1, 3, 1, 1) * 255 for part in ("mean", "std"))
        self.emit("Cast", [self.image], "image.float", to=TensorProto.FLOAT)
        self.emit("Transpose", ["image.float"], "image.planes", perm=[0, 3, 1, 2])
        self.emit("Sub", ["image.planes", self.constant("normalize.mean", mean)], "image.centred")
        self.emit("Div", ["image.centred", self.constant("normalize.std", std)], node.name)

    def _avgpool(self, node: Node) -> None:
        """Adaptive pooling: rows and columns times a constant matrix of shares."""
        bins = adaptive_bins(self.maps[node.inputs[0]], node.attributes["size"])
        shares = np.zeros((len(bins), self.maps[node.inputs[0]]), np.float32)
        for i, (start, end) in enumerate(bins):
            shares[i, start:end] = 1 / (end - start)
        rows = self.constant(f"{node.name}.rows", shares)
        columns = self.constant(f"{node.name}.columns", shares.T)
        self.emit("MatMul", [rows, *node.inputs], f"{node.name}.pooled_rows")
        self.emit("MatMul", [f"{node.name}.pooled_rows", columns], node.name)


def _window(node: Node) -> dict[str, Any]:
    """What ONNX calls the sizes of a sliding window."""
    sizes = node.attributes
    return {
        "kernel_shape": [sizes["kernel"]] * 2,
        "strides": [sizes["stride"]] * 2,
        "pads": [sizes["padding"]] * 4,
    }
