"""What a run was made with: code version, packages, machine and process, as recorded in run.json."""

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import skinlab


@cache
def code_version() -> dict[str, Any]:
    """Version of skinlab and, in a checkout, its commit and whether files differ from it.

    Asked once a process: later changes of the files are not in what it runs.
    """
    checkout = Path(skinlab.__file__).resolve().parent.parent
    version: dict[str, Any] = {"version": skinlab.__version__, "commit": None, "dirty": None}
    if (checkout / ".git").exists():
        version["commit"] = _git(checkout, "rev-parse", "HEAD")
        status = _git(checkout, "status", "--porcelain")
        version["dirty"] = None if status is None else bool(status)
    return version


def _git(checkout: Path, *arguments: str) -> str | None:
    """What git prints, or None where it is missing or refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(checkout), *arguments], capture_output=True, text=True, check=True, timeout=20
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@cache
def packages() -> dict[str, str]:
    """Every package installed in this environment, by lower-case name, with its version; read once a process."""
    described = (item.metadata for item in metadata.distributions())  # each is a parsed file
    return dict(sorted((item["Name"].lower(), item["Version"]) for item in described if item["Name"]))


def describe() -> dict[str, Any]:
    """The machine: system, processor, cores that this process may use, memory."""
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
    }


@cache
def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def process_identity(pid: int | None = None) -> dict[str, Any]:
    """What tells a process (None: this one) from any other, before and after: host, boot, process id and its start."""
    number = os.getpid() if pid is None else pid
    return {"host": platform.node(), "boot": _boot_id(), "pid": number, "started": _start_ticks(number)}


def is_alive(identity: dict[str, Any]) -> bool | None:
    """Whether that process still runs; None where it ran on another host, which cannot be told from here."""
    if identity["host"] != platform.node():
        return None
    return bool(identity["boot"] == _boot_id() and identity["started"] == _start_ticks(identity["pid"]) is not None)


def _boot_id() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _start_ticks(pid: int) -> str | None:
    """Start of a process in clock ticks since boot, as text; None where there is no such process, or it is a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None if sys.platform == "linux" else _start_by_ps(pid)
    after_name = text.rpartition(")")[2].split()
    state, start = after_name[0], after_name[19]
    return None if state == "Z" else start


def _start_by_ps(pid: int) -> str | None:
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
