"""The pinned packages of the CNTK runtime, read from requirements.lock; does not fetch or install them."""

import hashlib
import re
from pathlib import Path
from typing import Literal

from skinlab.transfer.wheels import Pin

Variant = Literal["cpu", "gpu"]

LOCK_FILE = Path(__file__).with_name("requirements.lock")
CNTK_PACKAGES: dict[Variant, str] = {"cpu": "cntk", "gpu": "cntk-gpu"}
_LINE = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})")


def parse(text: str) -> list[Pin]:
    r"""Reads pins from the text of a lock file.

    Args:
        text: one `name==version --hash=sha256:HEX` a line, empty lines and comments.

    Returns:
        The pins in the order of the lines.

    Raises:
        ValueError: a line is something else.

    >>> parse("# why\nnumpy==1.19.5 --hash=sha256:" + "0" * 64)[0].wheel_pattern
    'numpy-1.19.5-*.whl'
    """
    pins = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"not a pinned requirement: {line!r}")
        pins.append(Pin(**match.groupdict()))
    return pins


def pins_of(variant: Variant) -> list[Pin]:
    """The packages of one variant of the runtime, CNTK itself first."""
    others = {package for key, package in CNTK_PACKAGES.items() if key != variant}
    return [pin for pin in parse(LOCK_FILE.read_text(encoding="utf-8")) if pin.name not in others]


def runtime_name(variant: Variant) -> str:
    """Name of the variant's folder.

    >>> runtime_name("cpu")
    'cntk-2.7.post2-cpu'
    """
    return f"cntk-{pins_of(variant)[0].version}-{variant}"


def lock_sha256() -> str:
    """Identifies the lock file; a runtime made from another one is outdated."""
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()
