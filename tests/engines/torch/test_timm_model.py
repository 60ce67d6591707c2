from pathlib import Path

import numpy as np
import torch

from skinlab import networks
from skinlab.engines.torch.timm_model import TimmNetwork
from skinlab.networks import timm_network, weights
from skinlab.networks.resnet import resnet
from skinlab.networks.timm_architecture import TimmArchitecture
from tests.engines.torch.cases import MEAN, STD, batch, pictures, plan, same, started, train


def small(name: str = "test_resnet", size: int = 32) -> TimmArchitecture:
    return timm_network.describe(name, size, 2, MEAN, STD)


def test_timms_resnet18_is_ours() -> None:
    ours = resnet("resnet18", 64, 2, MEAN, STD)
    theirs, drawn = small("resnet18", 64), weights.initial(ours, 1)
    found = []
    with started() as engine:
        for network in (ours, theirs):
            engine.build(plan(network), drawn)
            logits = engine.predict(pictures(4, ours))
            found.append((logits, engine.train_step(batch(4, ours), 0).loss, engine.export_weights()))
    (logits, loss, trained), (other_logits, other_loss, other_trained) = found
    np.testing.assert_allclose(other_logits, logits, atol=1e-5)
    assert abs(loss - other_loss) < 1e-5
    assert trained.keys() == other_trained.keys()
    assert all(np.allclose(trained[name], other_trained[name], atol=1e-5) for name in trained)


def test_training_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    for name in ("test_resnet", "test_vit"):
        network = small(name)
        drawn = timm_network.draw(network, 1)
        with started(ema=0.9) as engine:
            engine.build(plan(network), drawn)
            train(engine, network, range(2))
            engine.save(tmp_path)
            whole = train(engine, network, range(2, 4))
            assert whole.keys() == drawn.keys()
            engine.build(plan(network), drawn)
            engine.load(tmp_path)
            assert same(train(engine, network, range(2, 4)), whole)


def test_our_dropout_is_before_the_classifier() -> None:
    network = small()
    model = TimmNetwork(network, frozenset()).eval()
    mask = torch.zeros(2, network.features)
    with torch.inference_mode():
        logits = model(torch.from_numpy(pictures(2, network)), mask)
    bias = model.model.get_submodule(network.head).bias
    torch.testing.assert_close(logits, bias.expand(2, -1))


def test_a_frozen_backbone_keeps_its_weights_and_statistics() -> None:
    network = small()
    drawn = timm_network.draw(network, 1)
    with started() as engine:
        engine.build(plan(network, frozen=networks.frozen(network, "backbone")), drawn)
        trained = train(engine, network, range(2))
    assert {name for name in drawn if not np.array_equal(drawn[name], trained[name])} == {"fc.weight", "fc.bias"}


def test_processes_share_a_minibatch() -> None:
    network = small("test_convnext")
    drawn = timm_network.draw(network, 1)
    found = []
    for devices in (1, 2):
        with started(devices=devices) as engine:
            engine.build(plan(network), drawn)
            found.append(train(engine, network, range(2)))
    assert max(float(np.abs(found[0][name] - found[1][name]).max()) for name in drawn) < 1e-5
