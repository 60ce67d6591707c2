"""The environment that a bundle runs in: its own pinned packages and those of Microsoft's inference server, by hash."""

import hashlib
import json
import re
from importlib import resources
from typing import Any

from skinlab import schema
from skinlab.serving.loading import Bundle
from skinlab.serving.packing import require_portable

NAME = "skinlab-serving"
PYTHON = "3.11"
REQUIREMENTS, SERVER = "requirements.txt", "server.txt"
DIGITS = 12
"""Of a hash that tells a version."""


def requirements(bundle: Bundle) -> list[str]:
    """Every package, exact version and hashes, as lines that pip takes.

    Raises:
        BundleError: an older skinlab wrote the bundle.
    """
    require_portable(bundle)
    own = _lines((bundle.path / REQUIREMENTS).read_text(encoding="utf-8"))
    server = _lines(resources.files(__package__).joinpath(SERVER).read_text(encoding="utf-8"))
    known = {_package(line) for line in own}
    return [*own, *(line for line in server if _package(line) not in known)]


def conda(bundle: Bundle) -> dict[str, Any]:
    """The environment as conda declares it."""
    packages = [f"python={PYTHON}", "pip", {"pip": requirements(bundle)}]
    return {"name": NAME, "channels": ["conda-forge"], "dependencies": packages}


def version(bundle: Bundle, declared: schema.AzureDeployment) -> str:
    """The same for the same packages on the same image, so that one image is built for many deployments."""
    text = json.dumps([declared.image, conda(bundle)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _lines(text: str) -> list[str]:
    """Requirements with their hashes, each on one line."""
    return [re.sub(r"\s+", " ", line) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def _package(line: str) -> str:
    return line.partition("==")[0].strip().lower()
