"""The environment that a run was made in, built again: its Python, its packages by environment.lock, its code.

CNTK's runtime is not part of it: it has one set of pinned versions, and a run that was made with another one says so.
"""

import json
import logging
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import skinlab
from skinlab import children, files, paths
from skinlab.data.storage import TEMPORARY, cache_access, remove_stale
from skinlab.errors import OutputError, SetupError
from skinlab.run import Run
from skinlab.runs.differences import LOCK_FILE, OURS, packages

log = logging.getLogger(__name__)

_SECONDS = 3600
"""Of one step: a download of PyTorch may take long."""
_QUESTION = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
_FACTS = (
    "import json; from skinlab import machine; "
    "print(json.dumps({'code': machine.code_version(), 'machine': machine.describe()}))"
)
_OURS = "skinlab"
_NAME, _RELEASE = r"[a-z0-9]+(-[a-z0-9]+)*", r"[0-9A-Za-z][0-9A-Za-z.!+_-]*"
_COMMIT, _PYTHON = r"[0-9a-f]{40}", r"\d+\.\d+\.\d+[0-9a-z+]*"


@dataclass(frozen=True)
class Environment:
    """An environment that can run skinlab as it was.

    Attributes:
        python: its interpreter.
        variables: in which its processes must run.
        facts: `code` and `machine`, as run.json has them.
    """

    python: Path
    variables: dict[str, str]
    facts: dict[str, Any]


def is_own(run: Run) -> bool:
    """Whether this user made the run here, with the very environment.lock that lies in it."""
    lock = run.path / LOCK_FILE
    return run.is_own() and lock.is_file() and files.sha256_of(lock) == run.record.get("environment_sha256")


def consequence(run: Run) -> str:
    """What building the environment of a run and running in it does.

    Raises:
        OutputError: what it names is no package, version or commit.
    """
    code, pins = _checked(run), packages(run.path)[OURS]
    commit = f"commit {code['commit'][:12]} of this checkout" if code.get("commit") else f"skinlab {code['version']}"
    return f"reproducing it with --environment installs {len(pins)} packages of its choice and runs them and {commit}"


def _checked(run: Run) -> dict[str, Any]:
    """The recorded code, after everything that becomes a word of a command line was found to be what it must be."""
    code, python = run.record["code"], run.record["machine"]["python"]
    wrong = [
        f"{LOCK_FILE}: {name}=={version}"
        for name, version in packages(run.path)[OURS].items()
        if not (re.fullmatch(_NAME, name) and re.fullmatch(_RELEASE, version))
    ]
    wrong += [f"commit {code['commit']}"] if code.get("commit") and not re.fullmatch(_COMMIT, code["commit"]) else []
    wrong += [f"version {code.get('version')}"] if not re.fullmatch(_RELEASE, str(code.get("version"))) else []
    wrong += [f"Python {python}"] if not re.fullmatch(_PYTHON, str(python)) else []
    if wrong:
        raise OutputError(f"{run.path}: {wrong[0]!r} is no name and version, commit or Python as skinlab records them")
    return dict(code)


