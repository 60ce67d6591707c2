"""Presets from outside of skinlab's own conf/, and recorded sweeps: they declare values, not how Hydra itself works.

Hydra builds what its own node names (callbacks, handlers of logs) before skinlab sees anything, and resolvers read the
environment. So files from outside are read by a source that refuses both at the moment of reading, in every command and
process; of what a sweep's record holds, the same is taken up.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.object_type import ObjectType  # noqa: F401 - the base class annotates with it
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf

from skinlab.errors import ConfigError

LAUNCHERS = ("basic", "joblib", "ray", "submitit_local", "submitit_slurm")
LAUNCHER_KEYS = (
    *("n_jobs", "nodes", "tasks_per_node", "cpus_per_task", "cpus_per_gpu", "gpus_per_node", "gpus_per_task"),
    *("mem_gb", "mem_per_cpu", "mem_per_gpu", "timeout_min", "max_num_timeout", "array_parallelism"),
    *("partition", "qos", "account", "constraint", "gres", "ray.remote.num_cpus", "ray.remote.num_gpus"),
)
"""What a file may say of a launcher: sizes and queues; no commands before a job, no folders, no addresses."""
_PLAIN = r"[\w.:,@%*-]*"
_CHOICE = re.compile(rf"hydra/launcher=({'|'.join(LAUNCHERS)})")
_SETTING = re.compile(rf"\+*hydra\.launcher\.({'|'.join(map(re.escape, LAUNCHER_KEYS))})={_PLAIN}")
_REFERENCE = re.compile(r"\$\{\s*[\w.]+\s*\}")


class OutsideSource(FileConfigSource):
    """A folder that is not skinlab's own, e.g. ./conf or one of --config-dir."""

    @staticmethod
    def scheme() -> str:
        """See `hydra.plugins.config_source.ConfigSource`."""
        return "outside"

    def load_config(self, config_path: str) -> ConfigResult:
        """See `hydra.plugins.config_source.ConfigSource`.

        Raises:
            ConfigError: the file says more than values.
        """
        found = super().load_config(config_path)
        content = OmegaConf.to_container(found.config, resolve=False)
        package = str(found.header.get("package") or "")
        for fault in faults(config_path.removesuffix(".yaml"), package, content):
            raise ConfigError(f"{self.path}/{config_path.removesuffix('.yaml')}.yaml: {fault}")
        return found


def register_source() -> None:
    """Make `outside://` known to Hydra; repeating it changes nothing."""
    from hydra._internal.sources_registry import SourcesRegistry

    SourcesRegistry.instance().register(OutsideSource)


def faults(name: str, package: str, content: Any) -> Iterator[str]:
    """What a file from outside may not say.

    Args:
        name: of the config, e.g. `experiment/mine`.
        package: from its header, e.g. `_global_`.
        content: plain lists and dicts, not resolved.

    >>> list(faults("experiment/mine", "_global_", {"hydra": {"callbacks": {"x": {"_target_": "os.system"}}}}))
    ['hydra.callbacks is for the command line: a file may set hydra.launcher alone']
    """
    is_launcher = name.startswith("hydra/launcher/")
    if "hydra" in package or (name.partition("/")[0] == "hydra" and not is_launcher):
        yield "sets up Hydra, which is for the command line"
    if isinstance(content, dict):
        of_hydra = {"launcher": content} if is_launcher else content.get("hydra", {})
        yield from _faults_of_node(of_hydra)
        yield from _faults_of_defaults(content.get("defaults"))
    for text in _texts(content):
        if has_resolver(text):
            yield f"{text}: nothing is looked up for a file but keys of the declaration; type the value"


def _faults_of_node(node: Any) -> Iterator[str]:
    for name, values in node.items() if isinstance(node, dict) else [("", node)] if node is not None else []:
        if name != "launcher" or not isinstance(values, dict):
            yield f"hydra.{name} is for the command line: a file may set hydra.launcher alone"
            continue
        for key, value in _flat(values):
            if key != "defaults" and not (key in LAUNCHER_KEYS and re.fullmatch(_PLAIN, str(value))):
                known = ", ".join(LAUNCHER_KEYS)
                yield f"hydra.launcher.{key} is for the command line: of a launcher a file may set {known}"


def _faults_of_defaults(defaults: Any) -> Iterator[str]:
    for entry in defaults if isinstance(defaults, list) else []:
        for key, choice in (entry if isinstance(entry, dict) else {str(entry): None}).items():
            named = str(key).removeprefix("override ").strip().lstrip("/")
            if named == "hydra/launcher" and choice in LAUNCHERS:
                continue
            if "hydra" in named:
                yield f"defaults: {key}: {choice} sets up Hydra, which is for the command line"


def _flat(values: dict[Any, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(name)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def has_resolver(text: str) -> bool:
    """Whether a text asks for more than another key of the declaration.

    >>> has_resolver("${network.image_size}"), has_resolver("${oc.env:TOKEN}"), has_resolver("${${a}:b}")
    (False, True, True)
    """
    return "${" in _REFERENCE.sub("", text)


def taken_up(recorded: Sequence[str]) -> tuple[list[str], list[str]]:
    """The recorded overrides that a sweep goes on with, and those of Hydra's that must be typed again.

    >>> taken_up(["seed=1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=4", "+hydra.callbacks.x=y"])
    (['seed=1,2', 'hydra/launcher=joblib', 'hydra.launcher.n_jobs=4'], ['+hydra.callbacks.x=y'])
    """
    fine = [text for text in recorded if not _is_of_hydra(text) or _CHOICE.fullmatch(text) or _SETTING.fullmatch(text)]
    return fine, [text for text in recorded if text not in fine]


def _is_of_hydra(text: str) -> bool:
    key = text.partition("=")[0]
    return "hydra" in key or "@" in key
