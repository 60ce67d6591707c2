"""Is an ONNX model closed: all its numbers in its own bytes? Reads the protobuf itself, so that a bundle needs no onnx.

ONNX lets a tensor lie in a file beside the model, wherever it may be written: a graph, a subgraph of an attribute, a
function, a sparse tensor. ONNX Runtime would read that file from the current folder, past every checksum. Each message
that may hold a tensor is visited, also where a field that is said once comes twice, which parsers join.
"""

from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
DEEPEST = 100
"""As protobuf's own parsers."""
MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, SPARSE, FUNCTION, TRAINING = range(8)
INSIDE = {
    MODEL: {7: GRAPH, 20: TRAINING, 25: FUNCTION},
    GRAPH: {1: NODE, 5: TENSOR, 15: SPARSE},
    NODE: {5: ATTRIBUTE},
    ATTRIBUTE: {5: TENSOR, 6: GRAPH, 10: TENSOR, 11: GRAPH, 22: SPARSE, 23: SPARSE},
    TENSOR: {},
    SPARSE: {1: TENSOR, 2: TENSOR},
    FUNCTION: {7: NODE, 11: ATTRIBUTE},
    TRAINING: {1: GRAPH, 2: GRAPH},
}
"""Of each message of onnx.proto the fields that hold others, by number."""
EXTERNAL_DATA, DATA_LOCATION = 13, 14
"""Fields of a tensor that name a file."""
FLATBUFFER = b"ORTM"


class OpenModelError(ValueError):
    """The model names a file, or is no ONNX model."""


def require_closed(model: bytes) -> None:
    """Refuse a model that is not whole in itself.

    Raises:
        OpenModelError: it names a file, or is no ONNX model.
    """
    if model[4:8] == FLATBUFFER:
        raise OpenModelError("it is in ONNX Runtime's own format, not in ONNX")
    _visit(memoryview(model), MODEL, 0)


def _visit(message: memoryview, kind: int, depth: int) -> None:
    if depth > DEEPEST:
        raise OpenModelError("it is nested too deeply")
    for number, content in _fields(message):
        if kind == TENSOR and (number == EXTERNAL_DATA or (number == DATA_LOCATION and content != 0)):
            raise OpenModelError("a tensor of it lies in another file")
        if number in INSIDE[kind] and isinstance(content, memoryview):
            _visit(content, INSIDE[kind][number], depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """The number and content of each field of a message: bytes, or a number."""
    place, end = 0, len(message)
    while place < end:
        key, place = _varint(message, place)
        kind = key & 7
        if kind == VARINT:
            value, place = _varint(message, place)
            yield key >> 3, value
            continue
        length = {EIGHT_BYTES: 8, FOUR_BYTES: 4}.get(kind)
        if kind == LENGTH:
            length, place = _varint(message, place)
        if length is None or length > end - place:
            raise OpenModelError("it is no ONNX model")
        yield key >> 3, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        more, bits = divmod(message[place], 128)
        place += 1
        value |= bits << shift
        if not more:
            return value & (2**64 - 1), place
    raise OpenModelError("it is no ONNX model")
