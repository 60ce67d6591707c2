from pathlib import Path

import numpy as np
import pytest

from skinlab.networks import weights
from skinlab.networks.architecture import Architecture
from skinlab.networks.resnet import resnet


@pytest.fixture(scope="module")
def network() -> Architecture:
    return resnet("resnet18", 64, 2, [0, 0, 0], [1, 1, 1])


def test_initial_weights_follow_the_seed_alone(network: Architecture) -> None:
    first, again, other = (weights.initial(network, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["conv1.weight"], other["conv1.weight"])


def test_a_layer_is_drawn_the_same_whatever_other_layers_there_are(network: Architecture) -> None:
    ten_classes = resnet("resnet18", 64, 10, [0, 0, 0], [1, 1, 1])
    two, ten = weights.initial(network, 1), weights.initial(ten_classes, 1)
    assert np.array_equal(two["layer4.1.conv2.weight"], ten["layer4.1.conv2.weight"])


def test_initial_convolutions_have_he_variance(network: Architecture) -> None:
    drawn = weights.initial(network, 1)["layer3.0.conv2.weight"]
    assert drawn.std() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)


def test_saved_weights_are_the_same_bytes_and_load_unchanged(network: Architecture, tmp_path: Path) -> None:
    drawn = weights.initial(network, 1)
    for name in ("a", "b"):
        weights.save(drawn, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    loaded = weights.load(tmp_path / "a")
    assert set(loaded) == set(drawn)
    assert all(np.array_equal(loaded[name], drawn[name]) for name in drawn)
