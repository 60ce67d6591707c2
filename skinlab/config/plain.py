"""A composed OmegaConf tree as plain Python values, with interpolations resolved where they can be."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omegaconf import DictConfig

MISSING = "???"  # OmegaConf's mark of a value that the user must give


@dataclass(frozen=True)
class Unresolved:
    """An interpolation such as `${network.size}` that leads nowhere."""

    text: str
    reason: str


def to_plain(raw: "DictConfig | Mapping[str, Any]") -> dict[str, Any]:
    """Nested dicts and lists. A bad interpolation becomes `Unresolved`, a missing value stays `???`."""
    from omegaconf import DictConfig

    if isinstance(raw, DictConfig):
        return {str(name): _node(raw, name) for name in raw if name != "hydra"}
    return dict(raw)


def _node(parent: Any, name: Any) -> Any:
    from omegaconf import DictConfig, ListConfig, OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    if OmegaConf.is_missing(parent, name):
        return MISSING
    try:
        value = parent[name]
    except OmegaConfBaseException as error:
        text = OmegaConf.to_container(parent, resolve=False)[name]  # type: ignore[index]
        return Unresolved(str(text), f"leads nowhere: {str(error).splitlines()[0]}")
    if isinstance(value, DictConfig):
        return {inner: _node(value, inner) for inner in value}
    if isinstance(value, ListConfig):
        return [_node(value, i) for i in range(len(value))]
    return value
