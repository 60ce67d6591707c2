"""What tests of the CNTK engine train: small networks, batches, and the engine's declaration."""

import numpy as np

from skinlab import schema
from skinlab.engines.base import Batch
from skinlab.networks.architecture import Architecture, Builder

ENGINE = schema.CntkEngine(name="cntk", device="cpu", threads=None, workers=1, mkl_cpu_type="auto")


def linear_network(size: int) -> Architecture:
    """Mean colour, dropout, two logits: small enough to differentiate by hand."""
    graph = Builder("all")
    graph.linear("fc", graph.dropout("dropout", graph.mean("avgpool", graph.normalize([0, 0, 0], [1, 1, 1]))), (3, 2))
    return Architecture("linear", size, 2, features=3, nodes=tuple(graph.nodes))


def convolutional_network(size: int) -> Architecture:
    """Two stages of convolution, batch normalisation and ReLU, and a classifier."""
    graph = Builder("stem")
    x = graph.normalize([0.5, 0.5, 0.5], [0.2, 0.2, 0.2])
    for stage, (before, after) in {"stem": (3, 4), "body": (4, 6)}.items():
        graph.stage = stage
        x = graph.conv(f"{stage}.conv", x, (before, after), kernel=3, padding=1)
        x = graph.relu(f"{stage}.relu", graph.batchnorm(f"{stage}.bn", x, after))
    graph.stage = "classifier"
    graph.linear("fc", graph.dropout("dropout", graph.mean("avgpool", x)), (6, 2))
    return Architecture("convolutional", size, 2, features=6, nodes=tuple(graph.nodes))


def batch(count: int, size: int, features: int = 512, seed: int = 0) -> Batch:
    """Targets are soft and labels independent of them, so that each is seen to be used for its own purpose."""
    generator = np.random.default_rng(seed)
    share = generator.uniform(size=count).astype(np.float32)
    return Batch(
        images=generator.integers(0, 256, (count, size, size, 3), dtype=np.uint8),
        labels=generator.integers(0, 2, count),
        targets=np.stack([share, 1 - share], axis=1),
        weights=generator.uniform(0.5, 1.5, count).astype(np.float32),
        dropout_mask=(generator.integers(0, 2, (count, features)) * 2).astype(np.float32),
    )
