"""Small bundles for tests: mean colour and a linear layer, the same graph that a network becomes."""

from pathlib import Path
from typing import Any

import numpy as np

from skinlab.data.images import DECODE_SETTINGS
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture, Builder
from skinlab.networks.weights import Weights
from skinlab.serving import bundle

CLASSES = ["benign", "malignant"]
RED_IS_MALIGNANT = np.array([[0, 0, 0], [4, -2, -2]], dtype=np.float32)


def network(classes: int = 2, size: int = 8) -> Architecture:
    graph = Builder("stem")
    x = graph.mean("avgpool", graph.normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]))
    graph.stage = "classifier"
    graph.linear("fc", graph.dropout("dropout", x), (3, classes))
    return Architecture("colour", size, classes, features=3, nodes=tuple(graph.nodes))


def arrays() -> Weights:
    return weights.initial(network(), 1) | {"fc.weight": RED_IS_MALIGNANT, "fc.bias": np.zeros(2, np.float32)}


def write_bundle(
    folder: Path,
    classes: list[str] | None = None,
    threshold: float = 0.5,
    architecture: Architecture | None = None,
    drawn: Weights | None = None,
    **changes: Any,
) -> Path:
    """A bundle in `folder`; `changes` are put into its signature before checksums are made."""
    names = classes or CLASSES
    described = architecture or network(len(names))
    values = drawn or (arrays() if names == CLASSES and architecture is None else weights.initial(described, 1))
    signature = (
        bundle.signature(
            described, names, 1, {"threshold": threshold, "rule": f"{threshold}"}, DECODE_SETTINGS, "trained on nothing"
        )
        | changes
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in bundle.contents(described, values, signature, "# A card\n").items():
        (folder / name).write_bytes(content)
    return folder
