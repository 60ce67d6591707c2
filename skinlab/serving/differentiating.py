"""How a logit changes with the last feature map, as nodes added to a bundle's own graph: ONNX Runtime computes it.

Exact for what is behind the map of every network here and of most of timm's: pooling, then linear layers, layer
normalisation, 1 x 1 convolutions of what was pooled, and ReLU or hard-swish between them. The result is the gradient
with respect to the pooled values, one after another. That is all Grad-CAM asks for: pooling hands each value's gradient
on in full, to one place or shared among several, so that its sum over the map's places is known.
"""

from collections.abc import Callable
from typing import Any

CHOSEN = "explained"
"""Name of the added input: int64 [N], whose logit is differentiated for each image (for each view of it)."""
SLOPES = "slopes"
"""Name of the result: float32 [N, channels * pooled places], maybe with further axes of length 1."""
POOLED = ("ReduceMean", "GlobalAveragePool")
"""Where the map becomes one value a channel."""
POOLING = ("MatMul", "MaxPool")
"""What our own networks pool with before the values of all places become one vector."""
PASSING = ("Identity", "Slice")
"""What leaves the values of the places that it keeps as they are."""


class NoPlainHeadError(ValueError):
    """There is something else behind the feature map."""


def add_slopes(graph: Any, classifier: str, feature_map: str) -> None:
    """Add the input `CHOSEN` and the value `SLOPES` to an ONNX graph.

    The chain rule from the last layer backwards, one rule an operation.

    Args:
        graph: an `onnx.GraphProto`, changed in place.
        classifier: name of the logits.
        feature_map: name of the values that are explained.

    Raises:
        NoPlainHeadError: the graph has another operation there.
    """
    from onnx import TensorProto, helper

    makers = {output: node for node in graph.node for output in node.output}
    emit = _Emitter(graph)
    graph.input.append(helper.make_tensor_value_info(CHOSEN, TensorProto.INT64, ["chosen"]))
    last = makers[classifier]
    if last.op_type != "Gemm":
        raise NoPlainHeadError(f"its logits are made by {last.op_type}")
    slopes = emit("Gather", [last.input[1], CHOSEN], f"{SLOPES}.{classifier}", axis=0)
    node = makers[last.input[0]]
    while not _ends(node, makers, feature_map):
        if node.op_type not in RULES:
            raise NoPlainHeadError(f"its graph has {node.op_type} between its last feature map and its logits")
        slopes = RULES[node.op_type](emit, node, slopes, f"{SLOPES}.{node.output[0]}")
        node = makers[node.input[0]]
    _require_read(node, makers, feature_map)
    emit("Identity", [slopes], SLOPES)


def _ends(node: Any, makers: dict[str, Any], feature_map: str) -> bool:
    """Whether the node makes the pooled values of a map, or puts them in a row."""
    in_a_row = node.op_type == "Flatten" and (node.input[0] == feature_map or makers[node.input[0]].op_type in POOLING)
    return in_a_row or node.op_type in POOLED


def _require_read(node: Any, makers: dict[str, Any], feature_map: str) -> None:
    """Refuse a head whose pooling reads something else than the map."""
    name = node.input[0]
    while name != feature_map:
        node = makers.get(name)
        if node is None or node.op_type not in (*PASSING, *POOLING):
            raise NoPlainHeadError("what it pools is not its last feature map")
        name = next(read for read in node.input if read in makers)


# --- one rule an operation: from the gradient with respect to its values, that with respect to what it reads ----------


