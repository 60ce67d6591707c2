"""An architecture as a PyTorch module, whose state dict has torchvision's names. Does not train."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from skinlab.engines.torch.trained import Normalize, TrainedNetwork
from skinlab.networks.architecture import (
    BATCHNORM_EPSILON,
    BATCHNORM_MOMENTUM,
    IMAGE,
    Architecture,
    Node,
    adaptive_bins,
)

Module = Callable[..., Tensor]


class TorchNetwork(TrainedNetwork):
    """Runs the nodes of an architecture one after another.

    Args:
        architecture: the network.
        frozen: names of the nodes that keep their arrays; their batch normalisations use running statistics always.
        channels_last: compute on feature maps whose channels lie side by side in memory.

    >>> from skinlab.networks.resnet import resnet
    >>> network = TorchNetwork(resnet("resnet18", 32, 2, [0, 0, 0], [1, 1, 1]), frozenset()).eval()
    >>> network(torch.zeros(1, 32, 32, 3, dtype=torch.uint8)).shape
    torch.Size([1, 2])
    """

    def __init__(self, architecture: Architecture, frozen: frozenset[str], *, channels_last: bool = False) -> None:
        super().__init__(frozen)
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._takes = architecture.takes
        self._nodes = architecture.nodes
        self._finished = _finished(architecture.nodes)
        self._inplace = _overwritable(architecture.nodes)
        for node in architecture.nodes:
            layer = _layer(node)
            if layer is not None:
                layer.requires_grad_(node.name not in frozen)
                _place(self, node.name, layer)
        self.to(memory_format=self._layout)

    def forward(
        self, given: Tensor, mask: Tensor | None = None, *, start: str | None = None, end: str | None = None
    ) -> Tensor:
        """Logits float [B, classes] of images, or any other part of the way.

        Args:
            given: what the network takes: uint8 [B, H, W, 3], RGB, or features; or the values of the node `start`,
                through which everything passes.
            mask: float32 [B, features] that dropout multiplies with; None: no dropout.
            start: where the way begins; None: where the network does.
            end: the node whose values are wanted; None: the logits.
        """
        start = start or self._takes
        values = {start: given}
        if start == IMAGE:
            values[IMAGE] = given.permute(0, 3, 1, 2).contiguous(memory_format=self._layout)
        for node in self._between(start, end):
            inputs = [values[name] for name in node.inputs]
            if node.op == "dropout":
                values[node.name] = inputs[0] if mask is None else inputs[0] * mask
            elif node.op in _LAYERS:
                values[node.name] = self.get_submodule(node.name)(*inputs)
            else:
                values[node.name] = _FUNCTIONS[node.op](*inputs, inplace=node.name in self._inplace)
            for name in self._finished[node.name]:
                del values[name]
        return values[end or self._nodes[-1].name]

    def _between(self, start: str, end: str | None) -> tuple[Node, ...]:
        """The nodes after `start`, up to `end` itself."""
        names = [self._takes, *(node.name for node in self._nodes)]
        return self._nodes[names.index(start) : None if end is None else names.index(end)]


def _layer(node: Node) -> nn.Module | None:
    """The module of a node that has arrays or sizes of its own."""
    return _LAYERS[node.op](node.attributes) if node.op in _LAYERS else None


def _convolution(sizes: dict[str, Any]) -> nn.Module:
    return nn.Conv2d(
        sizes["in"],
        sizes["out"],
        sizes["kernel"],
        stride=sizes["stride"],
        padding=sizes["padding"],
        groups=sizes.get("groups", 1),
        bias=sizes.get("bias", False),
    )


def _batchnorm(sizes: dict[str, Any]) -> nn.Module:
    module = nn.BatchNorm2d(sizes["channels"], eps=BATCHNORM_EPSILON, momentum=BATCHNORM_MOMENTUM)
    module.num_batches_tracked = None  # a counter that only torch's cumulative average needs
    return module


class _AdaptiveMean(nn.Module):
    """Adaptive average pooling to `size` x `size`, as torch defines its bins.

    By matrix products: torch's own has no deterministic gradient on GPUs.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        if (height, width) == (self.size, self.size):
            return x
        return self._bins(height, x) @ x @ self._bins(width, x).T

    def _bins(self, before: int, like: Tensor) -> Tensor:
        """[size, before]: row i averages the pixels of bin i."""
        means = torch.zeros(self.size, before)
        for row, (first, end) in enumerate(adaptive_bins(before, self.size)):
            means[row, first:end] = 1 / (end - first)
        return means.to(like)


_LAYERS: dict[str, Callable[[dict[str, Any]], nn.Module]] = {
    "normalize": lambda sizes: Normalize(sizes["mean"], sizes["std"]),
    "conv": _convolution,
    "batchnorm": _batchnorm,
    "maxpool": lambda sizes: nn.MaxPool2d(sizes["kernel"], sizes["stride"], sizes["padding"]),
    "avgpool": lambda sizes: _AdaptiveMean(sizes["size"]),
    "linear": lambda sizes: nn.Linear(sizes["in"], sizes["out"]),
}
_FUNCTIONS: dict[str, Module] = {
    "relu": functional.relu,
    "relu6": functional.relu6,
    "add": lambda x, y, inplace: x + y,  # noqa: ARG005 - of one form with the others
    "mean": lambda x, inplace: x.mean(dim=(2, 3)),  # noqa: ARG005
    "flatten": lambda x, inplace: x.flatten(1),  # noqa: ARG005
}


def _place(root: nn.Module, name: str, layer: nn.Module) -> None:
    """Register a layer under a dotted name, as torchvision's nested modules do."""
    *parents, last = name.split(".")
    for parent in parents:
        if parent not in root._modules:  # noqa: SLF001 - children by name, of which torch shows no other way
            root.add_module(parent, nn.Module())
        root = root.get_submodule(parent)
    root.add_module(last, layer)


def _readers(nodes: tuple[Node, ...]) -> dict[str, list[str]]:
    """Names of the nodes that read each value, in order."""
    readers: dict[str, list[str]] = {}
    for node in nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node.name)
    return readers


def _finished(nodes: tuple[Node, ...]) -> dict[str, list[str]]:
    """The values that nobody reads after each node, so that their memory is free."""
    finished: dict[str, list[str]] = {node.name: [] for node in nodes}
    for name, readers in _readers(nodes).items():
        finished[readers[-1]].append(name)
    return finished


def _overwritable(nodes: tuple[Node, ...]) -> frozenset[str]:
    """Nodes that may write over their input: nobody else reads it, and its maker does not need it for its gradient."""
    readers, makers = _readers(nodes), {node.name: node.op for node in nodes}
    return frozenset(
        node.name
        for node in nodes
        if node.op in ("relu", "relu6")
        and readers[node.inputs[0]] == [node.name]
        and makers[node.inputs[0]] in ("conv", "batchnorm", "add", "linear")
    )
