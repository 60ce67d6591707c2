"""The steps that make a CNTK runtime in a folder: environment, MPI libraries, smoke test. Decides nothing."""

import json
import math
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinlab import children
from skinlab.engines.cntk.pins import Variant
from skinlab.errors import SetupError

SMOKE_SCRIPT = Path(__file__).with_name("smoke.py")
SITE_PACKAGES = "venv/lib/python3.6/site-packages"
_SMOKE_TIMEOUT = 600  # a GPU that CNTK's kernels are compiled for at the first start takes minutes


def create_venv(python: Path, root: Path) -> None:
    """Makes ROOT/venv: the standard library of a CPython 3.6 and an empty site-packages, which is created too.

    Args:
        python: the base interpreter.
        root: the runtime's folder.

    Raises:
        SetupError: the interpreter cannot make one.
    """
    command = [str(python), "-m", "venv", "--without-pip", str(root / "venv")]
    done = children.run(command, environment=children.clean_environment())
    if done.returncode != 0:
        raise SetupError(f"{python} cannot make a virtual environment: {children.last_words(done)}")
    for script in (root / "venv" / "bin").glob("[aA]ctivate*"):  # they hold the folder's name before it is renamed
        script.unlink()
    (root / SITE_PACKAGES).mkdir(parents=True, exist_ok=True)


def smoke_test(python: Path, variant: Variant, environment: Mapping[str, str]) -> dict[str, Any]:
    """Trains a small network in the runtime, with the environment that a worker gets.

    Args:
        python: the runtime's interpreter.
        variant: which device is used.
        environment: of the process.

    Returns:
        `cntk` (version), `devices`, `losses` (one per step), `repeats`, `seconds`.

    Raises:
        SetupError: CNTK does not load, does not learn or does not repeat; quotes its last words.
    """
    started = time.monotonic()
    try:
        done = children.run([python, SMOKE_SCRIPT, variant], environment=environment, timeout=_SMOKE_TIMEOUT)
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"CNTK's smoke test did not end within {_SMOKE_TIMEOUT} s") from error
    if done.returncode != 0:
        raise SetupError(f"CNTK's smoke test failed: {children.last_words(done)}")
    return {**_judged(done.stdout), "seconds": round(time.monotonic() - started, 3)}


def _judged(output: str) -> dict[str, Any]:
    """Reads the smoke test's result, the line of JSON among what CNTK prints, and refuses a bad one."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise SetupError("CNTK's smoke test failed: it printed no result")
    result: dict[str, Any] = json.loads(lines[-1])
    losses = result["losses"]
    if not all(map(math.isfinite, losses)) or losses[-1] >= losses[0] / 2:
        raise SetupError(f"CNTK's smoke test failed: the loss does not fall: {losses}")
    if not result["repeats"]:
        raise SetupError("CNTK's smoke test failed: a second training gives other numbers")
    return result
