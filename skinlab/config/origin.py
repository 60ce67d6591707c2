"""Where a value came from: the override that set it, or the YAML file that holds it.

Only asked when something is wrong, so it may read files again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from skinlab.config.overrides import Typed
from skinlab.config.places import Place, find
from skinlab.config.tree import KeyPath


@dataclass(frozen=True)
class Source:
    """One YAML file of a composition.

    Attributes:
        label: the file as messages name it.
        package: the key that its content is put under.
        values: its content.
    """

    label: str
    package: KeyPath
    values: dict[str, Any]


@dataclass(frozen=True)
class Origins:
    """All that a declaration was composed from, in the order in which it was applied.

    >>> origins = Origins([Typed("seed=3", ("seed",), 3)], [Source("conf/config.yaml", (), {"seed": 1, "name": "a"})])
    >>> origins.override(("seed",)).text, origins.file(("name",))
    ('seed=3', ('conf/config.yaml', ('name',)))
    """

    typed: Sequence[Typed] = ()
    sources: Sequence[Source] = ()

    def override(self, path: KeyPath) -> Typed | None:
        """The last override that set, replaced or removed the key, or something below it."""
        return next((typed for typed in reversed(self.typed) if typed.path and _touches(typed, path)), None)

    def file(self, *paths: KeyPath) -> tuple[str, KeyPath] | None:
        """The last file that holds one of the keys, and that key."""
        holders = ((source.label, path) for source in reversed(self.sources) for path in paths if _holds(source, path))
        return next(holders, None)

    def section_file(self, path: KeyPath) -> str | None:
        """The file that makes up a section: the chosen one of a group, else the first that holds it."""
        own = [source.label for source in self.sources if source.package == path]
        holding = [source.label for source in self.sources if _holds(source, path)]
        return next(iter([*reversed(own), *holding]), None)

    def written(self, path: KeyPath) -> Any:
        """The value as it was written, before interpolation; None where no one wrote it."""
        if (typed := self.override(path)) and typed.path == path:
            return typed.value
        holders = (source for source in reversed(self.sources) if _holds(source, path))
        return next((_dig(source.values, path[len(source.package) :])[0] for source in holders), None)


def _touches(typed: Typed, path: KeyPath) -> bool:
    if typed.path[: len(path)] == path:
        return True
    if path[: len(typed.path)] != typed.path:
        return False
    return typed.deletes or bool(_dig(typed.value, path[len(typed.path) :]))


def _holds(source: Source, path: KeyPath) -> bool:
    package = source.package
    return path[: len(package)] == package and bool(_dig(source.values, path[len(package) :]))


def _dig(value: Any, path: KeyPath) -> list[Any]:
    """The value at a path in a list of its own; an empty list where there is none."""
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return []
    return [value]


def sources(overrides: list[str], searched: Sequence[Place]) -> Iterator[Source]:
    """The files of a composition, from Hydra's list of defaults; Hydra must be initialised."""
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    loader = GlobalHydra.instance().config_loader()
    for default in loader.compute_defaults_list("config", overrides, RunMode.RUN).defaults:
        for file, label in find(default.config_path or "", searched)[:1]:
            content = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
            package = tuple(part for part in (default.package or "").split(".") if part)
            if isinstance(content, dict):
                yield Source(label, package, {str(name): item for name, item in content.items()})
