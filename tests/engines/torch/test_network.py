"""The module built from an architecture: names, arithmetic, and what is frozen."""

import numpy as np
import onnxruntime
import pytest
import torch
import torchvision
from torch.nn import functional

from skinlab.engines.torch.network import TorchNetwork
from skinlab.networks import weights
from skinlab.networks.architecture import IMAGE, Architecture, Node
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.resnet import resnet
from tests.engines.torch.cases import MEAN, STD, pictures, small_network

NODE = Node("normalize", "normalize", (IMAGE,), {"mean": [0, 0, 0], "std": [1, 1, 1]}, "stem")


def chain(size: int, *operations: tuple[str, dict[str, object]]) -> Architecture:
    """One operation after another on the normalised image."""
    nodes = [NODE]
    for number, (op, attributes) in enumerate(operations):
        nodes.append(Node(op, f"part.{number}", (nodes[-1].name,), attributes, "stem"))
    return Architecture("chain", size, 2, 3, tuple(nodes))


def output(network: TorchNetwork, images: np.ndarray) -> torch.Tensor:
    with torch.no_grad():
        result: torch.Tensor = network.eval()(torch.from_numpy(images))
    return result


def test_resnet18_has_torchvisions_state_and_gives_its_logits() -> None:
    description = resnet("resnet18", 64, 5, MEAN, STD)
    ours, theirs = TorchNetwork(description, frozenset()), torchvision.models.resnet18(num_classes=5).eval()
    state = {name: value for name, value in theirs.state_dict().items() if "num_batches" not in name}
    assert {name: value.shape for name, value in ours.state_dict().items()} == {
        name: value.shape for name, value in state.items()
    }
    for name, value in ours.state_dict().items():
        value.copy_(state[name])
    images = pictures(3, description)
    normalised = torchvision.transforms.functional.normalize(
        torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, MEAN, STD
    )
    with torch.no_grad():
        torch.testing.assert_close(output(ours, images), theirs(normalised), atol=1e-4, rtol=1e-4)


def test_outputs_equal_onnx_runtimes() -> None:
    description = small_network()
    network, arrays = TorchNetwork(description, frozenset()), weights.initial(description, 1)
    for name, value in network.state_dict().items():
        value.copy_(torch.from_numpy(arrays[name]))
    images = pictures(3, description)
    served = onnxruntime.InferenceSession(to_onnx(description, arrays)).run(["logits"], {"image": images})[0]
    np.testing.assert_allclose(output(network, images).numpy(), served, atol=1e-5)


@pytest.mark.parametrize(("before", "after"), [(6, 6), (13, 6), (8, 6), (5, 6), (1, 6), (12, 6)])
def test_adaptive_mean_is_torchs_own(before: int, after: int) -> None:
    description = chain(before, ("avgpool", {"size": after}))
    images = pictures(2, description)
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    expected = functional.adaptive_avg_pool2d(scaled, after)
    torch.testing.assert_close(output(TorchNetwork(description, frozenset()), images), expected)


def test_grouped_and_biased_convolutions_relu6_and_flatten() -> None:
    sizes = {"in": 3, "out": 6, "kernel": 3, "stride": 1, "padding": 1, "groups": 3, "bias": True}
    description = chain(4, ("conv", sizes), ("relu6", {}), ("flatten", {}))
    network = TorchNetwork(description, frozenset())
    parameters = dict(network.named_parameters())
    assert {name: tuple(value.shape) for name, value in parameters.items()} == {
        "part.0.weight": (6, 1, 3, 3),
        "part.0.bias": (6,),
    }
    images = pictures(2, description)
    scaled = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        parameters["part.0.bias"] += 5.8  # so that some values are cut
        expected = functional.relu6(
            functional.conv2d(scaled, parameters["part.0.weight"], parameters["part.0.bias"], padding=1, groups=3)
        ).flatten(1)
    torch.testing.assert_close(output(network, images), expected)


def test_values_that_are_read_twice_are_not_overwritten() -> None:
    nodes = (
        NODE,
        Node("relu", "relu", ("normalize",), {}, "stem"),
        Node("relu6", "again", ("relu",), {}, "stem"),
        Node("add", "sum", ("relu", "again"), {}, "stem"),
    )
    images = pictures(2, chain(4))
    doubled = 2 * torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    torch.testing.assert_close(output(TorchNetwork(Architecture("x", 4, 2, 3, nodes), frozenset()), images), doubled)


def test_frozen_nodes_have_no_gradient_and_keep_their_statistics() -> None:
    description = small_network()
    network = TorchNetwork(description, description.up_to("stem")).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(torch.from_numpy(pictures(4, description)), torch.ones(4, 8)).sum().backward()
    assert {name for name, value in network.named_parameters() if value.grad is None} == {
        "conv1.weight",
        "bn1.weight",
        "bn1.bias",
    }
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"layer1.0.bn.running_mean", "layer1.0.bn.running_var"}
