"""An architecture and its weights as one ONNX graph, the same for every engine.

The graph takes uint8 [N, H, W, 3] and gives probabilities float32 [N, classes]: normalisation and softmax are inside,
so that serving has nothing to get wrong but decoding and resizing. Weights are initializers and the batch is free,
neither of which CNTK's own exporter provides.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.networks.architecture import (
    BATCHNORM_EPSILON,
    FEATURES,
    IMAGE,
    LOGITS,
    Architecture,
    Node,
    adaptive_bins,
)
from skinlab.networks.weights import Weights

OPSET = 17
IR_VERSION = 8  # with opset 17: read by every ONNX Runtime since 1.12
PROBABILITIES = "probabilities"
PLAIN = {"relu": "Relu", "add": "Add", "flatten": "Flatten", "dropout": "Identity"}
"""Operations that ONNX has under another name and without attributes."""


def to_onnx(
    architecture: Architecture, weights: Weights, metadata: dict[str, str] | None = None, output: str = PROBABILITIES
) -> bytes:
    """Serialise a trained network.

    Args:
        architecture: the network.
        weights: its arrays by torchvision name.
        metadata: free text stored in the model (key to value).
        output: `PROBABILITIES`, or `FEATURES` for a graph that ends before the classifier.

    Returns:
        an ONNX model: input `image` uint8 [N, H, W, 3], outputs `probabilities` and `logits` float32 [N, classes]; or
        the output `features` float32 [N, features].
    """
    exporter = _Exporter(weights, architecture.maps())
    for node in architecture.nodes:
        if output == FEATURES and node.op == "dropout":
            break
        exporter.convert(node)
    if output == FEATURES:
        exporter.emit("Identity", [architecture.feature_node()], FEATURES)
        return _serialise(architecture, exporter, {FEATURES: architecture.features}, metadata)
    exporter.emit("Identity", [architecture.nodes[-1].name], LOGITS)
    exporter.emit("Softmax", [LOGITS], PROBABILITIES, axis=1)
    outputs = dict.fromkeys((PROBABILITIES, LOGITS), architecture.classes)
    return _serialise(architecture, exporter, outputs, metadata)


def _serialise(
    architecture: Architecture, exporter: "_Exporter", outputs: dict[str, int], metadata: dict[str, str] | None
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

    def weight(self, name: str) -> str:
        """Make a network array an initializer."""
        return self.constant(name, self.weights[name])

    def constant(self, name: str, value: NDArray[np.float32]) -> str:
        """Add an initializer."""
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.float32), name))
        return name

    def emit(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> None:
        """Append one ONNX node."""
        from onnx import helper

        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))

    def _normalize(self, node: Node) -> None:
        from onnx import TensorProto

        mean, std = (np.array(node.attributes[part], np.float32).reshape(1, 3, 1, 1) * 255 for part in ("mean", "std"))
        self.emit("Cast", list(node.inputs), "image.float", to=TensorProto.FLOAT)
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
