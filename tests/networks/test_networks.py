"""All networks against torchvision's: names, shapes, numbers, first weights."""

from dataclasses import fields
from math import prod

import numpy as np
import pytest

from skinlab import networks, schema
from skinlab.networks import weights
from skinlab.networks.architecture import adaptive_bins
from skinlab.paths import conf_dir
from tests.networks.reference import described, torchvision_model

NAMES = sorted(networks.DESCRIBED)


@pytest.mark.parametrize("name", NAMES)
def test_names_shapes_and_counts_are_torchvisions(name: str) -> None:
    network, model = described(name, 224, 1000), torchvision_model(name, 1000)
    assert network.parameters() == {key: tuple(value.shape) for key, value in model.named_parameters()}
    buffers = {key: tuple(value.shape) for key, value in model.named_buffers()}
    assert network.buffers() == {key: shape for key, shape in buffers.items() if "num_batches" not in key}
    assert network.parameter_count() == sum(value.numel() for value in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_each_node_comes_after_its_inputs_and_the_classifier_is_a_stage(name: str) -> None:
    network, seen = described(name, 64), {"image"}
    for node in network.nodes:
        assert set(node.inputs) <= seen
        assert node.name not in seen
        seen.add(node.name)
    classifier = [node for node in network.nodes if node.stage == network.stages[-1]]
    assert network.stages[-1] == "classifier"
    assert [node.op for node in classifier][-2:] == ["dropout", "linear"]
    assert classifier[-1].attributes["in"] == network.features
    assert not any(node.op == "batchnorm" for node in classifier)


def test_stages_are_torchvisions_blocks() -> None:
    assert described("resnet50", 64).stages == ("stem", "layer1", "layer2", "layer3", "layer4", "classifier")
    assert described("mobilenet_v2", 64).stages == (*(f"features.{i}" for i in range(19)), "classifier")


@pytest.mark.parametrize("name", NAMES)
def test_every_network_has_a_declaration_and_takes_64_pixels(name: str) -> None:
    assert (conf_dir() / "network" / f"{name}.yaml").is_file()
    (declared,) = (field for field in fields(schema.Network) if field.name == "name")
    assert name in declared.metadata["doc"]
    assert networks.smallest_image(name) <= 64


def test_a_map_that_vanishes_is_seen() -> None:
    assert min(described("alexnet", 62).maps().values()) < 1
    assert networks.smallest_image("alexnet") == 63


@pytest.mark.parametrize("before", [1, 2, 3, 5, 6, 7, 12, 13, 31])
def test_adaptive_pooling_has_torchs_windows(before: int) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    row = torch.rand(1, 1, before, dtype=torch.float64)
    ours = [row[0, 0, start:end].mean().item() for start, end in adaptive_bins(before, 6)]
    np.testing.assert_allclose(ours, torch.nn.functional.adaptive_avg_pool1d(row, 6)[0, 0].numpy())


@pytest.mark.parametrize(
    ("name", "array", "deviation"),
    [
        ("resnet50", "layer3.0.conv2.weight", (2 / (256 * 9)) ** 0.5),
        ("mobilenet_v2", "features.18.0.weight", (2 / 1280) ** 0.5),
        ("mobilenet_v2", "features.17.conv.1.0.weight", (2 / (960 * 9)) ** 0.5),  # torch counts all outputs as fan-out
        ("mobilenet_v2", "classifier.1.weight", 0.01),
        ("alexnet", "features.3.weight", (1 / (3 * 64 * 25)) ** 0.5),  # uniform within 1 / sqrt(inputs)
        ("alexnet", "classifier.4.weight", (1 / (3 * 4096)) ** 0.5),
    ],
)
def test_first_weights_spread_as_torchvisions(name: str, array: str, deviation: float) -> None:
    network = described(name, 64, 1000)
    only = next(node for node in network.nodes if node.name == array.rpartition(".")[0])
    drawn = weights.initial(type(network)(name, 64, 1000, network.features, (only,)), 1)[array]
    assert drawn.std() == pytest.approx(deviation, rel=0.02 if drawn.size > 1e5 else 0.05)
    assert drawn.size == prod(network.parameters()[array])


def test_first_biases_are_zero_or_as_wide_as_the_weights() -> None:
    mobile = weights.initial(described("mobilenet_v2", 64), 1)
    assert not mobile["classifier.1.bias"].any()
    residual = weights.initial(described("resnet18", 64), 1)
    assert 0 < np.abs(residual["fc.bias"]).max() <= 1 / 512**0.5


KNOWN = {
    "conv1.weight": "0x1.421c960000000p-8",
    "layer4.1.conv2.weight": "-0x1.a39cc80000000p-7",
    "fc.weight": "-0x1.993a0a0000000p-10",
    "fc.bias": "0x1.d85bf00000000p-7",
}


def test_draws_of_resnet18_stay_what_they_were() -> None:
    """Known bits: a run of an earlier version is repeated by this one."""
    drawn = weights.initial(described("resnet18", 64, 2), 1)
    assert [float(drawn[name].ravel()[0]).hex() for name in KNOWN] == list(KNOWN.values())
