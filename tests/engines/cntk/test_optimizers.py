"""Every update rule of the CNTK engine against PyTorch's own, and its state through a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from skinlab import schema
from skinlab.config.rules import OPTIMIZERS
from skinlab.engines.base import Plan
from skinlab.engines.cntk.client import STATES, CntkEngine
from skinlab.networks import weights
from skinlab.networks.weights import Weights
from tests.engines.cntk.small import ENGINE, batch, convolutional_network, linear_network

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

pytestmark = pytest.mark.cntk

COMMON = {"learning_rate": 0.1, "minibatch_size": 4}
DECLARED: dict[str, schema.Optimizer] = {
    "sgd": schema.SGD(name="sgd", weight_decay=0.01, **COMMON),
    "momentum_sgd": schema.MomentumSGD(name="momentum_sgd", momentum=0.9, weight_decay=0.01, **COMMON),
    "nesterov": schema.Nesterov(name="nesterov", momentum=0.9, weight_decay=0.01, **COMMON),
    "adam": schema.Adam(name="adam", beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.01, **COMMON),
    "adam_defaults": schema.Adam(name="adam", beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.0, **COMMON),
    "rmsprop": schema.RMSprop(name="rmsprop", alpha=0.9, epsilon=1e-4, weight_decay=0.01, **COMMON),
    "adagrad": schema.Adagrad(name="adagrad", epsilon=1e-10, weight_decay=0.01, **COMMON),
}
RATES = [0.1, 0.1, 0.02, 0.05, 0.05, 0.2, 0.0, 0.1, 0.01, 0.01]
"""Falls, rises, stays, and is zero once."""
COUNTS = [4, 4, 3]
"""Of an epoch of 11 images: the last minibatch is smaller."""


def torch_optimizer(declared: schema.Optimizer, parameters: "list[Tensor]") -> "Optimizer":
    import torch

    options: dict[str, Any] = {"lr": 1.0, "weight_decay": declared.weight_decay}
    match declared:
        case schema.SGD():
            return torch.optim.SGD(parameters, **options)
        case schema.MomentumSGD() | schema.Nesterov():
            nesterov = declared.name == "nesterov"
            return torch.optim.SGD(parameters, momentum=declared.momentum, nesterov=nesterov, **options)
        case schema.Adam():
            return torch.optim.Adam(parameters, betas=(declared.beta1, declared.beta2), eps=declared.epsilon, **options)
        case schema.RMSprop():
            return torch.optim.RMSprop(parameters, alpha=declared.alpha, eps=declared.epsilon, **options)
        case schema.Adagrad():
            return torch.optim.Adagrad(parameters, eps=declared.epsilon, **options)
    raise AssertionError(declared)


def torch_training(declared: schema.Optimizer, initial: Weights) -> tuple[Weights, list[float]]:
    """The linear network's weights and losses, in PyTorch."""
    import torch
    from torch.nn import functional

    arrays = {name: torch.tensor(array, requires_grad=True) for name, array in initial.items()}
    optimizer = torch_optimizer(declared, list(arrays.values()))
    losses = []
    for step, rate in enumerate(RATES):
        given = batch(COUNTS[step % 3], 4, features=3, seed=step)
        features = given.images.mean(axis=(1, 2), dtype=np.float32) / 255 * given.dropout_mask
        logits = functional.linear(torch.tensor(features), arrays["fc.weight"], arrays["fc.bias"])
        entropy = functional.cross_entropy(logits, torch.tensor(given.targets), reduction="none")
        loss = (entropy * torch.tensor(given.weights)).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        losses.append(loss.item())
    return {name: array.detach().numpy() for name, array in arrays.items()}, losses


@pytest.mark.parametrize("name", DECLARED)
def test_updates_are_those_of_pytorch(engine: CntkEngine, name: str) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install skinlab[torch]")
    network = linear_network(4)
    initial = weights.initial(network, 1)
    expected, expected_losses = torch_training(DECLARED[name], initial)
    engine.build(Plan(network, DECLARED[name], np.array(RATES), 11, frozenset()), initial)
    losses = [
        engine.train_step(batch(COUNTS[step % 3], 4, features=3, seed=step), step).loss for step in range(len(RATES))
    ]
    trained = engine.export_weights()
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
    for array in expected:
        np.testing.assert_allclose(trained[array], expected[array], rtol=1e-5, atol=1e-6)
        assert np.abs(trained[array] - initial[array]).max() > 1e-3


@pytest.mark.parametrize("name", DECLARED)
def test_a_loaded_checkpoint_continues_bit_for_bit_in_a_new_process(home: Path, name: str, tmp_path: Path) -> None:
    network = convolutional_network(8)
    initial = weights.initial(network, 1)
    plan = Plan(network, DECLARED[name], np.array(RATES), 4, frozenset())

    def steps(engine: CntkEngine, numbers: range) -> Weights:
        for step in numbers:
            engine.train_step(batch(4, 8, features=6, seed=step), step)
        return engine.export_weights()

    with CntkEngine(ENGINE, seed=1) as first:
        first.build(plan, initial)
        steps(first, range(3))
        first.save(tmp_path)
        written = sum(file.stat().st_size for file in tmp_path.iterdir())
        assert written < first.checkpoint_bytes
        expected = steps(first, range(3, 6))
    with CntkEngine(ENGINE, seed=1) as second:
        second.build(plan, weights.initial(network, 99))
        second.load(tmp_path)
        resumed = steps(second, range(3, 6))
    assert all(np.array_equal(expected[array], resumed[array]) for array in expected)


def test_what_a_declaration_may_ask_for_is_what_the_engine_has() -> None:
    assert set(OPTIMIZERS["cntk"]) == set(STATES) == {declared.name for declared in DECLARED.values()}
