"""Named arrays in a safetensors file, which holds numbers and nothing else. Python 3.6 and numpy alone.

The format: eight bytes with the length of a JSON header; the header, with type, shape and place of each array; arrays.
"""

import functools
import json
import operator
import os

import numpy as np

DTYPES = {"F32": "<f4", "I64": "<i8"}
LONGEST_HEADER = 16 * 2**20


def write(path, arrays):
    """Write float32 and int64 arrays; the same arrays give the same bytes."""
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    header, position = {}, 0
    for name, array in arrays.items():
        places = [position, position + array.nbytes]
        header[name] = {"dtype": names[array.dtype], "shape": list(array.shape), "data_offsets": places}
        position = places[1]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array).data)


def read(path):
    """Read what `write` wrote.

    Raises:
        ValueError: it is no such file, or says of itself what is not so.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8), "little")
        if length > min(size, LONGEST_HEADER):
            raise ValueError("it is no safetensors file")
        header = json.loads(file.read(length).decode())
        body = np.frombuffer(file.read(), np.uint8)
    arrays, position = {}, 0
    try:
        for name, entry in header.items():
            arrays[name] = _cut(body, entry, position)
            position += arrays[name].nbytes
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError("it is no safetensors file: {!r}".format(error)) from None
    if position != body.size:
        raise ValueError("its arrays are not all of its content")
    return arrays


def _cut(body, entry, begin):
    """The array that begins there: they lie one behind the other."""
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), tuple(entry["shape"])
    if not all(type(number) is int and number >= 0 for number in shape):
        raise ValueError("a shape in it is no list of whole numbers")
    end = begin + functools.reduce(operator.mul, shape, dtype.itemsize)
    if end > body.size or entry["data_offsets"] != [begin, end]:
        raise ValueError("an array in it is not where it says, or not of its size")
    return body[begin:end].view(dtype).reshape(shape)
