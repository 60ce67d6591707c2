"""Finds a CPython 3.6 on this machine: by setting, on PATH, in pyenv, in conda. Installs none."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skinlab import children
from skinlab.errors import SetupError, UnavailableError

VARIABLE = "SKINLAB_PYTHON36"
EXECUTABLE = "python3.6"
_WANTED = [3, 6]
_TIMEOUT = 20
# Printed by the candidate. The base interpreter counts, because a venv made from a venv's interpreter does not work.
_QUESTION = """
import json, os, sys
base = getattr(sys, "real_prefix", getattr(sys, "base_prefix", sys.prefix))
path = sys.executable if base == sys.prefix else os.path.join(base, "bin", "python%d.%d" % sys.version_info[:2])
name = sys.implementation.name if hasattr(sys, "implementation") else "unknown"
print(json.dumps([path, list(sys.version_info[:3]), name, sys.maxsize > 2 ** 32]))
"""
_CONDA_FOLDERS = ("miniconda3", "anaconda3", "miniforge3", "mambaforge", "micromamba", ".conda")


@dataclass(frozen=True)
class Interpreter:
    """A CPython 3.6 that was run and answered."""

    path: Path
    version: str
    source: str


@dataclass(frozen=True)
class Search:
    """What a search found, and where it looked with what result, in order."""

    found: Interpreter | None
    looked: list[str]


def examine(path: Path, source: str) -> Interpreter | str:
    """Runs a candidate and asks what it is.

    Args:
        path: the executable; a pyenv shim or a broken link is a candidate like any other.
        source: where it comes from, for messages.

    Returns:
        The interpreter, or the reason why it cannot be used.
    """
    try:
        done = children.run([path, "-I", "-c", _QUESTION], environment=children.clean_environment(), timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"does not answer within {_TIMEOUT} s"
    except OSError as error:
        return f"cannot be started ({error.strerror})"
    if done.returncode != 0:
        return f"does not run ({(done.stderr.strip().splitlines() or ['no message'])[0]})"
    return _judged(done.stdout, source)


def _judged(answer: str, source: str) -> Interpreter | str:
    try:
        executable, version, implementation, is_64_bit = json.loads(answer)
    except (ValueError, TypeError):
        return "does not answer as a Python does"
    text = ".".join(str(number) for number in version)
    if version[:2] != _WANTED:
        return f"is Python {text}"
    if implementation != "cpython" or not is_64_bit:
        return f"is {implementation} {text}, {'64' if is_64_bit else '32'}-bit; a 64-bit CPython is needed"
    return Interpreter(Path(executable), text, source)


def _newest_first(paths: Iterator[Path]) -> list[Path]:
    def order(path: Path) -> tuple[list[int], str]:
        return [int(number) for number in re.findall(r"\d+", str(path))], str(path)

    return sorted(paths, key=order, reverse=True)


def _on_path() -> list[Path]:
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder]
    return [folder / EXECUTABLE for folder in folders if (folder / EXECUTABLE).exists()]


def _output(command: list[str]) -> str:
    """Standard output of a tool that may be absent or broken; empty then, since the search just goes on."""
    if shutil.which(command[0]) is None:
        return ""
    try:
        done = children.run(command, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _pyenv_roots() -> list[Path]:
    named = [os.environ.get("PYENV_ROOT", ""), str(Path("~/.pyenv").expanduser()), _output(["pyenv", "root"])]
    return [Path(root) for root in dict.fromkeys(named) if root]


def _in_pyenv() -> list[Path]:
    return [path for root in _pyenv_roots() for path in _newest_first(root.glob(f"versions/*/bin/{EXECUTABLE}"))]


def _conda_roots() -> list[Path]:
    executable = os.environ.get("CONDA_EXE", "")
    named = [os.environ.get(name, "") for name in ("CONDA_PREFIX", "MAMBA_ROOT_PREFIX")]
    named.append(str(Path(executable).parent.parent) if executable else "")
    named += [str(Path("~", folder).expanduser()) for folder in _CONDA_FOLDERS]
    return [Path(root) for root in dict.fromkeys(named) if root]


def _in_conda_folders() -> list[Path]:
    known = Path("~/.conda/environments.txt").expanduser()
    listed = known.read_text(encoding="utf-8").splitlines() if known.is_file() else []
    prefixes = [Path(line.strip()) for line in listed if line.strip()]
    for root in _conda_roots():
        prefixes += [root, *_newest_first(root.glob("envs/*"))]
    return _executables(prefixes)


def _told_by_conda() -> list[Path]:
    for tool in dict.fromkeys([os.environ.get("CONDA_EXE", "conda"), "conda", "mamba", "micromamba"]):
        if answer := _output([tool, "env", "list", "--json"]):
            try:
                return _executables([Path(prefix) for prefix in json.loads(answer)["envs"]])
            except (ValueError, KeyError, TypeError):  # a tool of that name that speaks otherwise
                continue
    return []


def _executables(prefixes: list[Path]) -> list[Path]:
    paths = [prefix / "bin" / EXECUTABLE for prefix in dict.fromkeys(prefixes)]
    return [path for path in paths if path.exists()]


def search() -> Search:
    """Looks in PATH, pyenv and conda, the quick ways first, and stops at the first that answers as CPython 3.6.

    Returns:
        The interpreter, if any, and one line per place.
    """
    looked: list[str] = []
    for source, candidates in (
        ("PATH", _on_path),
        ("pyenv", _in_pyenv),
        ("conda", _in_conda_folders),
        ("conda env list", _told_by_conda),
    ):
        paths = candidates()
        if not paths:
            looked.append(f"{source}: {_nothing(source)}")
        for path in paths:
            answer = examine(path, source)
            if isinstance(answer, Interpreter):
                return Search(answer, [*looked, f"{source}: {path}"])
            looked.append(f"{source}: {path} {answer}")
    return Search(None, looked)


def _nothing(source: str) -> str:
    if source == "PATH":
        return f"no {EXECUTABLE}"
    if source == "pyenv":
        return f"no {EXECUTABLE} in " + ", ".join(f"{root}/versions/*/bin" for root in _pyenv_roots())
    if source == "conda":
        return f"no {EXECUTABLE} in the environments of " + ", ".join(str(root) for root in _conda_roots())
    return "no conda, mamba or micromamba that lists one"


def find(python: Path | None = None) -> Interpreter:
    """A CPython 3.6 to base the CNTK runtime on.

    Args:
        python: the user's choice; None: the variable SKINLAB_PYTHON36, else a search.

    Returns:
        The interpreter.

    Raises:
        SetupError: the chosen one cannot be used.
        UnavailableError: none was found; the message lists where it looked.
    """
    setting = os.environ.get(VARIABLE)
    if python is not None or setting:
        source = "--python" if python is not None else VARIABLE
        return _chosen(python if python is not None else Path(setting or ""), source)
    result = search()
    if result.found is None:
        raise UnavailableError(_none_found(result.looked))
    return result.found


def _chosen(path: Path, source: str) -> Interpreter:
    located = shutil.which(path.expanduser())
    answer = examine(Path(located), source) if located else "is no executable file"
    if isinstance(answer, str):
        raise SetupError(f"{source}: {path} {answer}; name a CPython 3.6, or leave the setting out to search for one")
    return answer


def _none_found(looked: list[str]) -> str:
    places = "\n".join(f"  {line}" for line in [f"setting: --python and {VARIABLE} are not given", *looked])
    return (
        "CNTK 2.7 needs a CPython 3.6, and none was found. Looked in:\n"
        f"{places}\n"
        "Three ways to get one:\n"
        "  pyenv install 3.6.15\n"
        "  conda create -n py36 python=3.6\n"
        f"  skinlab setup cntk --python /path/to/python3.6   (or {VARIABLE}=/path/to/python3.6)\n"
        "Then run `skinlab setup cntk` again."
    )
