"""Overrides and YAML files become one checked declaration.

Hydra composes; this module turns its errors, and everything that validate.py finds, into one line per mistake that
names the override or the file.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinlab import schema
from skinlab.config import overrides as typed_overrides
from skinlab.config import report, tree
from skinlab.config.origin import Origins, sources
from skinlab.config.places import Place, find, places, search_path_overrides
from skinlab.config.plain import to_plain
from skinlab.config.resolvers import register_resolvers
from skinlab.config.validate import check
from skinlab.errors import ConfigError
from skinlab.paths import conf_dir

if TYPE_CHECKING:
    from omegaconf import DictConfig


@dataclass(frozen=True)
class Composed:
    """A declaration: typed, and as OmegaConf composed it (with interpolations, without Hydra's own node)."""

    config: schema.Config
    raw: "DictConfig"


def compose(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> Composed:
    """Compose and check a declaration.

    Args:
        overrides: as typed, e.g. `["dataset=folder", "dataset.path=PATH"]`.
        config_dirs: folders that hold further choices of the config groups.

    Raises:
        ConfigError: one line for each mistake.
    """
    searched = places(config_dirs)
    reading = typed_overrides.read(overrides, searched)
    if reading.lines and tree.PRESETS in reading.open_groups:
        raise ConfigError("\n".join(reading.lines))
    with _hydra():
        raw, chosen, refusal = _compose(reading, [*search_path_overrides(config_dirs)])
        config, problems = check(to_plain(raw))
        problems = [
            problem
            for problem in problems
            if problem.path[0] not in reading.open_groups and problem.path not in reading.open_keys
        ]
        lines = [*reading.lines, *_shadowed(chosen, searched)]
        if problems:
            found = sources([*search_path_overrides(config_dirs), *(typed.text for typed in reading.typed)], searched)
            lines += report.lines(problems, Origins(reading.typed, list(found)))
    lines = lines or ([refusal] if refusal else [])
    if lines or config is None:
        raise ConfigError("\n".join(lines))
    return Composed(config, raw)


@contextmanager
def _hydra() -> Iterator[None]:
    """Hydra's global state for one composition; what a caller had there, e.g. inside a Hydra job, comes back."""
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    register_resolvers()
    before = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(conf_dir()), job_name="skinlab", version_base="1.3"):
            yield
    finally:
        GlobalHydra.instance().hydra = before


def _compose(reading: typed_overrides.Reading, before: list[str]) -> tuple["DictConfig", Mapping[str, Any], str | None]:
    """The composed tree, the chosen name of each group, and why Hydra refused it at first.

    A refused declaration is composed again with unknown keys let in, so that all its mistakes can be named.
    """
    errors = _composition_errors()
    try:
        return *_run([*before, *(typed.text for typed in reading.typed)]), None
    except errors as error:
        refusal = _blamed(_one_line(error), reading, before)
    try:
        return *_run([*before, *(typed.forced for typed in reading.typed)]), refusal
    except errors as error:
        raise ConfigError("\n".join([*reading.lines, refusal])) from error


def _blamed(refusal: str, reading: typed_overrides.Reading, before: list[str]) -> str:
    """A refusal with the override that alone brings it about, where the message does not hold it."""
    for typed in reading.typed:
        try:
            _run([*before, typed.text])
        except _composition_errors() as error:
            if _one_line(error) == refusal and typed.text not in refusal:
                return f"{typed.text}: {refusal}"
    return refusal


def _run(overrides: list[str]) -> tuple["DictConfig", Mapping[str, Any]]:
    from hydra import compose as hydra_compose
    from omegaconf import OmegaConf, open_dict

    raw = hydra_compose("config", overrides, return_hydra_config=True)
    chosen = OmegaConf.to_container(raw.hydra.runtime.choices)
    with open_dict(raw):
        del raw["hydra"]
    return raw, {str(group): name for group, name in chosen.items()} if isinstance(chosen, dict) else {}


def _composition_errors() -> tuple[type[Exception], ...]:
    """What Hydra, OmegaConf and the YAML parser raise for bad input."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    return (HydraException, OmegaConfBaseException, YAMLError, OSError, ValueError)


def _one_line(error: Exception) -> str:
    """An error of a library without its line breaks, its list of search paths and its links."""
    from yaml import MarkedYAMLError

    if isinstance(error, MarkedYAMLError) and error.problem_mark:
        mark = error.problem_mark
        return f"{mark.name}, line {mark.line + 1}: not valid YAML: {error.problem}"
    text = str(error).split("Config search path:")[0]
    cause = str(error.__cause__).splitlines()[:1] if error.__cause__ else []
    kept = [line.strip().rstrip(".") for line in [*text.splitlines(), *cause] if line.strip()]
    return "; ".join(line for line in kept if not line.startswith("See ")).replace(":; ", ": ")


def _shadowed(chosen: Mapping[str, Any], searched: Sequence[Place]) -> list[str]:
    """Two different files of one name: which is meant cannot be known, and the first would silently win.

    Equal ones are fine: an installed skinlab that is used inside a checkout finds its files twice.
    """
    lines = []
    pairs = [
        (group, name) for group, names in chosen.items() for name in (names if isinstance(names, list) else [names])
    ]
    for group, name in pairs:
        files = find(f"{group}/{name}", searched)
        if len({file.read_bytes() for file, _ in files}) > 1:
            both = " and ".join(str(file) for file, _ in files)
            lines.append(f"{group}={name}: found twice, rename your own: {both}")
    return lines
