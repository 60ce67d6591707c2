"""Weights as named arrays: drawn from a seed, kept in safetensors files."""

from collections.abc import Collection
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skinlab.networks.architecture import Architecture, Node, Shape
from skinlab.networks.classifier import Classifier
from skinlab.randomness import stream

Weights = dict[str, NDArray[np.float32]]
"""Arrays by torchvision's parameter names: trained ones and running statistics."""

NORMAL_DEVIATION = 0.01
"""Standard deviation of weights that are drawn `normal`."""


def initial(architecture: Architecture, seed: int, names: Collection[str] | None = None) -> Weights:
    """Random weights, the same on every engine and machine.

    Drawn as torchvision draws them for each network: `he` is He's normal distribution with fan-out (He et al., ICCV
    2015), `uniform` reaches as far as 1 / sqrt(inputs) in weight and bias, `normal` has a standard deviation of 0.01
    and no bias; batch normalisation starts at identity. Each array has a random stream of its own, named by seed and
    parameter, so that a changed layer does not change the others.

    Args:
        architecture: what to draw for.
        seed: any non-negative integer.
        names: of the arrays that are wanted; None: all.

    Returns:
        float32 arrays for parameters and buffers, in graph order.
    """
    drawn = {
        name: _draw(node, part, shape, stream(seed, "weights", name))
        for node in architecture.nodes
        for part, shape, _ in node.arrays()
        for name in [f"{node.name}.{part}"]
        if names is None or name in names
    }
    return {name: drawn[name] for name in (architecture.parameters() | architecture.buffers()) if name in drawn}


def _draw(node: Node, part: str, shape: Shape, generator: np.random.Generator) -> NDArray[np.float32]:
    sizes = node.attributes
    if node.op == "batchnorm":
        return np.full(shape, 1 if part in ("weight", "running_var") else 0, dtype=np.float32)
    area = sizes.get("kernel", 1) ** 2
    if sizes["init"] == "uniform":
        bound = 1 / sqrt(sizes["in"] // sizes.get("groups", 1) * area)
        return generator.uniform(-bound, bound, shape).astype(np.float32)
    if part == "bias":
        return np.zeros(shape, dtype=np.float32)
    deviation = sqrt(2 / (sizes["out"] * area)) if sizes["init"] == "he" else NORMAL_DEVIATION
    return (generator.standard_normal(shape) * deviation).astype(np.float32)


def with_classifier(
    architecture: Classifier, arrays: Weights, weight: NDArray[np.float64], bias: NDArray[np.float64]
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
    path.write_bytes(serialise({name: np.asarray(array, order="C") for name, array in weights.items()}))


def load(path: Path) -> Weights:
    """Read a safetensors file; it is never executed."""
    from safetensors.numpy import load_file

    return load_file(path)
