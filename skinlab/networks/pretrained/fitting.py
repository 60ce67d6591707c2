"""The weights that training begins with: drawn, or given ones fitted to the network."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

from skinlab import networks, schema
from skinlab.errors import ConfigError
from skinlab.networks import timm_network, weights
from skinlab.networks.classifier import Classifier
from skinlab.networks.pretrained import given as source
from skinlab.networks.pretrained.given import Given
from skinlab.networks.timm_architecture import TimmArchitecture
from skinlab.networks.weights import Weights

log = logging.getLogger(__name__)

_NAMED = 3
"""So many arrays are named where some do not fit."""


@dataclass(frozen=True)
class Start:
    """What training begins with.

    Attributes:
        arrays: all of the network's, by torchvision's names.
        record: where they are from, for run.json.
    """

    arrays: Weights
    record: dict[str, Any]


def require(network: schema.Network) -> None:
    """Have the declared weights ready, before any other work is done: fetched, readable, and of this network.

    Raises:
        ConfigError: there are none such, or they do not fit.
        SetupError: they cannot be fetched.
        OutputError: they cannot be kept.
    """
    if (found := source.read(network, log.info)) is not None:
        _fitted(found, networks.build(network, classes=2), [])
        for remark in _remarks(found, network):
            log.warning("%s", remark)


def start(network: schema.Network, architecture: Classifier, classes: list[str], seed: int) -> Start:
    """The declared weights for a network. A classifier for other classes is drawn anew.

    Args:
        network: the declaration.
        architecture: what it was built to.
        classes: names of the outputs.
        seed: of what is drawn.

    Raises:
        ConfigError: there are no such weights, or they do not fit.
        SetupError: they cannot be fetched.
        OutputError: they cannot be kept.
    """
    found = source.read(network, log.info)
    names = list(architecture.parameters() | architecture.buffers())
    if found is None:
        drawn = _drawn(architecture, seed, names)
        return Start(drawn, {"source": "none", "file": None, "sha256": None, "drawn": names})
    fitted = _fitted(found, architecture, classes)
    anew = [name for name in names if name not in fitted]
    log.info("weights: %s", _described(found, anew, len(classes)))
    record = {"source": found.origin, "file": str(found.path), "sha256": found.sha256, "drawn": anew}
    arrays = fitted | _drawn(architecture, seed, anew)
    return Start({name: arrays[name] for name in names}, record)


def _drawn(architecture: Classifier, seed: int, names: Sequence[str]) -> Weights:
    """These arrays, drawn; none depends on which others are."""
    if not names:
        return {}
    if isinstance(architecture, TimmArchitecture):
        drawn = timm_network.draw(architecture, seed)
        return {name: drawn[name] for name in names}
    return weights.initial(architecture, seed, names)


def _fitted(found: Given, architecture: Classifier, classes: list[str]) -> Weights:
    """The given arrays that are of use, all but maybe the classifier's.

    Raises:
        ConfigError: others are missing, superfluous, or of another shape.
    """
    shapes = architecture.parameters() | architecture.buffers()
    head = {name for name in shapes if name.rpartition(".")[0] == architecture.classifier()}
    keep_head = found.classes in (None, classes) and all(
        name in found.arrays and found.arrays[name].shape == shapes[name] for name in head
    )
    wanted = shapes if keep_head else {name: shape for name, shape in shapes.items() if name not in head}
    missing = [name for name in wanted if name not in found.arrays]
    unknown = [name for name in found.arrays if name not in shapes]
    misshapen = [
        f"{name} ({_size(found.arrays[name].shape)}, not {_size(shape)})"
        for name, shape in wanted.items()
        if name in found.arrays and found.arrays[name].shape != shape
    ]
    kinds = {"missing": missing, "not of this network": unknown, "of another shape": misshapen}
    if wrong := [f"{len(names)} {kind}: {_first(names)}" for kind, names in kinds.items() if names]:
        raise ConfigError(f"the arrays of {found.path} are not those of {architecture.name}: {'; '.join(wrong)}")
    return {name: found.arrays[name] for name in wanted}


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape) or "a single number"


def _remarks(found: Given, network: schema.Network) -> list[str]:
    remarks = [found.remark] if found.remark else []
    for name, declared, trained in (("mean", network.mean, found.mean), ("std", network.std, found.std)):
        if trained is not None and not all(map(isclose, declared, trained)):
            remarks.append(
                f"network.{name}={declared} differs from what the weights were trained with: "
                f"network.{name}={trained} gives them the pixels that they know"
            )
    return remarks


def _described(found: Given, anew: list[str], classes: int) -> str:
    head = f"; the classifier is drawn anew for {classes} classes" if anew else ""
    return f"{found.origin} weights from {found.path.name} (SHA-256 {found.sha256[:16]}){head}"
