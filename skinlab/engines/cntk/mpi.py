"""Provides the MPI libraries that CNTK 2.7 is linked against, in a private folder; installs nothing on the system.

CNTK links OpenMPI 1.10: libmpi.so.12 and libmpi_cxx.so.1. The system's OpenMPI with C++ bindings, linked under these
names, serves (4.x does); without one, a stub compiled from mpi_stub.c serves a single process.
"""

import importlib.util
import os
import shlex
import shutil
import sys
from pathlib import Path

from skinlab import children
from skinlab.errors import SetupError

NAMES = ("libmpi.so.12", "libmpi_cxx.so.1")
LAUNCHERS = ("mpiexec", "mpirun", "mpiexec.openmpi")
INSTALL = "install it (Debian, Ubuntu: apt install openmpi-bin libopenmpi3)"
STUB_SOURCE = Path(__file__).with_name("mpi_stub.c")
_PAIRS = (NAMES, ("libmpi.so.40", "libmpi_cxx.so.40"))
_MARK = b"ompi_mpi_comm_world"  # MPICH has a libmpi.so.12 too, with other handles
_LINKER_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib", "/lib")
_USUAL_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu/openmpi/lib",
    "/usr/lib64",
    "/usr/lib64/openmpi/lib",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/openmpi/lib",
    "/opt/openmpi/lib",
)


def library_folders() -> list[Path]:
    """Where an OpenMPI of this system may lie: LD_LIBRARY_PATH, beside `mpirun`, the usual folders."""
    folders = [Path(folder) for folder in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
    if launcher := shutil.which("mpirun"):
        prefix = Path(launcher).resolve().parent.parent
        folders += [prefix / "lib", prefix / "lib64"]
    return list(dict.fromkeys([*folders, *map(Path, _USUAL_FOLDERS)]))


def find_openmpi(folders: list[Path] | None = None) -> tuple[Path, Path] | None:
    """The system's OpenMPI with C++ bindings.

    Args:
        folders: where to look; None: `library_folders()`.

    Returns:
        Paths of libmpi and libmpi_cxx, or None where there is no such pair.
    """
    for folder in library_folders() if folders is None else folders:
        for c_name, cxx_name in _PAIRS:
            c_library, cxx_library = folder / c_name, folder / cxx_name
            if c_library.is_file() and cxx_library.is_file() and _MARK in c_library.read_bytes():
                return c_library, cxx_library
    return None


def link(libraries: tuple[Path, Path], folder: Path) -> None:
    """Links the system's libraries under the names that CNTK looks for."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, library in zip(NAMES, libraries, strict=True):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(library)


def find_launcher() -> str | None:
    """OpenMPI's mpiexec, or None. Another MPI's has other options and does not start CNTK's."""
    for name in LAUNCHERS:
        path = shutil.which(name)
        if path and any(mark in children.run([path, "--version"]).stdout for mark in ("Open MPI", "OpenRTE")):
            return path
    return None


def require_launcher(workers: int) -> str:
    """OpenMPI's mpiexec.

    Raises:
        SetupError: it is not here; says what to install.
    """
    if launcher := find_launcher():
        return launcher
    raise SetupError(
        f"engine.workers={workers} needs OpenMPI's mpiexec, which is not on PATH: {INSTALL}, or set engine.workers=1"
    )


def launch(launcher: str, workers: int, folder: Path) -> list[str]:
    """The command before a program that starts it `workers` times on this host.

    Args:
        launcher: OpenMPI's mpiexec.
        workers: how many.
        folder: where its files go, so that they can be removed with it after a kill.
    """
    settings = {
        "plm": "isolated",  # this host alone, whatever a cluster's scheduler says
        "oob_tcp_if_include": "lo",
        "btl": "vader,self",  # shared memory
        "btl_vader_backing_directory": str(folder),
        "orte_tmpdir_base": str(folder),
        "mpi_yield_when_idle": "1",
    }
    options = [word for name, value in settings.items() for word in ("--mca", name, value)]
    as_root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
    return [launcher, "-n", str(workers), "--oversubscribe", "--bind-to", "none", *as_root, *options]


def search_folder(library: Path) -> str:
    """The folder that the dynamic linker must be told of to find a system library's own dependencies.

    Returns:
        The library's folder; empty where it is one that the linker searches anyway. OpenMPI from an environment
        module lies elsewhere, and the module may not be loaded when a worker starts.
    """
    folder = str(library.parent)
    return "" if folder in _LINKER_FOLDERS else folder


def compilers() -> list[list[str]]:
    """Commands that compile C here, in the order they are tried: $CC, cc, gcc, clang, the ziglang package."""
    named = [shlex.split(os.environ.get("CC", "")), ["cc"], ["gcc"], ["clang"]]
    present = [command for command in named if command and shutil.which(command[0])]
    if importlib.util.find_spec("ziglang") is not None:
        present.append([sys.executable, "-m", "ziglang", "cc"])
    return present


def build_stub(folder: Path) -> str:
    """Compiles the stub under both library names.

    Args:
        folder: where the libraries go.

    Returns:
        The compiler command that worked.

    Raises:
        SetupError: there is no C compiler, or none of them compiles the stub.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for compiler in compilers():
        failure = _compile(compiler, folder)
        if not failure:
            return shlex.join(compiler)
        failures.append(f"`{shlex.join(compiler)}` failed: {failure}")
    reason = "; ".join(failures) or "found neither OpenMPI with C++ bindings nor a C compiler"
    raise SetupError(
        f"cannot provide the MPI libraries that CNTK loads: {reason}; install a C compiler (cc, gcc or clang), or the "
        "system package libopenmpi3, or `pip install ziglang`, and run `skinlab setup cntk` again"
    )


def _compile(compiler: list[str], folder: Path) -> str:
    """Compiles both libraries; returns what went wrong, or nothing."""
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)  # a link to the system's library must not be written through
        flags = ["-shared", "-fPIC", "-O1", f"-Wl,-soname,{name}", "-o", str(folder / name), str(STUB_SOURCE)]
        done = children.run([*compiler, *flags])
        if done.returncode != 0:
            return children.last_words(done)
    return ""
