"""torchvision's networks as the reference: the same arrays in both, and inputs on which they mean something."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from skinlab import networks
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture
from skinlab.networks.weights import Weights

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CLASSES = 3
TOLERANCE = 1e-4
"""Of logits, relative to the largest."""


def described(name: str, size: int, classes: int = CLASSES) -> Architecture:
    return networks.DESCRIBED[name](name, size, classes, MEAN, STD)


def torchvision_model(name: str, classes: int = CLASSES) -> Any:
    """torchvision's own network, without arrays worth having; dropout is off also in training."""
    pytest.importorskip("torch", reason="torch is missing: pip install torch torchvision")
    torchvision = pytest.importorskip("torchvision", reason="torchvision is missing: pip install torchvision")
    import torch

    with torch.device("meta"):
        model = torchvision.models.get_model(name, num_classes=classes)
    model = model.to_empty(device="cpu")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def load(model: Any, arrays: Weights) -> None:
    """Give torchvision's network our arrays: every one, and no other."""
    import torch

    state = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)


def arrays_of(model: Any) -> Weights:
    return {
        name: value.detach().numpy().copy()
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def settled(network: Architecture, seed: int = 1) -> Weights:
    """First weights with weak residual branches: drawn ones make deep networks multiply rounding errors."""
    arrays, ops = weights.initial(network, seed), {node.name: node.op for node in network.nodes}
    for node in network.nodes:
        for name in node.inputs if node.op == "add" else ():
            if ops[name] == "batchnorm" and "downsample" not in name:
                arrays[f"{name}.weight"] *= 0.2
    return arrays


def pictures(count: int, size: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def tensor(images: NDArray[np.uint8]) -> Any:
    """What torchvision's networks are given: normalised float32 [N, 3, H, W]."""
    import torch

    return torch.from_numpy(((images / 255.0 - MEAN) / STD).astype(np.float32)).permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True)
class Case:
    """A network with arrays, images, and torchvision's logits for them."""

    network: Architecture
    arrays: Weights
    images: NDArray[np.uint8]
    logits: NDArray[np.float32]

    def assert_equal(self, logits: NDArray[np.float32]) -> None:
        np.testing.assert_allclose(logits, self.logits, rtol=0, atol=TOLERANCE * np.abs(self.logits).max())


def case(name: str, size: int, count: int = 2) -> Case:
    """Drawn weights, and batch statistics of the images, so that every layer passes on what it was given."""
    model, network, images = torchvision_model(name), described(name, size), pictures(count, size)
    import torch

    load(model, settled(network))
    batch = tensor(images)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 1.0
        if network.buffers():
            model.train()(tensor(pictures(max(4, count), size, seed=1)))
        logits = model.eval()(batch).numpy()
    return Case(network, arrays_of(model), images, logits)
