"""Frozen nodes on CNTK: one step against PyTorch, and what stays as it is."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from skinlab import networks, schema
from skinlab.engines.base import Batch, Plan
from skinlab.engines.cntk.client import CntkEngine
from skinlab.networks import weights
from skinlab.networks.architecture import BATCHNORM_EPSILON, BATCHNORM_MOMENTUM, Architecture
from skinlab.networks.weights import Weights
from tests.engines.cntk.small import ENGINE, batch, convolutional_network

if TYPE_CHECKING:
    from torch import Tensor

pytestmark = pytest.mark.cntk

SIZE, COUNT, RATE = 8, 4, 0.1


def trained_like(network: Architecture) -> Weights:
    """Weights whose running statistics are neither the initial ones nor those of a minibatch."""
    generator = np.random.default_rng(5)
    arrays = weights.initial(network, 1)
    for name in network.buffers():
        arrays[name] = generator.uniform(0.5, 1.5, arrays[name].shape).astype(np.float32)
    return arrays


def plan(network: Architecture, frozen: frozenset[str], momentum: float = 0.0) -> Plan:
    optimizer = schema.MomentumSGD(
        name="momentum_sgd", learning_rate=RATE, minibatch_size=COUNT, momentum=momentum, weight_decay=0.01
    )
    return Plan(network, optimizer, np.full(6, RATE), COUNT, frozen)


def torch_step(arrays: Weights, frozen: frozenset[str], given: Batch) -> Weights:
    """The convolutional network's arrays after one step of SGD, in PyTorch."""
    import torch
    from torch.nn import functional

    made: dict[str, Tensor] = {name: torch.tensor(array) for name, array in arrays.items()}
    trained = [
        name for name in made if name.rpartition(".")[0] not in frozen and not name.rpartition(".")[2].startswith("run")
    ]
    for name in trained:
        made[name].requires_grad_()
    x = (torch.tensor(given.images).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.2
    for stage in ("stem", "body"):
        bn = f"{stage}.bn"
        parts = [made[f"{bn}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        x = functional.conv2d(x, made[f"{stage}.conv.weight"], padding=1)
        x = functional.batch_norm(
            x, *parts, training=bn not in frozen, momentum=BATCHNORM_MOMENTUM, eps=BATCHNORM_EPSILON
        ).relu()
    x = x.mean(dim=(2, 3)) * torch.tensor(given.dropout_mask)
    logits = functional.linear(x, made["fc.weight"], made["fc.bias"])
    entropy = functional.cross_entropy(logits, torch.tensor(given.targets), reduction="none")
    (entropy * torch.tensor(given.weights)).mean().backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD([made[name] for name in trained], lr=RATE, weight_decay=0.01).step()
    return {name: tensor.detach().numpy() for name, tensor in made.items()}


@pytest.mark.parametrize("freeze", ["none", "stem", "backbone"])
def test_a_step_is_pytorchs_with_the_same_freezing(home: Path, freeze: str) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install skinlab[torch]")
    network = convolutional_network(SIZE)
    arrays, frozen = trained_like(network), networks.frozen(network, freeze)
    given = batch(COUNT, SIZE, features=6)
    with CntkEngine(ENGINE, seed=1) as engine:
        engine.build(plan(network, frozen), arrays)
        engine.train_step(given, 0)
        trained = engine.export_weights()
    expected = torch_step(arrays, frozen, given)
    assert set(trained) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(trained[name], array, rtol=1e-4, atol=1e-5)
        assert np.array_equal(trained[name], arrays[name]) == (name.rpartition(".")[0] in frozen)


def test_a_loaded_checkpoint_brings_the_frozen_arrays_and_continues_bit_for_bit(home: Path, tmp_path: Path) -> None:
    network = convolutional_network(SIZE)
    planned = plan(network, networks.frozen(network, "stem"), momentum=0.9)

    def steps(engine: CntkEngine, numbers: range) -> Weights:
        for step in numbers:
            engine.train_step(batch(COUNT, SIZE, features=6, seed=step), step)
        return engine.export_weights()

    with CntkEngine(ENGINE, seed=1) as engine:
        engine.build(planned, trained_like(network))
        steps(engine, range(3))
        engine.save(tmp_path)
        expected = steps(engine, range(3, 6))
        engine.build(planned, weights.initial(network, 99))
        engine.load(tmp_path)
        resumed = steps(engine, range(3, 6))
    assert all(np.array_equal(expected[name], resumed[name]) for name in expected)
