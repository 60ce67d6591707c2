"""Environments of their own for packages that cannot live beside skinlab's: made once, of exact versions with hashes.

They lie in the user's cache folder by a hash of what they hold; deleting them is safe.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNREACHABLE = re.compile(
    "NewConnectionError|ConnectTimeout|ReadTimeout|Max retries|Name or service not known|name resolution|"
    "Network is unreachable"
)


class UnreachableError(Exception):
    """The package index cannot be reached."""


def made(name: str, requirements: str) -> Path:
    """The interpreter of an environment that holds these packages and no other, made where it is not there.

    Args:
        name: of its folder, for people.
        requirements: lines for pip, each with hashes; all that is needed, pip looks for no more.

    Raises:
        UnreachableError: there is no package index.
        RuntimeError: pip fails otherwise; what it says.
    """
    said = f"{sys.version_info[:3]} {sys.base_prefix} {requirements}"
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skinlab-tests"
    base.mkdir(parents=True, exist_ok=True)
    folder = base / f"{name}-{digest}"
    python = folder / "bin" / "python"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            _install(python, folder / "requirements.txt", requirements)
            (folder / "whole").touch()
    return python


def of(name: str, requirements: str) -> Path:
    """`made`, for tests: without a package index they are skipped."""
    try:
        return made(name, requirements)
    except UnreachableError:
        pytest.skip(f"the environment {name} cannot be made: the package index cannot be reached")


def _install(python: Path, file: Path, requirements: str) -> None:
    file.write_text(requirements)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--python", python]
    words = [*pip, "install", "--quiet", "--no-deps", "--require-hashes", "-r", file]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode and UNREACHABLE.search(done.stderr):
        raise UnreachableError(done.stderr)
    if done.returncode:
        raise RuntimeError(done.stderr)
