"""A pinned wheel from the package index, by the pip of the interpreter that runs skinlab; nothing of it is run."""

import importlib.util
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skinlab import children
from skinlab.errors import SetupError

# Settings of the user that are meant for other installs and would break this one.
_UNWANTED = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_REQUIREMENT", "PIP_NO_BINARY", "PIP_PLATFORM")


@dataclass(frozen=True)
class Pin:
    """One package in one version, and the SHA-256 of its only acceptable wheel."""

    name: str
    version: str
    sha256: str

    @property
    def requirement(self) -> str:
        """The line that pip reads."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"

    @property
    def wheel_pattern(self) -> str:
        """Glob pattern of its wheel's file name."""
        return f"{self.name.replace('-', '_')}-{self.version}-*.whl"


def pip(*arguments: str | Path, environment: dict[str, str]) -> str:
    """Runs pip; returns what went wrong, or nothing.

    Raises:
        SetupError: this environment has no pip.
    """
    if importlib.util.find_spec("pip") is None:
        raise SetupError(f"pip is missing in the environment of {sys.executable}: run `{sys.executable} -m ensurepip`")
    done = children.run([sys.executable, "-m", "pip", *arguments], environment=environment)
    return children.last_words(done) if done.returncode else ""


def requirements(pins: list[Pin], folder: Path) -> Path:
    """A file for pip's `-r`, with hashes."""
    path = folder / "requirements.txt"
    path.write_text("".join(f"{pin.requirement}\n" for pin in pins), encoding="utf-8")
    return path


def download(pin: Pin, folder: Path, platform: Sequence[str] = ()) -> str:
    """Put a wheel into a folder, verified.

    Args:
        pin: what is wanted; no dependency besides.
        folder: where it comes to lie; a temporary folder is made in it.
        platform: pip's options for another interpreter than this one.

    Returns:
        what went wrong, or nothing.

    Raises:
        SetupError: this environment has no pip.
        OSError: the folder cannot be written, or the disk is full.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
        wanted = requirements([pin], Path(temporary))
        failure = pip(
            *("download", "--no-deps", "--require-hashes", "-r", wanted, "--dest", temporary),
            *("--only-binary=:all:", *platform),
            environment=_environment(),
        )
        for wheel in Path(temporary).glob(pin.wheel_pattern):
            wheel.replace(folder / wheel.name)
    return failure


def _environment() -> dict[str, str]:
    """The user's index, proxy and certificates count; a constraints file for other packages does not."""
    kept = {name: value for name, value in children.clean_environment().items() if name not in _UNWANTED}
    return {**kept, "PIP_CONSTRAINT": os.devnull, "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
