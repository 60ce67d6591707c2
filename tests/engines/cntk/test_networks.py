"""Every network on the CNTK engine against torchvision's: logits, and one step of training."""

import numpy as np
import pytest

from skinlab import schema
from skinlab.engines.base import Batch, Plan
from skinlab.engines.cntk.client import CntkEngine
from skinlab.networks.architecture import Architecture
from tests.networks.reference import arrays_of, case, described, load, pictures, settled, tensor, torchvision_model

pytestmark = pytest.mark.cntk

RATE, COUNT = 0.01, 8


def plan(network: Architecture) -> Plan:
    rule = schema.MomentumSGD(
        name="momentum_sgd", learning_rate=RATE, minibatch_size=COUNT, momentum=0.0, weight_decay=0.0
    )
    return Plan(network, rule, np.array([RATE]), COUNT, frozenset())


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("alexnet", 63),
        pytest.param("alexnet", 224, marks=pytest.mark.slow),
        ("resnet18", 224),
        ("resnet34", 33),
        ("resnet34", 64),
        ("resnet50", 101),
        ("resnet50", 64),
        pytest.param("resnet101", 64, marks=pytest.mark.slow),
        pytest.param("resnet152", 64, marks=pytest.mark.slow),
        ("mobilenet_v2", 66),
        ("mobilenet_v2", 67),
        ("mobilenet_v2", 224),
    ],
)
def test_logits_are_torchvisions(engine: CntkEngine, name: str, size: int) -> None:
    expected = case(name, size)
    engine.build(plan(expected.network), expected.arrays)
    expected.assert_equal(engine.predict(expected.images))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "size"), [("alexnet", 80), ("resnet50", 64), ("mobilenet_v2", 64)])
def test_a_step_of_training_is_torchs(engine: CntkEngine, name: str, size: int) -> None:
    """One step of plain gradient descent against float64: the loss, each array's change.

    Where a unit is near zero rounding decides whether it passes its gradient on, so that torch in float32 is itself off
    by up to 0.02 of an array's change.
    """
    import torch

    model, network = torchvision_model(name).train(), described(name, size)
    initial = settled(network)
    load(model, initial)
    images, labels = pictures(COUNT, size), np.arange(COUNT) % network.classes
    loss = torch.nn.functional.cross_entropy(model.double()(tensor(images).double()), torch.from_numpy(labels))
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=RATE).step()

    engine.build(plan(network), initial)
    ones = np.ones((COUNT, network.features), np.float32)
    targets = np.eye(network.classes, dtype=np.float32)[labels]
    result = engine.train_step(Batch(images, labels, targets, np.ones(COUNT, np.float32), ones), 0)
    assert result.loss == pytest.approx(loss.item(), rel=1e-4)
    trained = engine.export_weights()
    for key, expected in arrays_of(model).items():
        change, error = np.linalg.norm(expected - initial[key]), np.linalg.norm(trained[key] - expected)
        assert error <= 0.05 * change + 1e-5, key