@contextmanager
def recorded(run: Run, python: Path | None = None) -> Iterator[Environment]:
    """Build the environment of a run, and remove it after the block.

    Args:
        run: whose environment.lock and code are wanted.
        python: an interpreter of its Python version; None: one is searched.

    Raises:
        SetupError: there is no such Python, or a package or the code cannot be had.
        OutputError: the run has no environment.lock, or there is no room.
    """
    pins = packages(run.path)[OURS]
    if not pins:
        raise OutputError(f"{run.path} has no {LOCK_FILE}: its environment is not known")
    _checked(run)
    interpreter = find_python(str(run.record["machine"]["python"]), python)
    folder = paths.home() / "environments" / f"{TEMPORARY}{uuid.uuid4().hex}"
    with cache_access(folder.parent):
        folder.mkdir(parents=True)
        remove_stale(folder.parent)
    try:
        yield _build(run, pins, interpreter, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_python(version: str, given: Path | None = None) -> Path:
    """An interpreter of a version, or of another patch of it.

    Raises:
        SetupError: there is none.
    """
    minor = version.rpartition(".")[0]
    found = {path: answer for path in _candidates(minor, given) if (answer := _version(path)).startswith(f"{minor}.")}
    exact = [path for path, answer in found.items() if answer == version]
    if not found:
        named = f"{given} is no Python {minor}" if given else f"Python {minor} is not on this machine"
        raise SetupError(f"{named}, and the run was made with {version}: install it, or name it with --python PATH")
    path = (exact or list(found))[0]
    if not exact:
        log.warning("Python %s in the place of %s: %s", found[path], version, path)
    return path


def _candidates(minor: str, given: Path | None) -> list[Path]:
    if given is not None:
        return [given]
    named = shutil.which(f"python{minor}")
    pyenv = sorted(Path("~/.pyenv/versions").expanduser().glob(f"{minor}.*/bin/python{minor}"))
    return [Path(sys.executable), *([Path(named)] if named else []), *pyenv]


def _version(python: Path) -> str:
    """What an interpreter says of itself; nothing where it does not run."""
    try:
        done = children.run([python, "-I", "-c", _QUESTION], environment=children.clean_environment(), timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _build(run: Run, pins: dict[str, str], interpreter: Path, folder: Path) -> Environment:
    """First what may be refused at once: the code; then the packages, which take long."""
    source = _source(run, folder)
    venv = folder / "venv"
    _do([interpreter, "-m", "venv", venv], "the environment cannot be made")
    python = venv / "bin" / "python"
    wanted = [f"{name}=={version}" for name, version in pins.items() if name != _OURS]
    (folder / "requirements.txt").write_text("\n".join(wanted) + "\n")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"]
    log.info("installing %d packages as %s pins them", len(wanted), run.path / LOCK_FILE)
    _do([*pip, "-r", folder / "requirements.txt"], "packages of the run cannot be installed")
    # Without the safe path the current directory comes first, and a checkout would run in the place of the run's code.
    variables = children.clean_environment() | {"PYTHONSAFEPATH": "1"}
    if source is None:
        version = run.record["code"]["version"]
        _do([*pip, f"{_OURS}=={version}"], f"skinlab {version}, which the run was made with, cannot be installed")
    else:
        variables["PYTHONPATH"] = str(source)
    done = _do([python, "-c", _FACTS], "skinlab does not start in the environment of the run", variables)
    return Environment(python, variables, json.loads(done.stdout.splitlines()[-1]))


def _source(run: Run, folder: Path) -> Path | None:
    """The code of the run: its commit from this checkout, or this installation where it is of the same version.

    None where it has to come from the package index.
    """
    code, package = run.record["code"], Path(skinlab.__file__).resolve().parent
    source = folder / "source"
    if code.get("commit"):
        checkout = package.parent
        if not (checkout / ".git").exists():
            raise SetupError(
                f"the run was made from commit {code['commit'][:12]} of a checkout, and this skinlab is none: "
                "reproduce it with the skinlab of a git checkout that has the commit"
            )
        _do(["git", "clone", "--quiet", "--shared", "--no-checkout", checkout, source], "the code cannot be copied")
        _do(
            ["git", "-C", source, "checkout", "--quiet", "--detach", code["commit"]],
            f"this checkout does not have commit {code['commit'][:12]}, which the run was made from: git fetch it",
        )
        return source
    if code.get("version") == skinlab.__version__:
        shutil.copytree(package, source / _OURS, ignore=shutil.ignore_patterns("__pycache__", "conf"))
        shutil.copytree(paths.conf_dir(), source / _OURS / "conf")
        return source
    return None


def _do(
    command: list[Any], refusal: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One step; its last words where it fails."""
    try:
        done = children.run(command, environment=environment or children.clean_environment(), timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"{refusal}: not done after {_SECONDS // 60} minutes") from error
    except OSError as error:
        raise SetupError(f"{refusal}: {error.strerror or error}") from error
    if done.returncode != 0:
        raise SetupError(f"{refusal}: {children.last_words(done)}")
    return done
