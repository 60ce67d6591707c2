"""What a bundle runs with in Azure: this skinlab's code and its pinned packages, and Microsoft's server, by hash.

A bundle brings a copy of that code and of that list, which anybody could have changed; neither is used.
"""

import hashlib
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from skinlab import schema
from skinlab.serving import portable
from skinlab.serving.loading import Bundle
from skinlab.serving.packing import require_portable

NAME = "skinlab-serving"
PYTHON = "3.11"
SCRIPT = "score.py"
REQUIREMENTS, SERVER = "requirements.txt", "server.txt"
DIGITS = 12
"""Of a hash that tells a version."""


def requirements(bundle: Bundle) -> list[str]:
    """Every package, exact version and hashes, as lines that pip takes.

    Raises:
        BundleError: an older skinlab wrote the bundle.
    """
    require_portable(bundle)
    own = _lines(portable.contents()[REQUIREMENTS].decode())
    server = _lines(resources.files(__package__).joinpath(SERVER).read_text(encoding="utf-8"))
    known = {_package(line) for line in own}
    return [*own, *(line for line in server if _package(line) not in known)]


def write_code(folder: Path) -> None:
    """Put what answers requests into a folder: `SCRIPT`, which the server starts, and what it loads from beside it."""
    for name, content in portable.contents().items():
        if name.endswith(".py"):
            (folder / name).write_bytes(content)


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
