"""The CNTK runtime: a private CPython 3.6 environment with CNTK 2.7 in it; `skinlab setup cntk` makes it.

Here it is found, checked, made and described. Talking to CNTK inside it is the client's and the worker's business.

    SKINLAB_HOME/runtimes/cntk-2.7.post2-cpu/    (or -gpu)
      venv/           CPython 3.6 and the packages of requirements.lock
      mpi/            libmpi.so.12 and libmpi_cxx.so.1
      runtime.json    what was made, from what, and that it works
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import skinlab
from skinlab import children, paths
from skinlab.engines.cntk import building, cpu, gpu, interpreters, mpi, wheels
from skinlab.engines.cntk.interpreters import Interpreter
from skinlab.engines.cntk.pins import Variant, lock_sha256, pins_of, runtime_name
from skinlab.errors import OutputError, SetupError, UnavailableError
from skinlab.transfer.wheels import Pin

SCHEMA = 1
COMMAND = "skinlab setup cntk"
RECORD = "runtime.json"
PREFERRED: tuple[Variant, ...] = ("gpu", "cpu")
# Wheels, unpacked packages and some room, as measured for the CPU build.
_NEEDED_BYTES: dict[Variant, int] = {"cpu": 700_000_000, "gpu": 3_000_000_000}
_INTERPRETER_TIMEOUT = 20

Report = Callable[[str], None]
State = Literal["ready", "missing", "outdated", "broken"]


def _say_nothing(_line: str) -> None:
    """The default of `report`."""


@dataclass(frozen=True)
class Runtime:
    """A complete runtime on disk.

    Attributes:
        root: its folder.
        python: its interpreter.
        variant: `cpu` or `gpu`.
        info: the content of its runtime.json.
    """

    root: Path
    python: Path
    variant: Variant
    info: dict[str, Any]

    def environment(
        self, *, threads: int | None = None, mkl_cpu_type: str = "auto", mpi_folder: Path | None = None
    ) -> dict[str, str]:
        """The full environment of a worker process.

        Args:
            threads: of OpenMP and MKL; None: as the surrounding environment says, else one per core.
            mkl_cpu_type: `auto`, `default` or `avx2`, see `skinlab.engines.cntk.cpu.forces_avx2`.
            mpi_folder: with other MPI libraries than the runtime's own, or None.

        Returns:
            This process's variables without PYTHON*, with the private MPI libraries first on LD_LIBRARY_PATH.

        Raises:
            ValueError: `mkl_cpu_type` is none of the three.
        """
        environment = children.clean_environment()
        folders = [str(mpi_folder or self.root / "mpi"), environment.get("LD_LIBRARY_PATH", "")]
        folders += [mpi.search_folder(Path(library)) for library in self.info["mpi"].get("libraries", [])[:1]]
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(folder for folder in folders if folder)
        environment["PYTHONHASHSEED"] = "0"
        environment.pop("MKL_DEBUG_CPU_TYPE", None)
        if cpu.forces_avx2(mkl_cpu_type):
            environment["MKL_DEBUG_CPU_TYPE"] = "5"
        if threads is not None:
            environment["OMP_NUM_THREADS"] = environment["MKL_NUM_THREADS"] = str(threads)
        return environment

    def parallel_mpi(self, workers: int, folder: Path) -> Path | None:
        """MPI libraries for several workers, linked in `folder` where the runtime has the stub, which serves one.

        Raises:
            SetupError: there is no OpenMPI; says what to install.
        """
        if workers == 1 or self.info["mpi"]["kind"] == "openmpi":
            return None
        libraries = mpi.find_openmpi()
        if libraries is None:
            raise SetupError(
                f"engine.workers={workers} needs OpenMPI's libraries with C++ bindings, and this machine has none: "
                f"{mpi.INSTALL}, or set engine.workers=1"
            )
        mpi.link(libraries, folder)
        return folder

    def packages(self) -> dict[str, str]:
        """Version of each installed package by name, for environment.lock."""
        return {name: package["version"] for name, package in self.info["packages"].items()}


@dataclass(frozen=True)
class Status:
    """What there is of one variant.

    Attributes:
        variant: which.
        state: only a `ready` one can be used; `outdated` was made from other pins.
        reason: one line for people.
        runtime: the runtime, if ready.
    """

    variant: Variant
    state: State
    reason: str
    runtime: Runtime | None = None


def root_of(variant: Variant) -> Path:
    """Folder of a variant's runtime; not created here."""
    return paths.runtimes() / runtime_name(variant)


def inspect(variant: Variant) -> Status:
    """Looks at a variant's runtime and starts its interpreter; does not load CNTK."""
    return _inspect_folder(variant, root_of(variant))


