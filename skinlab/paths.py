"""Where skinlab keeps what outlives a run: runtimes, caches, weights and the user's settings; and where its YAML is.

All but the YAML lies under one home so that it can be moved, shared or deleted as one: `$SKINLAB_HOME`, or
`$XDG_DATA_HOME/skinlab`, or `~/.local/share/skinlab`.
"""

import os
from pathlib import Path

from skinlab.errors import ConfigError

HOME_VARIABLE = "SKINLAB_HOME"


def home() -> Path:
    """The folder of everything that outlives a run; not created here."""
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().absolute() / "skinlab"


def cache() -> Path:
    """Decoded images, drawn phantoms, file hashes: safe to delete at any time."""
    return home() / "cache"


def runtimes() -> Path:
    """Private interpreters that `skinlab setup` makes."""
    return home() / "runtimes"


def deployments() -> Path:
    """What `skinlab deploy` has put where: records, keys, and the bundles and logs of local services."""
    return home() / "deployments"


def weights() -> Path:
    """Published weights as they were fetched, or put there by hand; safe to delete, they are fetched again."""
    return home() / "weights"


def conf_dir() -> Path:
    """The folder of the YAML that comes with skinlab: inside the installed package, or beside it in a checkout.

    Raises:
        ConfigError: neither is there, the installation is damaged.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "conf", package.parent / "conf"):
        if (candidate / "config.yaml").is_file():
            return candidate
    raise ConfigError(f"{package / 'conf'}: the YAML that comes with skinlab is not there; install skinlab again")


def default_output() -> Path:
    """The declared output_dir, read without a YAML parser: it is asked for by the shell's completion, too.

    Raises:
        ConfigError: the installation is damaged.
    """
    lines = (conf_dir() / "config.yaml").read_text(encoding="utf-8").splitlines()
    return Path(next((line.partition(":")[2].strip() for line in lines if line.startswith("output_dir:")), "."))
