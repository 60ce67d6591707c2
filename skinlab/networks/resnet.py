"""Residual networks (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016), as in torchvision.

The bottleneck strides in its 3 x 3 convolution, as torchvision's does ("ResNet 1.5"), not in its first.
"""

from collections.abc import Callable

from skinlab.networks.architecture import Architecture, Builder

STAGE_CHANNELS = (64, 128, 256, 512)
EXPANSION = 4
"""Outputs of a bottleneck per channel inside it."""


def resnet(name: str, image_size: int, classes: int, mean: list[float], std: list[float]) -> Architecture:
    """A residual network.

    Args:
        name: a key of `VARIANTS`.
        image_size: height and width of the input in pixels.
        classes: number of outputs.
        mean: per-channel mean of RGB in 0..1.
        std: per-channel standard deviation of RGB in 0..1.

    Returns:
        the description, with torchvision's parameter names (`conv1.weight` ... `fc.bias`).

    >>> resnet("resnet50", 224, 1000, [0, 0, 0], [1, 1, 1]).parameter_count()
    25557032
    """
    block, expansion, depths = VARIANTS[name]
    graph = Builder("stem")
    x = graph.normalize(mean, std)
    x = graph.conv("conv1", x, (3, 64), kernel=7, stride=2, padding=3)
    x = graph.relu("relu", graph.batchnorm("bn1", x, 64))
    x = graph.maxpool("maxpool", x, kernel=3, stride=2, padding=1)
    channels = 64
    for stage, (depth, width) in enumerate(zip(depths, STAGE_CHANNELS, strict=True), start=1):
        graph.stage = f"layer{stage}"
        for i in range(depth):
            stride = 2 if stage > 1 and i == 0 else 1
            x = _residual(graph, f"layer{stage}.{i}", x, (channels, width, width * expansion), stride, block)
            channels = width * expansion
    graph.stage = "classifier"
    x = graph.dropout("dropout", graph.mean("avgpool", x))
    graph.linear("fc", x, (channels, classes))
    return Architecture(name, image_size, classes, features=channels, nodes=tuple(graph.nodes))


Channels = tuple[int, int, int]
"""Of a block: in, inside, out."""


def _residual(
    graph: Builder,
    name: str,
    x: str,
    channels: Channels,
    stride: int,
    block: Callable[[Builder, str, str, Channels, int], str],
) -> str:
    """What the block computes, added to what it was given."""
    before, _, after = channels
    y = block(graph, name, x, channels, stride)
    if stride != 1 or before != after:
        x = graph.conv(f"{name}.downsample.0", x, (before, after), kernel=1, stride=stride)
        x = graph.batchnorm(f"{name}.downsample.1", x, after)
    return graph.relu(f"{name}.relu", graph.add(f"{name}.add", y, x))


def _basic(graph: Builder, name: str, x: str, channels: Channels, stride: int) -> str:
    before, width, _ = channels
    y = graph.conv(f"{name}.conv1", x, (before, width), kernel=3, stride=stride, padding=1)
    y = graph.relu(f"{name}.relu1", graph.batchnorm(f"{name}.bn1", y, width))
    y = graph.conv(f"{name}.conv2", y, (width, width), kernel=3, padding=1)
    return graph.batchnorm(f"{name}.bn2", y, width)


def _bottleneck(graph: Builder, name: str, x: str, channels: Channels, stride: int) -> str:
    before, width, after = channels
    y = graph.conv(f"{name}.conv1", x, (before, width), kernel=1)
    y = graph.relu(f"{name}.relu1", graph.batchnorm(f"{name}.bn1", y, width))
    y = graph.conv(f"{name}.conv2", y, (width, width), kernel=3, stride=stride, padding=1)
    y = graph.relu(f"{name}.relu2", graph.batchnorm(f"{name}.bn2", y, width))
    y = graph.conv(f"{name}.conv3", y, (width, after), kernel=1)
    return graph.batchnorm(f"{name}.bn3", y, after)


VARIANTS = {
    "resnet18": (_basic, 1, (2, 2, 2, 2)),
    "resnet34": (_basic, 1, (3, 4, 6, 3)),
    "resnet50": (_bottleneck, EXPANSION, (3, 4, 6, 3)),
    "resnet101": (_bottleneck, EXPANSION, (3, 4, 23, 3)),
    "resnet152": (_bottleneck, EXPANSION, (3, 8, 36, 3)),
}
"""Block, its expansion, and the number of blocks in each of the four stages."""