def _inspect_folder(variant: Variant, root: Path) -> Status:
    record = root / RECORD
    if not record.is_file():
        return Status(variant, "missing", f"no CNTK runtime in {root}")
    try:
        info = json.loads(record.read_text(encoding="utf-8"))
        outdated = info["schema"] != SCHEMA or info["lock_sha256"] != lock_sha256()
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Status(variant, "broken", f"{record} cannot be read: {error!r}")
    if outdated:
        return Status(variant, "outdated", f"{root} was made from other pinned versions")
    found = Runtime(root, root / "venv" / "bin" / "python", variant, info)
    if defect := _defect(found):
        return Status(variant, "broken", defect)
    return Status(variant, "ready", f"CNTK {found.packages()[pins_of(variant)[0].name]} in {root}", found)


def _defect(runtime: Runtime) -> str:
    """What keeps a complete-looking runtime from working; empty if nothing is seen."""
    needed = [runtime.root / building.SITE_PACKAGES / "cntk" / "__init__.py"]
    needed += [runtime.root / "mpi" / name for name in mpi.NAMES]
    for path in needed:
        if not path.exists():  # also a link to a system library that was removed
            return f"{path} is missing"
    if runtime.variant == "gpu" and not gpu.driver_loads():
        return "the NVIDIA driver (libnvidia-ml.so.1) is not on this machine"
    try:
        done = children.run([runtime.python, "-c", ""], environment=runtime.environment(), timeout=_INTERPRETER_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{runtime.python} does not start: {error}"
    return f"{runtime.python} fails: {children.last_words(done)}" if done.returncode else ""


def find(variant: str | None = None) -> Runtime | None:
    """A ready runtime.

    Args:
        variant: `cpu` or `gpu`; None: the GPU build if it is ready, else the CPU build.

    Returns:
        The runtime, or None.
    """
    for each in PREFERRED:
        if variant in {None, each} and (runtime := inspect(each).runtime):
            return runtime
    return None


def require() -> Runtime:
    """A ready runtime, GPU build preferred.

    Raises:
        SetupError: there is none; says what is wrong and the command that mends it.
    """
    if runtime := find():
        return runtime
    check_platform()
    reasons = [status.reason for status in map(inspect, PREFERRED) if status.state != "missing"]
    raise SetupError(f"{'; '.join(reasons) or inspect('cpu').reason}: run `{COMMAND}`")


def check_platform() -> None:
    """Raises UnavailableError where CNTK 2.7 does not exist."""
    system, machine, (libc, _) = platform.system(), platform.machine(), platform.libc_ver()
    if (system, machine) != ("Linux", "x86_64") or libc != "glibc":
        found = f"{system} {machine}" + (f" without glibc ({libc or 'another C library'})" if system == "Linux" else "")
        raise UnavailableError(
            f"CNTK 2.7 exists for Linux x86-64 with glibc only, this is {found}: use the torch engine"
        )


def setup(
    variant: str = "auto", python: Path | None = None, force: bool = False, report: Report = _say_nothing
) -> Runtime:
    """Makes the runtime, or finds it ready.

    Safe against interruption: everything is made in a folder `<name>.partial`, which is renamed when it has passed
    its smoke test; fetched wheels are kept. Safe against a second set-up at the same time: it waits for the first.

    Args:
        variant: `cpu`, `gpu`, or `auto`: the GPU build where a GPU that it covers is present.
        python: a CPython 3.6 to base it on; None: SKINLAB_PYTHON36, else a search.
        force: makes it again even if it is ready.
        report: is told each step, one line at a time.

    Returns:
        The ready runtime.

    Raises:
        SetupError: the platform, the GPU, the interpreter, the compiler, the package index or CNTK stands in the way.
        OutputError: the home folder cannot be written, or the disk is full.
    """
    check_platform()
    chosen, reason = gpu.choose_variant(variant, [] if variant == "cpu" else gpu.detect())
    report(reason)
    if not force and (ready := _ready(chosen, report)):
        return ready
    with _writing(paths.runtimes()), _alone(paths.runtimes() / ".cntk.lock", report):
        if not force and (ready := _ready(chosen, report)):
            return ready
        return _make(chosen, python, report, keep_complete=not force)


def _ready(variant: Variant, report: Report) -> Runtime | None:
    runtime = inspect(variant).runtime
    if runtime:
        base = runtime.info["python"]
        report(f"the CNTK runtime is ready: {runtime.root} (CPython {base['version']} of {base['base']})")
    return runtime


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turns a full disk or a missing permission below skinlab's home into one line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}; free some space or permit writing, or choose "
            f"another folder with {paths.HOME_VARIABLE}"
        ) from error


