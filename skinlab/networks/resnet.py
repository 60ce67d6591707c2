"""Residual networks (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016), as in torchvision."""

from skinlab.networks.architecture import Architecture, Builder

STAGE_CHANNELS = (64, 128, 256, 512)
BLOCKS = {"resnet18": (2, 2, 2, 2)}
"""Basic blocks in each of the four stages."""


def resnet(name: str, image_size: int, classes: int, mean: list[float], std: list[float]) -> Architecture:
    """A residual network of basic blocks.

    Args:
        name: a key of `BLOCKS`.
        image_size: height and width of the input in pixels.
        classes: number of outputs.
        mean: per-channel mean of RGB in 0..1.
        std: per-channel standard deviation of RGB in 0..1.

    Returns:
        the description, with torchvision's parameter names (`conv1.weight` ... `fc.bias`).

    >>> resnet("resnet18", 224, 1000, [0, 0, 0], [1, 1, 1]).parameter_count()
    11689512
    """
    graph = Builder("stem")
    x = graph.normalize(mean, std)
    x = graph.conv("conv1", x, (3, 64), kernel=7, stride=2, padding=3)
    x = graph.relu("relu", graph.batchnorm("bn1", x, 64))
    x = graph.maxpool("maxpool", x, kernel=3, stride=2, padding=1)
    channels = 64
    for stage, (blocks, out) in enumerate(zip(BLOCKS[name], STAGE_CHANNELS, strict=True), start=1):
        graph.stage = f"layer{stage}"
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _basic_block(graph, f"layer{stage}.{block}", x, (channels, out), stride)
            channels = out
    graph.stage = "classifier"
    x = graph.dropout("dropout", graph.mean("avgpool", x))
    graph.linear("fc", x, (channels, classes))
    return Architecture(name, image_size, classes, features=channels, nodes=tuple(graph.nodes))


def _basic_block(graph: Builder, name: str, x: str, channels: tuple[int, int], stride: int) -> str:
    out = channels[1]
    y = graph.conv(f"{name}.conv1", x, channels, kernel=3, stride=stride, padding=1)
    y = graph.relu(f"{name}.relu1", graph.batchnorm(f"{name}.bn1", y, out))
    y = graph.conv(f"{name}.conv2", y, (out, out), kernel=3, padding=1)
    y = graph.batchnorm(f"{name}.bn2", y, out)
    if stride != 1 or channels[0] != out:
        x = graph.conv(f"{name}.downsample.0", x, channels, kernel=1, stride=stride)
        x = graph.batchnorm(f"{name}.downsample.1", x, out)
    return graph.relu(f"{name}.relu2", graph.add(f"{name}.add", y, x))
