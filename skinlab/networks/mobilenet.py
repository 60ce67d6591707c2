"""MobileNetV2 (Sandler et al., "Inverted Residuals and Linear Bottlenecks", CVPR 2018), as in torchvision."""

from skinlab.networks.architecture import Architecture, Builder

STEM = 32
FEATURES = 1280
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, outputs, number of blocks and stride of the first of them: table 2 of the paper."""


def mobilenet_v2(name: str, image_size: int, classes: int, mean: list[float], std: list[float]) -> Architecture:
    """MobileNetV2 of width 1. Arguments and what is returned as for `skinlab.networks.resnet.resnet`.

    >>> mobilenet_v2("mobilenet_v2", 224, 1000, [0, 0, 0], [1, 1, 1]).parameter_count()
    3504872
    """
    graph = Builder("features.0")
    x = graph.normalize(mean, std)
    x = _conv(graph, "features.0", x, (3, STEM), kernel=3, stride=2)
    channels, index = STEM, 0
    for expansion, out, blocks, first_stride in STAGES:
        for block in range(blocks):
            index += 1
            graph.stage = f"features.{index}"
            x = _inverted_residual(graph, index, x, (channels, out), expansion, first_stride if block == 0 else 1)
            channels = out
    graph.stage = f"features.{index + 1}"
    x = _conv(graph, graph.stage, x, (channels, FEATURES), kernel=1)
    graph.stage = "classifier"
    x = graph.dropout("dropout", graph.mean("avgpool", x))
    graph.linear("classifier.1", x, (FEATURES, classes), init="normal")
    return Architecture(name, image_size, classes, features=FEATURES, nodes=tuple(graph.nodes))


def _conv(
    graph: Builder, name: str, x: str, channels: tuple[int, int], kernel: int, stride: int = 1, groups: int = 1
) -> str:
    """Convolution that keeps the map's size but for its stride, batch normalisation, ReLU6."""
    x = graph.conv(f"{name}.0", x, channels, kernel, stride, padding=kernel // 2, groups=groups)
    return graph.relu6(f"{name}.2", graph.batchnorm(f"{name}.1", x, channels[1]))


def _inverted_residual(
    graph: Builder, index: int, x: str, channels: tuple[int, int], expansion: int, stride: int
) -> str:
    """Widen, filter each channel on its own, narrow; added to what came in where the shape is the same."""
    name, width, out = f"features.{index}", channels[0] * expansion, channels[1]
    y, part = x, 0
    if expansion != 1:
        y, part = _conv(graph, f"{name}.conv.0", y, (channels[0], width), kernel=1), 1
    y = _conv(graph, f"{name}.conv.{part}", y, (width, width), kernel=3, stride=stride, groups=width)
    y = graph.conv(f"{name}.conv.{part + 1}", y, (width, out), kernel=1)
    y = graph.batchnorm(f"{name}.conv.{part + 2}", y, out)
    return graph.add(f"{name}.add", x, y) if stride == 1 and channels[0] == out else y
