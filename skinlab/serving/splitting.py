"""An ONNX model in two parts: from its inputs to a value, and from that value on."""

from collections.abc import Sequence
from typing import Any


def split(model: Any, at: str, end: str) -> tuple[bytes, bytes]:
    """Cut a model.

    Args:
        model: an `onnx.ModelProto`.
        at: the value to cut at.
        end: the value that the second part gives.

    Returns:
        a model from inputs to `at`; and one to `end`, from `at` and the inputs that the first does not read. What a
        part is depends on nothing that only the other one has: equal parts are equal bytes.
    """
    before = _Part(model.graph, at)
    behind = _Part(model.graph, end, given=at)
    inputs = [value for value in model.graph.input if value.name in before.names]
    others = [value for value in model.graph.input if value.name not in before.names]
    return before.model(model, inputs), behind.model(model, [_value(at), *others])


class _Part:
    """The nodes of a graph that a value is computed by.

    Args:
        graph: an `onnx.GraphProto`.
        output: the value.
        given: a value that is not computed.
    """

    def __init__(self, graph: Any, output: str, given: str | None = None) -> None:
        makers = {name: place for place, node in enumerate(graph.node) for name in node.output if name != given}
        places, names, waiting = set(), {output}, [output]
        while waiting:
            place = makers.get(waiting.pop())
            if place is not None and place not in places:
                places.add(place)
                new = set(_reads(graph.node[place])) - names
                names |= new
                waiting += new
        self.names = names
        self._output = output
        self._nodes = [graph.node[place] for place in sorted(places)]

    def model(self, whole: Any, inputs: Sequence[Any]) -> bytes:
        """The part as a model."""
        from onnx import helper

        numbers = [number for number in whole.graph.initializer if number.name in self.names]
        graph = helper.make_graph(self._nodes, whole.graph.name, inputs, [_value(self._output)], numbers)
        options = {"opset_imports": whole.opset_import, "functions": whole.functions, "ir_version": whole.ir_version}
        part: bytes = helper.make_model(graph, **options).SerializeToString(deterministic=True)
        return part


def _reads(node: Any) -> list[str]:
    """Names of the values that a node reads, those that its own graphs read included."""
    graphs = [graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs)]
    return [*node.input, *(name for graph in graphs for inner in graph.node for name in _reads(inner))]


def _value(name: str) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
