"""Where skinlab keeps what outlives a run: runtimes, caches and the user's settings.

Everything lies under one home so that it can be moved, shared or deleted as one: `$SKINLAB_HOME`, or
`$XDG_DATA_HOME/skinlab`, or `~/.local/share/skinlab`.
"""

import os
from pathlib import Path

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
