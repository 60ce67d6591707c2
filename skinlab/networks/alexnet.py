"""AlexNet (Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014), as in torchvision.

One difference: there is dropout before the last layer alone, as in every network here; torchvision's AlexNet has a
second one before `classifier.1`.
"""

from skinlab.networks.architecture import Architecture, Builder

FEATURES = 4096
MAP = 6
"""Height and width that the last map is pooled to."""
CONVOLUTIONS = (
    (0, 3, 64, 11, 4, 2, True),
    (3, 64, 192, 5, 1, 2, True),
    (6, 192, 384, 3, 1, 1, False),
    (8, 384, 256, 3, 1, 1, False),
    (10, 256, 256, 3, 1, 1, True),
)
"""Index in torchvision's `features`, inputs, outputs, kernel, stride, padding, and whether pooling follows."""


def alexnet(name: str, image_size: int, classes: int, mean: list[float], std: list[float]) -> Architecture:
    """AlexNet. Arguments and what is returned as for `skinlab.networks.resnet.resnet`.

    >>> alexnet("alexnet", 224, 1000, [0, 0, 0], [1, 1, 1]).parameter_count()
    61100840
    """
    graph = Builder("conv1")
    x = graph.normalize(mean, std)
    channels = 0
    for number, (index, before, channels, kernel, stride, padding, pooled) in enumerate(CONVOLUTIONS, start=1):
        graph.stage = f"conv{number}"
        x = graph.conv(f"features.{index}", x, (before, channels), kernel, stride, padding, bias=True, init="uniform")
        x = graph.relu(f"features.{index + 1}", x)
        if pooled:
            x = graph.maxpool(f"features.{index + 2}", x, kernel=3, stride=2, padding=0)
    graph.stage = "fc6"
    x = graph.flatten("flatten", graph.avgpool("avgpool", x, MAP))
    x = graph.relu("classifier.2", graph.linear("classifier.1", x, (channels * MAP * MAP, FEATURES)))
    graph.stage = "fc7"
    x = graph.relu("classifier.5", graph.linear("classifier.4", x, (FEATURES, FEATURES)))
    graph.stage = "classifier"
    graph.linear("classifier.6", graph.dropout("classifier.3", x), (FEATURES, classes))
    return Architecture(name, image_size, classes, features=FEATURES, nodes=tuple(graph.nodes))
