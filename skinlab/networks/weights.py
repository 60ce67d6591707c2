"""Weights as named arrays: drawn from a seed, kept in safetensors files."""

from math import prod, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinlab.networks.architecture import Architecture, Shape
from skinlab.randomness import stream

Weights = dict[str, NDArray[np.float32]]
"""Arrays by torchvision's parameter names: trained ones and running statistics."""


def initial(architecture: Architecture, seed: int) -> Weights:
    """Random weights, the same on every engine and machine.

    As in torchvision's ResNet: convolutions are drawn from He's normal distribution with fan-out, batch normalisation
    starts at identity, the classifier is uniform in 1/sqrt(inputs) (He et al., ICCV 2015). Each array has a random
    stream of its own, named by seed and parameter, so that a changed layer does not change the others.

    Args:
        architecture: what to draw for.
        seed: any non-negative integer.

    Returns:
        float32 arrays for all parameters and buffers, in graph order.
    """
    shapes = architecture.parameters() | architecture.buffers()
    return {name: _draw(name, shape, shapes, seed) for name, shape in shapes.items()}


def _draw(name: str, shape: Shape, shapes: dict[str, Shape], seed: int) -> NDArray[np.float32]:
    generator = stream(seed, "weights", name)
    if len(shape) == 4:  # noqa: PLR2004 - out, in, height, width
        fan_out = shape[0] * prod(shape[2:])
        return (generator.standard_normal(shape) * sqrt(2 / fan_out)).astype(np.float32)
    inputs = shapes[f"{name.rsplit('.', 1)[0]}.weight"]
    if len(inputs) == 2:  # noqa: PLR2004 - the classifier: out, in
        bound = 1 / sqrt(inputs[1])
        return generator.uniform(-bound, bound, shape).astype(np.float32)
    ones = name.endswith((".weight", ".running_var"))
    return np.full(shape, 1 if ones else 0, dtype=np.float32)


def with_classifier(
    architecture: Architecture, arrays: Weights, weight: NDArray[np.float64], bias: NDArray[np.float64]
) -> Weights:
    """The same network with another classifier.

    Args:
        architecture: the network.
        arrays: its arrays.
        weight: [classes, features].
        bias: [classes].
    """
    name = architecture.classifier()
    changed = {f"{name}.weight": weight.astype(np.float32), f"{name}.bias": bias.astype(np.float32)}
    return arrays | changed


def save(weights: Weights, path: Path) -> None:
    """Write a safetensors file; the same weights give the same bytes."""
    from safetensors.numpy import save as serialise

    # Not safetensors' own save_file: on a full disk it raises an error of its own kind instead of an OSError.
    path.write_bytes(serialise({name: np.ascontiguousarray(array) for name, array in weights.items()}))


def load(path: Path) -> Weights:
    """Read a safetensors file; it is never executed."""
    from safetensors.numpy import load_file

    return load_file(path)
