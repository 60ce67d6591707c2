"""The two engines on the same weights and minibatches: what they predict and how they learn agrees."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from skinlab import schema
from skinlab.engines.base import Engine, Plan
from skinlab.engines.cntk.client import CntkEngine
from skinlab.evaluation.explain import grad_cam
from skinlab.networks import weights
from skinlab.networks.resnet import resnet
from skinlab.networks.weights import Weights
from tests.engines.torch.cases import MEAN, STD, batch, momentum_sgd, pictures, started
from tests.networks.reference import case

pytestmark = pytest.mark.cntk

SIZES = [8, 8, 7] * 3 + [8]
"""Images of each step: the last minibatch of an epoch of 23 is smaller."""
CNTK = schema.CntkEngine(name="cntk", device="cpu", threads=None, workers=1, mkl_cpu_type="auto")


def losses_and_logits(engine: Engine, planned: Plan, initial: Weights) -> tuple[list[float], NDArray[np.float32]]:
    """The loss before each of ten updates, and the logits before them."""
    network = planned.architecture
    engine.build(planned, initial)
    logits = engine.predict(pictures(6, network))
    steps = [engine.train_step(batch(size, network, seed=step), step) for step, size in enumerate(SIZES)]
    return [each.loss for each in steps], logits


def test_resnet18_predicts_and_learns_the_same_on_both_engines(home: Path) -> None:
    network = resnet("resnet18", 64, 2, MEAN, STD)
    initial = weights.initial(network, 3)
    # At higher rates batch normalisation makes rounding grow: two memory layouts of one engine part as fast.
    rates = [1e-4] * 5 + [5e-5] * 5
    planned = Plan(network, momentum_sgd(minibatch_size=8), np.array(rates), 23, frozenset())
    with started(threads=None) as torch_engine, CntkEngine(CNTK, seed=1) as cntk_engine:
        torch_losses, torch_logits = losses_and_logits(torch_engine, planned, initial)
        cntk_losses, cntk_logits = losses_and_logits(cntk_engine, planned, initial)
    assert np.abs(torch_logits - cntk_logits).max() / np.abs(cntk_logits).max() < 1e-4
    np.testing.assert_allclose(torch_losses[:2], cntk_losses[:2], rtol=1e-4)
    np.testing.assert_allclose(torch_losses, cntk_losses, rtol=1e-3)


@pytest.mark.parametrize(("name", "size"), [("resnet18", 64), ("alexnet", 95), ("mobilenet_v2", 66)])
def test_heat_maps_are_the_same_on_both_engines(home: Path, name: str, size: int) -> None:
    """AlexNet's maps pass through a maximum and two rectified layers before the logit, the others' through a mean."""
    given = case(name, size)
    planned = Plan(given.network, momentum_sgd(minibatch_size=2), np.array([0.01]), 2, frozenset())
    images, classes = np.concatenate([given.images, given.images[:1]]), np.array([2, 0, 1])
    results = []
    with started(threads=None) as torch_engine, CntkEngine(CNTK, seed=1) as cntk_engine:
        for engine in (torch_engine, cntk_engine):
            engine.build(planned, given.arrays)
            maps, gradients = engine.gradients(images, classes)
            results.append((maps, gradients, grad_cam(maps, gradients)))
    for one, other in zip(*results, strict=True):
        assert one.shape == other.shape
        assert np.abs(one).max() > 0
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3 * float(np.abs(one).max()))
