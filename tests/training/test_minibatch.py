import pytest

from skinlab.errors import ConfigError
from skinlab.networks.resnet import resnet
from skinlab.training import minibatch


@pytest.mark.parametrize(("images", "size"), [(17, 16), (5, 1), (1, 8)])
def test_a_single_value_cannot_be_normalised(images: int, size: int) -> None:
    network = resnet("resnet18", 32, 2, [0, 0, 0], [1, 1, 1])
    with pytest.raises(ConfigError, match=f"minibatch_size={size} leaves a minibatch of a single one of the {images} "):
        minibatch.check(network, images, size)


@pytest.mark.parametrize(("image_size", "images", "size"), [(32, 18, 16), (32, 16, 16), (33, 17, 16), (224, 1, 1)])
def test_two_values_can(image_size: int, images: int, size: int) -> None:
    minibatch.check(resnet("resnet18", image_size, 2, [0, 0, 0], [1, 1, 1]), images, size)


def test_several_workers_normalise_their_own_parts() -> None:
    network = resnet("resnet18", 32, 2, [0, 0, 0], [1, 1, 1])
    minibatch.check(network, 20, 8, workers=2)
    with pytest.raises(ConfigError, match="a single one of the 18 training images for one of 2 processes"):
        minibatch.check(network, 18, 8, workers=2)
