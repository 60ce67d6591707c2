"""How a logit changes with the last feature map, as nodes added to a bundle's own graph: ONNX Runtime computes it.

Exact for what every network here has behind the map: pooling, then linear layers with ReLUs between them. The result is
the gradient with respect to the pooled values, one after another. That is all Grad-CAM asks for: pooling hands each
value's gradient on in full, to one place or shared among several, so that its sum over the map's places is known.
"""

from typing import Any

CHOSEN = "explained"
"""Name of the added input: int64 [N], whose logit is differentiated for each image (for each view of it)."""
SLOPES = "slopes"
"""Name of the result: float32 [N, channels * pooled places]."""
ENDS = ("ReduceMean", "Flatten")
"""Where the pooled values of a map become one vector."""


class NoPlainHeadError(ValueError):
    """There is something else behind the feature map."""


def add_slopes(graph: Any, classifier: str) -> None:
    """Add the input `CHOSEN` and the value `SLOPES` to an ONNX graph, whose node `classifier` gives the logits.

    The chain rule from the last layer backwards; a ReLU lets pass what it let pass forwards, at zero nothing.

    Raises:
        NoPlainHeadError: the graph has another operation there.
    """
    from onnx import TensorProto, helper

    makers = {output: node for node in graph.node for output in node.output}
    last = makers[classifier]
    graph.input.append(helper.make_tensor_value_info(CHOSEN, TensorProto.INT64, ["chosen"]))
    graph.initializer.append(helper.make_tensor(f"{SLOPES}.zero", TensorProto.FLOAT, [], [0.0]))
    slopes = _emit(graph, "Gather", [last.input[1], CHOSEN], f"{SLOPES}.{classifier}", axis=0)
    node = makers[last.input[0]]
    while node.op_type not in ENDS:
        slopes = _behind(graph, node, slopes)
        node = makers[node.input[0]]
    _emit(graph, "Identity", [slopes], SLOPES)


def _behind(graph: Any, node: Any, slopes: str) -> str:
    """From the gradient with respect to a node's values, that with respect to what it reads."""
    name = f"{SLOPES}.{node.output[0]}"
    if node.op_type == "Identity":
        return slopes
    if node.op_type == "Gemm":
        return _emit(graph, "MatMul", [slopes, node.input[1]], name)
    if node.op_type == "Relu":
        passed = _emit(graph, "Greater", [node.output[0], f"{SLOPES}.zero"], f"{name}.passed")
        return _emit(graph, "Where", [passed, slopes, f"{SLOPES}.zero"], name)
    raise NoPlainHeadError(f"its graph has {node.op_type} between its last feature map and its logits")


def _emit(graph: Any, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
    from onnx import helper

    graph.node.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
    return output
