import pytest

from skinlab.networks.resnet import resnet

TORCHVISION_RESNET18 = {
    "conv1.weight": (64, 3, 7, 7),
    "bn1.weight": (64,),
    "layer1.0.conv1.weight": (64, 64, 3, 3),
    "layer2.0.conv1.weight": (128, 64, 3, 3),
    "layer2.0.downsample.0.weight": (128, 64, 1, 1),
    "layer2.0.downsample.1.bias": (128,),
    "layer4.1.conv2.weight": (512, 512, 3, 3),
    "fc.weight": (2, 512),
    "fc.bias": (2,),
}


def test_resnet18_has_torchvisions_names_and_shapes() -> None:
    network = resnet("resnet18", 224, 2, [0, 0, 0], [1, 1, 1])
    shapes = network.parameters()
    assert {name: shapes[name] for name in TORCHVISION_RESNET18} == TORCHVISION_RESNET18
    assert len(shapes) == 62
    assert len(network.buffers()) == 40


def test_each_node_comes_after_its_inputs() -> None:
    seen = {"image"}
    for node in resnet("resnet18", 64, 2, [0, 0, 0], [1, 1, 1]).nodes:
        assert set(node.inputs) <= seen
        assert node.name not in seen
        seen.add(node.name)


@pytest.mark.parametrize(("image_size", "smallest"), [(32, 1), (33, 2), (64, 2), (224, 7), (225, 8)])
def test_the_last_stage_has_the_smallest_maps(image_size: int, smallest: int) -> None:
    assert resnet("resnet18", image_size, 2, [0, 0, 0], [1, 1, 1]).smallest_map() == smallest
