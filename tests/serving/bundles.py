"""Small bundles for tests: mean colour and a linear layer, the same graph that a network becomes."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from skinlab.data.images import decode_settings
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture, Builder
from skinlab.networks.weights import Weights
from skinlab.serving import bundle, loading
from skinlab.serving.replay import text as replay_text
from skinlab.serving.scoring import Scorer

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
    replay: bytes | None = None,
    **changes: Any,
) -> Path:
    """A bundle in `folder`; `changes` are put into its signature before checksums are made."""
    names = classes or CLASSES
    described = architecture or network(len(names))
    values = drawn or (arrays() if names == CLASSES and architecture is None else weights.initial(described, 1))
    signature = (
        bundle.signature(
            described,
            names,
            1,
            {"threshold": threshold, "rule": f"{threshold}"},
            decode_settings(),
            "trained on nothing",
        )
        | changes
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in bundle.contents(described, values, signature, "# A card\n", replay=replay).items():
        (folder / name).write_bytes(content)
    return folder


def colours(count: int = 3) -> list[bytes]:
    """Image files of one colour each, from blue to red."""
    return [png((40 * row, 30, 250 - 40 * row)) for row in range(count)]


def png(colour: tuple[int, int, int], size: tuple[int, int] = (9, 7)) -> bytes:
    stream = BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


def write_replayed(
    folder: Path,
    off: float = 0.0,
    architecture: Architecture | None = None,
    fc_weight: NDArray[np.float32] = RED_IS_MALIGNANT,
) -> Path:
    """A bundle with a replay set of three images, whose stored probabilities are `off` by so much."""
    drawn = arrays() | {"fc.weight": fc_weight} if architecture is None else None
    scorer = Scorer(loading.load(write_bundle(folder, architecture=architecture, drawn=drawn)), threads=1)
    images = colours()
    stored = np.array([scorer.answer_file(image).probabilities for image in images]) + off
    made = replay_text(["a", "b", "c"], stored, 1, 3, images.__getitem__)
    return write_bundle(folder, architecture=architecture, drawn=drawn, replay=made)
