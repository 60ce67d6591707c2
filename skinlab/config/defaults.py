"""The values that come with skinlab, as written in conf/: for help texts. Composes nothing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skinlab.config.tree import KeyPath
from skinlab.paths import conf_dir


@dataclass(frozen=True)
class Defaults:
    """What conf/ says.

    Attributes:
        chosen: the choice of each group that config.yaml makes.
        files: content of each YAML file by its name, e.g. `dataset/folder`; `config` is the root.
    """

    chosen: dict[str, str]
    files: dict[str, Any]

    def values(self, path: KeyPath) -> dict[str, Any]:
        """The values of a key, by the file that holds them; the file chosen by default comes first."""
        group = path[0]
        if (found := _dig(self.files["config"], path)) or group not in self.chosen:
            return {"config": found[0]} if found else {}
        first = f"{group}/{self.chosen[group]}"
        names = [first, *sorted(name for name in self.files if name.startswith(f"{group}/") and name != first)]
        held = {name: _dig(self.files[name], path[1:]) for name in names}
        return {name: found[0] for name, found in held.items() if found}


def _dig(values: Any, path: KeyPath) -> list[Any]:
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return []
        values = values[name]
    return [values]


def read_defaults() -> Defaults:
    """Read conf/ without its presets and without what configures Hydra."""
    import yaml

    folder = conf_dir()
    root = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    entries = [entry for entry in root["defaults"] if isinstance(entry, dict)]
    chosen = {group: name for entry in entries for group, name in entry.items() if name and " " not in group}
    files = {
        f"{group}/{file.stem}": content(file)
        for group in chosen
        for file in sorted((folder / group).glob("*.yaml"))
        if not file.name.startswith("_")
    }
    return Defaults(chosen, {"config": root, **files})


def content(file: Path) -> Any:
    """What a choice of a group holds, with what it takes from others of its folder by its defaults list."""
    import yaml

    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    bases = [base for base in values.pop("defaults", ()) if base != "_self_"] if isinstance(values, dict) else []
    for base in reversed(bases):
        values = content(file.with_name(f"{base}.yaml")) | values
    return values


def output_dir() -> Path:
    """Where runs lie if nothing else is declared."""
    import yaml

    root = yaml.safe_load((conf_dir() / "config.yaml").read_text(encoding="utf-8"))
    return Path(root["output_dir"])
