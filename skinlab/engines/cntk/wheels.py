"""Fetches pinned wheels for CPython 3.6 and installs them, by the pip of the interpreter that runs skinlab.

The private environment has no working pip of its own to maintain: 3.6's last one no longer speaks to every index.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from skinlab import children
from skinlab.errors import SetupError
from skinlab.files import sha256_of
from skinlab.transfer import wheels
from skinlab.transfer.wheels import Pin

_PLATFORM = (
    "--python-version=3.6",
    "--implementation=cp",
    "--abi=cp36m",
    "--platform=manylinux1_x86_64",
    "--only-binary=:all:",
)


def _install_environment() -> dict[str, str]:
    """No setting counts: everything is said on the command line."""
    kept = {name: value for name, value in children.clean_environment().items() if not name.startswith("PIP_")}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def downloaded(pin: Pin, folder: Path) -> Path | None:
    """The wheel of a pin in the folder of downloads, if it is there and whole."""
    for path in sorted(folder.glob(pin.wheel_pattern)):
        if sha256_of(path) == pin.sha256:
            return path
    return None


def fetch(pins: list[Pin], folder: Path, report: Callable[[str], None]) -> None:
    """Downloads the wheels that are not there yet, one after another, so that a killed set-up goes on with the next.

    Args:
        pins: what is wanted.
        folder: where wheels are kept.
        report: is told of each download.

    Raises:
        SetupError: pip cannot get a wheel, or it has another hash.
        OSError: the folder cannot be written, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for left_over in folder.glob(".fetch-*"):  # of a killed set-up: the caller's lock says that nobody else is here
        shutil.rmtree(left_over)
    for pin in pins:
        if downloaded(pin, folder) is None:
            report(f"fetching {pin.name} {pin.version}")
            _fetch_one(pin, folder)


def _fetch_one(pin: Pin, folder: Path) -> None:
    if failure := wheels.download(pin, folder, _PLATFORM):
        raise SetupError(
            f"could not fetch {pin.name} {pin.version}: {failure}; check the network and pip's index settings and "
            "run `skinlab setup cntk` again: what was fetched is kept"
        )


def install(pins: list[Pin], folder: Path, site_packages: Path) -> None:
    """Unpacks fetched wheels into another interpreter's site-packages.

    Args:
        pins: what is installed; no dependency besides.
        folder: where `fetch` put the wheels.
        site_packages: of the private environment.

    Raises:
        SetupError: pip fails.
        OSError: the disk is full.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as temporary:
        wanted = wheels.requirements(pins, Path(temporary))
        failure = wheels.pip(
            *("install", "--no-index", "--find-links", folder, "--no-deps", "--require-hashes", "-r", wanted),
            *("--no-compile", "--target", site_packages, *_PLATFORM),  # this pip would compile for its own Python
            environment=_install_environment(),
        )
    if failure:
        raise SetupError(f"could not install the fetched wheels from {folder}: {failure}")
    shutil.rmtree(site_packages / "bin", ignore_errors=True)  # scripts of numpy and pip for the wrong interpreter
