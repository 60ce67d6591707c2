"""Small networks, plans and minibatches for the tests of the torch engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab import schema
from skinlab.engines.base import Batch, Plan
from skinlab.engines.torch.engine import TorchEngine
from skinlab.networks.architecture import Architecture, Builder
from skinlab.networks.classifier import Classifier
from skinlab.networks.weights import Weights

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
MOMENTUM = {"name": "momentum_sgd", "learning_rate": 0.01, "minibatch_size": 4, "momentum": 0.9, "weight_decay": 5e-4}


def declared(**changes: Any) -> schema.TorchEngine:
    values: dict[str, Any] = {
        "name": "torch",
        "device": "cpu",
        "devices": 1,
        "threads": 1,
        "precision": "fp32",
        "channels_last": True,
        "deterministic": True,
        "ema": None,
        "clip_norm": None,
    }
    return schema.TorchEngine(**values | changes)


@contextmanager
def started(**changes: Any) -> Iterator[TorchEngine]:
    with TorchEngine(declared(**changes)) as engine:
        yield engine


def momentum_sgd(**changes: Any) -> schema.MomentumSGD:
    return schema.MomentumSGD(**MOMENTUM | changes)


def plan(
    network: Classifier,
    rates: list[float] | None = None,
    optimizer: schema.Optimizer | None = None,
    frozen: frozenset[str] = frozenset(),
) -> Plan:
    """By default rates that change with every step."""
    steps = rates if rates is not None else [0.01 / (step + 1) for step in range(16)]
    return Plan(network, optimizer or momentum_sgd(), np.array(steps), 4, frozen)


def batch(count: int, network: Classifier, seed: int = 0) -> Batch:
    """Targets are soft and labels independent of them, so that each is seen to be used for its own purpose."""
    generator, size = np.random.default_rng(seed), network.image_size
    shares = generator.dirichlet(np.ones(network.classes), count)
    return Batch(
        images=generator.integers(0, 256, (count, size, size, 3), dtype=np.uint8),
        labels=generator.integers(0, network.classes, count),
        targets=shares.astype(np.float32),
        weights=generator.uniform(0.5, 1.5, count).astype(np.float32),
        dropout_mask=(generator.integers(0, 2, (count, network.features)) * 2).astype(np.float32),
    )


def pictures(count: int, network: Classifier) -> NDArray[np.uint8]:
    return batch(count, network, seed=99).images


def linear_network(size: int = 4) -> Architecture:
    """Mean colour, dropout, two logits: small enough to differentiate by hand."""
    graph = Builder("stem")
    x = graph.mean("avgpool", graph.normalize([0, 0, 0], [1, 1, 1]))
    graph.stage = "classifier"
    graph.linear("fc", graph.dropout("dropout", x), (3, 2))
    return Architecture("linear", size, 2, features=3, nodes=tuple(graph.nodes))


def small_network(size: int = 8, *, normalised: bool = True) -> Architecture:
    """Two convolutions, with or without batch normalisation, dropout, two logits."""
    graph = Builder("stem")
    x = graph.conv("conv1", graph.normalize(MEAN, STD), (3, 8), kernel=3, padding=1)
    x = graph.batchnorm("bn1", x, 8) if normalised else x
    x = graph.maxpool("pool", graph.relu("relu1", x), kernel=2, stride=2, padding=0)
    graph.stage = "layer1"
    x = graph.conv("layer1.0.conv", x, (8, 8), kernel=3, padding=1)
    x = graph.batchnorm("layer1.0.bn", x, 8) if normalised else x
    x = graph.mean("avgpool", graph.relu("layer1.0.relu", x))
    graph.stage = "classifier"
    graph.linear("fc", graph.dropout("dropout", x), (8, 2))
    return Architecture("small", size, 2, features=8, nodes=tuple(graph.nodes))


def train(engine: TorchEngine, network: Classifier, steps: range, sizes: tuple[int, ...] = (4,)) -> Weights:
    """Train on minibatches that are a function of the step's number; the weights after the last."""
    for step in steps:
        engine.train_step(batch(sizes[step % len(sizes)], network, seed=step), step)
    return engine.export_weights()


def same(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(np.array_equal(first[name], second[name]) for name in first)


def distance(first: Weights, second: Weights) -> float:
    """Largest difference of two values of one name."""
    assert first.keys() == second.keys()
    return max(float(np.abs(first[name] - second[name]).max()) for name in first)
