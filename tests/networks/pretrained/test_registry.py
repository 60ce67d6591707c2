"""conf/weights.yaml knows every network, and says what torchvision says."""

import re

import pytest

from skinlab import networks
from skinlab.errors import ConfigError
from skinlab.networks.pretrained.registry import PackageSource, WebSource, everything, published

SOURCES = [(each.network, source) for each in everything() for source in each.sources]


def test_every_network_has_published_weights() -> None:
    assert sorted(each.network for each in everything()) == sorted(networks.DESCRIBED)


@pytest.mark.parametrize(("network", "source"), SOURCES)
def test_a_source_is_complete_and_encrypted(network: str, source: WebSource | PackageSource) -> None:
    assert re.fullmatch("[0-9a-f]{64}", source.sha256)
    assert re.fullmatch(r"[\w.-]+\.(pth|safetensors)", source.file)
    if isinstance(source, WebSource):
        assert source.url.startswith("https://")
    else:
        assert re.fullmatch("[0-9a-f]{64}", source.wheel_sha256)
    if torchvisions := re.fullmatch(r".+-([0-9a-f]{8})\.pth", source.file):
        assert source.sha256.startswith(torchvisions[1])


@pytest.mark.parametrize("network", sorted(networks.DESCRIBED))
def test_addresses_and_pixels_are_torchvisions(network: str) -> None:
    torchvision = pytest.importorskip("torchvision", reason="torchvision is missing: pip install torchvision")
    first = torchvision.models.get_model_weights(network).IMAGENET1K_V1
    known = published(network)
    urls = [source.url for source in known.sources if isinstance(source, WebSource)]
    assert first.url in urls
    assert (known.mean, known.std) == (first.transforms().mean, first.transforms().std)
    assert known.megabytes == pytest.approx(first.meta["_file_size"] * 1.048576, abs=1)


def test_a_network_without_published_weights_is_told_which_have_some() -> None:
    with pytest.raises(ConfigError, match="no published weights are known for convnext_tiny; there are for: alexnet, "):
        published("convnext_tiny")
