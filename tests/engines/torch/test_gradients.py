"""Grad-CAM's gradients from the torch engine: by the network that `predict` uses, in float32, the same everywhere."""

from typing import Any

import numpy as np
import pytest

from skinlab.evaluation import explain
from skinlab.networks import timm_network, weights
from skinlab.networks.architecture import Architecture
from skinlab.networks.resnet import resnet
from skinlab.networks.weights import Weights
from tests.engines.torch.cases import MEAN, STD, pictures, plan, same, small_network, started, train
from tests.networks.reference import described, load, settled, tensor, torchvision_model

CLASSES = np.array([0, 1, 1, 0, 1])


def by_hand(network: Architecture, classifier: str, arrays: Weights, classes: Any) -> Any:
    """The gradient where the map is averaged before one linear layer: the same number at each place."""
    side = network.maps()[network.feature_map()]
    return np.tile(arrays[f"{classifier}.weight"][classes][..., None, None] / side**2, (side, side))


@pytest.mark.parametrize("channels_last", [True, False])
def test_gradients_give_the_closed_form(channels_last: bool) -> None:
    network = resnet("resnet18", 64, 2, MEAN, STD)
    arrays, images = weights.initial(network, 3), pictures(5, network)
    with started(channels_last=channels_last) as engine:
        engine.build(plan(network), arrays)  # 5 images: a full minibatch and one more
        maps, gradients = engine.gradients(images, CLASSES)
        logits = engine.predict(images)
        by_gradient = explain.heat_maps(engine, images, CLASSES)
    assert maps.shape == gradients.shape == (5, 512, 2, 2)
    assert maps.flags.c_contiguous
    np.testing.assert_allclose(gradients, by_hand(network, "fc", arrays, CLASSES), atol=1e-6)
    np.testing.assert_allclose(maps.mean(axis=(2, 3)) @ arrays["fc.weight"].T + arrays["fc.bias"], logits, atol=1e-4)
    known = explain.from_pooled(maps, arrays["fc.weight"][CLASSES])
    assert known.max() > 1e-2
    np.testing.assert_allclose(by_gradient, known, atol=1e-4)


def test_alexnets_gradients_are_torchvisions() -> None:
    import torch

    network, model = described("alexnet", 95), torchvision_model("alexnet").eval()
    arrays, images, classes = settled(network), pictures(2, described("alexnet", 95)), np.array([2, 0])
    load(model, arrays)
    expected = model.features[:-1](tensor(images)).detach().requires_grad_()
    head = torch.nn.Sequential(model.features[-1], model.avgpool, torch.nn.Flatten(), model.classifier)
    head(expected)[[0, 1], classes].sum().backward()
    with started() as engine:
        engine.build(plan(network), arrays)
        maps, gradients = engine.gradients(images, classes)
    np.testing.assert_allclose(maps, expected.detach().numpy(), atol=1e-5)
    scale = float(expected.grad.abs().max())
    assert scale > 0
    np.testing.assert_allclose(gradients, expected.grad.numpy(), atol=1e-4 * scale)


def test_the_mean_weights_and_running_statistics_are_used_and_training_goes_on_undisturbed() -> None:
    network, images = small_network(), pictures(5, small_network())
    results = []
    for looks in (True, False):
        with started(ema=0.25, precision="bf16") as engine:
            engine.build(plan(network), weights.initial(network, 3))
            exported = train(engine, network, range(4))
            if looks:
                maps, gradients = engine.gradients(images, CLASSES)
            results.append(train(engine, network, range(4, 6)))
    assert same(*results)
    np.testing.assert_allclose(gradients, by_hand(network, "fc", exported, CLASSES), atol=1e-7)
    with started() as other:
        other.build(plan(network), exported)
        assert np.array_equal(other.gradients(images, CLASSES)[0], maps)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit"])
def test_timms_gradients_add_up_to_the_logit(name: str) -> None:
    """A head that is linear in its map gives its logit back; that of a class token tells places apart."""
    network = timm_network.describe(name, 32, 2, MEAN, STD)
    arrays, images = timm_network.draw(network, 1), pictures(5, network)
    with started(ema=0.9) as engine:
        engine.build(plan(network), arrays)
        maps, gradients = engine.gradients(images, CLASSES)
        logits = engine.predict(images)
    assert maps.shape == gradients.shape == (5, network.features, *maps.shape[2:])
    assert np.ptp(gradients) > 0
    if name == "test_resnet":
        bias = arrays[f"{network.classifier()}.bias"][CLASSES]
        np.testing.assert_allclose((maps * gradients).sum((1, 2, 3)) + bias, logits[range(5), CLASSES], atol=1e-4)
    else:
        assert maps.shape[2:] == (2, 2)
        assert np.ptp(gradients, axis=(2, 3)).max() > 0


def test_of_two_processes_one_answers() -> None:
    network, images = small_network(), pictures(5, small_network())
    answers = []
    for devices in (1, 2):
        with started(devices=devices) as engine:
            engine.build(plan(network), weights.initial(network, 3))
            answers.append(engine.gradients(images, CLASSES))
            train(engine, network, range(1))
    for one, two in zip(*answers, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-6)