@contextmanager
def _alone(lock: Path, report: Report) -> Iterator[None]:
    """Holds the lock of the set-up; waits for another process that holds it. Death releases it."""
    import fcntl  # not on Windows, where this module only says that CNTK is not for it

    with lock.open("w", encoding="utf-8") as file:
        # Children inherit it: the lock is free only when none that a killed set-up left behind writes any more.
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003 - positional-only
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"another `{COMMAND}` is at work: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(variant: Variant, python: Path | None, report: Report, *, keep_complete: bool) -> Runtime:
    root = root_of(variant)
    partial = root.with_name(root.name + ".partial")
    if keep_complete and _inspect_folder(variant, partial).state == "ready":  # killed just before the rename
        return _put_in_place(variant, partial, root)
    interpreter = interpreters.find(python)
    report(f"CPython {interpreter.version} found ({interpreter.source}): {interpreter.path}")
    if partial.exists():
        shutil.rmtree(partial)
    _check_space(variant, root.parent)
    pins = pins_of(variant)
    downloads = paths.runtimes() / "downloads"
    wheels.fetch(pins, downloads, report)
    building.create_venv(interpreter.path, partial)
    report(f"installing {', '.join(f'{pin.name} {pin.version}' for pin in pins)}")
    wheels.install(pins, downloads, partial / building.SITE_PACKAGES)
    provided, smoke = _provide_mpi(partial, variant, report)
    _write_record(partial, _record(variant, interpreter, pins, provided, smoke))
    made = _put_in_place(variant, partial, root)
    report(f"the CNTK runtime is ready: {root}")
    return made


def _check_space(variant: Variant, folder: Path) -> None:
    free, needed = shutil.disk_usage(folder).free, _NEEDED_BYTES[variant]
    if free < needed:
        raise OutputError(
            f"the {variant} build of CNTK needs {needed / 1e9:.1f} GB in {folder}, {free / 1e9:.1f} GB are free: free "
            f"some space or choose another folder with {paths.HOME_VARIABLE}"
        )


def _provide_mpi(root: Path, variant: Variant, report: Report) -> tuple[dict[str, Any], dict[str, Any]]:
    """Puts MPI libraries in place and lets the smoke test judge them: the system's first, else the stub.

    Returns:
        What serves as MPI, and the result of the smoke test.
    """
    refused = None
    if libraries := mpi.find_openmpi():
        mpi.link(libraries, root / "mpi")
        provided: dict[str, Any] = {"kind": "openmpi", "libraries": [str(library) for library in libraries]}
        report(f"MPI: OpenMPI of this system, {libraries[0]}")
        try:
            return provided, _smoke_test(root, variant, provided, report)
        except SetupError as error:
            refused = f"{libraries[0]}: {error}"
            report(f"this system's OpenMPI does not serve, the stub takes its place ({error})")
    compiler = mpi.build_stub(root / "mpi")
    report(f"MPI: a stub compiled by {compiler}, for one process")
    provided = {"kind": "stub", "compiler": compiler, "refused": refused}
    return provided, _smoke_test(root, variant, provided, report)


def _smoke_test(root: Path, variant: Variant, provided: dict[str, Any], report: Report) -> dict[str, Any]:
    unproven = Runtime(root, root / "venv" / "bin" / "python", variant, {"mpi": provided})
    smoke = building.smoke_test(unproven.python, variant, unproven.environment())
    losses, devices = smoke["losses"], ", ".join(smoke["devices"])
    report(f"smoke test: loss {losses[0]:.3f} -> {losses[-1]:.3f} in {smoke['seconds']:.1f} s on {devices}")
    return smoke


def _record(
    variant: Variant, base: Interpreter, pins: list[Pin], provided: dict[str, Any], smoke: dict[str, Any]
) -> dict[str, Any]:
    """The content of runtime.json."""
    return {
        "schema": SCHEMA,
        "variant": variant,
        "lock_sha256": lock_sha256(),
        "python": {"base": str(base.path), "version": base.version, "source": base.source},
        "packages": {pin.name: {"version": pin.version, "sha256": pin.sha256} for pin in pins},
        "mpi": provided,
        "smoke_test": smoke,
        "cpu_vendor": cpu.vendor(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "created_by": {"skinlab": skinlab.__version__, "python": platform.python_version(), "prefix": sys.prefix},
    }


def _write_record(root: Path, record: dict[str, Any]) -> None:
    temporary = root / (RECORD + ".tmp")
    temporary.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    temporary.replace(root / RECORD)


def _put_in_place(variant: Variant, partial: Path, root: Path) -> Runtime:
    """Renames a complete folder; a replaced runtime is moved aside first, since a folder cannot replace another."""
    old = root.with_name(root.name + ".old")
    if old.exists():
        shutil.rmtree(old)
    if root.exists():
        root.replace(old)
    partial.replace(root)
    if old.exists():
        shutil.rmtree(old)
    status = inspect(variant)
    if status.runtime is None:
        raise SetupError(f"the CNTK runtime was made and does not work: {status.reason}")
    return status.runtime