class _Emitter:
    """Appends nodes and numbers to a graph; each call gives the name of the node's value."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def __call__(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self._graph.node.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def number(self, value: float) -> str:
        """A constant of its own name, there once."""
        from onnx import TensorProto, helper

        name = f"{SLOPES}.{value!r}"
        if all(known.name != name for known in self._graph.initializer):
            self._graph.initializer.append(helper.make_tensor(name, TensorProto.FLOAT, [], [value]))
        return name


Rule = Callable[[_Emitter, Any, str, str], str]


def _identity(_emit: _Emitter, _node: Any, slopes: str, _name: str) -> str:
    return slopes


def _flatten(emit: _Emitter, node: Any, slopes: str, name: str) -> str:
    return emit("Reshape", [slopes, emit("Shape", [node.input[0]], f"{name}.shape")], name)


def _transpose(emit: _Emitter, node: Any, slopes: str, name: str) -> str:
    order = list(_attribute(node, "perm", []))
    return emit("Transpose", [slopes], name, perm=[order.index(axis) for axis in range(len(order))])


def _linear(emit: _Emitter, node: Any, slopes: str, name: str) -> str:
    if not _attribute(node, "transB", 0):
        raise NoPlainHeadError("its linear layer is not as torch exports it")
    return emit("MatMul", [slopes, node.input[1]], name)


def _convolution(emit: _Emitter, node: Any, slopes: str, name: str) -> str:
    """Of one value a channel: the transposed convolution with the same weights."""
    if list(_attribute(node, "kernel_shape", [])) != [1, 1]:
        raise NoPlainHeadError("its graph has a convolution of more than one place behind its pooling")
    return emit("ConvTranspose", [slopes, node.input[1]], name, group=_attribute(node, "group", 1))


def _relu(emit: _Emitter, node: Any, slopes: str, name: str) -> str:
    """Lets pass what it let pass forwards, at zero nothing."""
    zero = emit.number(0.0)
    passed = emit("Greater", [node.output[0], zero], f"{name}.passed")
    return emit("Where", [passed, slopes, zero], name)


def _hard_swish(emit: _Emitter, node: Any, slopes: str, name: str) -> str:
    """Of x min(max(x / 6 + 1/2, 0), 1): its slope is 0 up to -3, 1 from 3 on, and x / 3 + 1/2 between."""
    given = node.input[0]
    between = emit("Add", [emit("Div", [given, emit.number(3.0)], f"{name}.third"), emit.number(0.5)], f"{name}.middle")
    above = emit("GreaterOrEqual", [given, emit.number(3.0)], f"{name}.above")
    below = emit("LessOrEqual", [given, emit.number(-3.0)], f"{name}.below")
    upper = emit("Where", [above, emit.number(1.0), between], f"{name}.upper")
    slope = emit("Where", [below, emit.number(0.0), upper], f"{name}.slope")
    return emit("Mul", [slopes, slope], name)


def _layer_normalisation(emit: _Emitter, node: Any, slopes: str, name: str) -> str:
    """With x' the normalised values and g the slopes times the scale: (g - mean(g) - x' mean(g x')) / deviation."""
    if _attribute(node, "axis", -1) != -1:
        raise NoPlainHeadError("its graph normalises over more than the channels")

    def mean(values: str, part: str) -> str:
        return emit("ReduceMean", [values], f"{name}.{part}", axes=[-1], keepdims=1)

    given = node.input[0]
    centred = emit("Sub", [given, mean(given, "mean")], f"{name}.centred")
    variance = mean(emit("Mul", [centred, centred], f"{name}.squares"), "variance")
    epsilon = emit.number(float(_attribute(node, "epsilon", 1e-5)))
    deviation = emit("Sqrt", [emit("Add", [variance, epsilon], f"{name}.safe")], f"{name}.deviation")
    normal = emit("Div", [centred, deviation], f"{name}.normal")
    scaled = emit("Mul", [slopes, node.input[1]], f"{name}.scaled")
    along = mean(emit("Mul", [scaled, normal], f"{name}.products"), "along")
    rest = emit("Sub", [scaled, mean(scaled, "shift")], f"{name}.shifted")
    rest = emit("Sub", [rest, emit("Mul", [normal, along], f"{name}.part")], f"{name}.rest")
    return emit("Div", [rest, deviation], name)


def _attribute(node: Any, name: str, otherwise: Any) -> Any:
    from onnx import helper

    return next((helper.get_attribute_value(one) for one in node.attribute if one.name == name), otherwise)


RULES: dict[str, Rule] = {
    "Identity": _identity,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Gemm": _linear,
    "Conv": _convolution,
    "Relu": _relu,
    "HardSwish": _hard_swish,
    "LayerNormalization": _layer_normalisation,
}
