"""The user's own settings: what belongs to a person or a machine, never to an experiment.

Read from `settings.toml` in skinlab's home; a declaration or a run directory cannot change them.
"""

import math
import os
import tomllib
from pathlib import Path
from typing import Any

from skinlab import paths
from skinlab.errors import ConfigError

CACHE_VARIABLE = "SKINLAB_CACHE_GB"
DEFAULT_CACHE_GB = 50.0
KNOWN = ("allowed_targets", "cache_gb")


def settings_file() -> Path:
    """Where the settings are; need not exist."""
    return paths.home() / "settings.toml"


def allowed_targets() -> list[str]:
    """`allowed_targets`: packages beside albumentations whose classes a `_target_` may name; none by default.

    Raises:
        ConfigError: the settings cannot be read, or are not a list of names.
    """
    allowed = _read().get("allowed_targets", [])
    if not isinstance(allowed, list) or not all(isinstance(prefix, str) and prefix.strip(". ") for prefix in allowed):
        file = settings_file()
        raise ConfigError(f'{file}: allowed_targets must be a list of package names, e.g. ["mylab.transforms"]')
    return allowed


def cache_bytes() -> int:
    """How much the cache folder may hold: `$SKINLAB_CACHE_GB`, or `cache_gb`, or `DEFAULT_CACHE_GB`, in 10^9 bytes.

    Raises:
        ConfigError: the settings cannot be read, or it is not a positive number.
    """
    if given := os.environ.get(CACHE_VARIABLE):
        return _as_bytes(_number(given), f"{CACHE_VARIABLE}={given}")
    value = _read().get("cache_gb", DEFAULT_CACHE_GB)
    return _as_bytes(value, f"{settings_file()}: cache_gb = {value}")


def cache_advice() -> str:
    """What to do where the cache may not hold enough."""
    return f"raise cache_gb in {settings_file()}, or {CACHE_VARIABLE}"


def _read() -> dict[str, Any]:
    file = settings_file()
    if not file.is_file():
        return {}
    _require_own(file)
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read as TOML: {error}") from error
    for name in found:
        if name not in KNOWN:
            raise ConfigError(f"{file}: there is no setting {name}; there are: {', '.join(KNOWN)}")
    return found


def _require_own(file: Path) -> None:
    """Refuse settings that somebody else may have written: they say whose code is run."""
    found = file.stat()
    if found.st_uid not in (os.getuid(), 0) or found.st_mode & 0o002:
        raise ConfigError(f"{file} is not yours, or anybody may write it: it says whose code is run; chmod o-w it")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _as_bytes(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise ConfigError(f"{where} must be a number above 0, the gigabytes that the cache may hold, e.g. 50")
    return int(value * 1e9)
