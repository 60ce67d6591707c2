"""Where YAML is found, and what lies there: groups and their choices.

Standard library only, and directory listings only: help and shell completion use it on every key press.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skinlab.errors import ConfigError
from skinlab.paths import conf_dir

NOT_OURS = frozenset({"hydra"})  # a folder of conf/ that configures Hydra itself, not an experiment


@dataclass(frozen=True)
class Place:
    """A folder that holds config groups, and how messages call it."""

    path: Path
    label: str

    def file(self, name: str) -> Path:
        """The YAML file of a config name such as `dataset/folder`."""
        return self.path / f"{name}.yaml"


def places(config_dirs: Sequence[Path] = ()) -> tuple[Place, ...]:
    """All folders that are searched, first match first: skinlab's own, `./conf`, then `config_dirs`.

    Raises:
        ConfigError: one of `config_dirs` is not a folder.
    """
    found = [Place(conf_dir(), "conf")]
    here = Path("conf")
    if here.is_dir() and not here.samefile(found[0].path):
        found.append(Place(here.absolute(), "conf"))
    for folder in config_dirs:
        if not folder.is_dir():
            raise ConfigError(f"--config-dir {folder}: no such folder")
        if not any(folder.samefile(place.path) for place in found):
            found.append(Place(folder.absolute(), str(folder)))
    return tuple(found)


def search_path_overrides(config_dirs: Sequence[Path] = ()) -> list[str]:
    """The Hydra override that adds the folders beyond skinlab's own to the search path; empty where there are none.

    For a command that lets Hydra compose: put it before the user's overrides.
    """
    folders = [f"outside://{place.path}" for place in places(config_dirs)[1:]]
    return [f"hydra.searchpath=[{','.join(_quoted(folder) for folder in folders)}]"] if folders else []


def groups(searched: Sequence[Place]) -> list[str]:
    """Names of the config groups. Only skinlab's own: a `./conf` of another program adds choices, never groups."""
    return sorted(
        entry.name
        for entry in searched[0].path.iterdir()
        if entry.is_dir() and entry.name not in NOT_OURS and not entry.name.startswith((".", "_"))
    )


def choices(group: str, searched: Sequence[Place]) -> list[str]:
    """Names of a group's YAML files, without `.yaml`; sub-folders with a slash. One with `_` is a part of others."""
    return sorted({name for place in searched for name in _names_in(place.path / group)})


def find(name: str, searched: Sequence[Place]) -> list[tuple[Path, str]]:
    """Path and label of every file that goes by a config name, in the order of the search."""
    return [(place.file(name), f"{place.label}/{name}.yaml") for place in searched if place.file(name).is_file()]


def _names_in(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*.yaml") if not file.name.startswith("_"))
    return [file.relative_to(folder).with_suffix("").as_posix() for file in files]


def _quoted(text: str) -> str:
    """A quoted string of Hydra's override grammar, so that spaces, commas and brackets in a path are harmless."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
