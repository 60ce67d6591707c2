"""What `skinlab doctor` looks at: what is there, what is missing, and the command that mends it.

Looks only: changes nothing, imports nothing heavy, and works when half of what it asks for is missing.
"""

import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skinlab import paths, settings
from skinlab.data.cache_entries import used_bytes
from skinlab.engines.cntk import cpu, gpu, interpreters, mpi, runtime
from skinlab.engines.torch import hardware
from skinlab.errors import ConfigError, SetupError

State = Literal["ok", "missing", "broken"]

LOWEST_PYTHON = (3, 11)
# Distribution name and the module it installs; the test compares them with pyproject.toml.
CORE_PACKAGES = {
    "hydra-core": "hydra",
    "omegaconf": "omegaconf",
    "numpy": "numpy",
    "albumentations": "albumentations",
    "opencv-python-headless": "cv2",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "scipy": "scipy",
    "requests": "requests",
    "urllib3": "urllib3",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "safetensors": "safetensors",
    "matplotlib": "matplotlib",
    "contourpy": "contourpy",
    "rich": "rich",
    "pip": "pip",
}
TORCH_PACKAGES = ("torch", "torchvision", "lightning-fabric", "timm")
EXTRAS = {"tensorboard": "tensorboard", "pyarrow": "pyarrow"}
_LEAST_DISK = 500_000_000  # a run, its cache and its checkpoints
_LEAST_SHARED_MEMORY = 32_000_000  # batches on their way to the worker


@dataclass(frozen=True)
class Check:
    """One line of the table.

    Attributes:
        name: what was looked at.
        state: `ok`, `missing` or `broken`.
        found: what is there, for people.
        mend: the command or the advice that mends it; empty if ok.
        needed: whether the default experiment cannot run without it.
    """

    name: str
    state: State
    found: str
    mend: str = ""
    needed: bool = True

    @property
    def in_the_way(self) -> bool:
        """Whether it keeps the default experiment from running."""
        return self.needed and self.state != "ok"


def examine() -> list[Check]:
    """All checks, in the order of the table."""
    conf = conf_folder()
    return [
        check_python(),
        *(check_package(name, module) for name, module in CORE_PACKAGES.items()),
        check_conf(conf),
        check_folder("skinlab home", paths.home(), f"export {paths.HOME_VARIABLE}=/a/writable/folder"),
        check_folder(
            "output folder", (paths.default_output() if conf else Path()).absolute(), "cd to a writable folder"
        ),
        check_cache(),
        check_shared_memory(Path("/dev/shm")),  # noqa: S108 - looked at, nothing is written
        check_cpu(),
        *check_cntk(),
        check_mpiexec(),
        check_torch(),
        check_gpu(),
        *(check_package(name, module, needed=False) for name, module in EXTRAS.items()),
    ]


def can_run(checks: Iterable[Check]) -> bool:
    """Whether the default experiment can run."""
    return not any(check.in_the_way for check in checks)


def check_python() -> Check:
    """The interpreter that runs skinlab."""
    version = ".".join(str(number) for number in sys.version_info[:3])
    found, wanted = f"{version}, {sys.executable}", ".".join(str(number) for number in LOWEST_PYTHON)
    if sys.version_info[:2] >= LOWEST_PYTHON:
        return Check("Python", "ok", found)
    return Check("Python", "broken", found, f"install skinlab under Python {wanted} or newer")


def check_cache() -> Check:
    """What is kept to be faster, against what the user's settings allow."""
    try:
        cap = settings.cache_bytes()
    except ConfigError as error:
        return Check("cache", "broken", str(error), f"mend {settings.settings_file()} or {settings.CACHE_VARIABLE}")
    return Check("cache", "ok", f"{used_bytes() / 1e9:.1f} of at most {cap / 1e9:g} GB, {paths.cache()}", needed=False)


def check_package(name: str, module: str, *, needed: bool = True) -> Check:
    """One package of this environment, by its metadata and the presence of its module."""
    pip_install = f"{shlex.quote(sys.executable)} -m pip install"
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(
            name, "missing", "not installed" if needed else "not installed (optional)", f"{pip_install} {name}", needed
        )
    if importlib.util.find_spec(module) is None:
        reinstall = f"{pip_install} --force-reinstall --no-deps {name}"
        return Check(name, "broken", f"{version} is registered, module {module} is not there", reinstall, needed)
    return Check(name, "ok", version, needed=needed)


def conf_folder() -> Path | None:
    """The YAML that comes with skinlab, if it is there."""
    try:
        return paths.conf_dir()
    except ConfigError:
        return None


def check_conf(conf: Path | None) -> Check:
    """The YAML that comes with skinlab."""
    if conf is None:
        return Check("conf", "missing", "no config.yaml in or beside the package", "install skinlab again")
    return Check("conf", "ok", str(conf))


def check_folder(name: str, folder: Path, elsewhere: str) -> Check:
    """Whether a folder can be written, or made, and has room."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        return Check(name, "broken", f"{existing} is no folder", elsewhere)
    if not os.access(existing, os.W_OK | os.X_OK):
        return Check(name, "broken", f"{existing} cannot be written", f"{elsewhere}, or chmod u+rwx {existing}")
    free = shutil.disk_usage(existing).free
    found = f"{folder}, {free / 1e9:.1f} GB free" + ("" if existing == folder else " (will be made)")
    if free < _LEAST_DISK:
        return Check(name, "broken", found, f"free some space, or {elsewhere}")
    return Check(name, "ok", found)


def check_shared_memory(folder: Path) -> Check:
    """Where batches go to the worker."""
    if not folder.is_dir():
        return Check("shared memory", "missing", f"no {folder}", f"mount a tmpfs on {folder}")
    usage = shutil.disk_usage(folder)
    found = f"{folder}, {usage.free / 1e6:.0f} of {usage.total / 1e6:.0f} MB free"
    if usage.free < _LEAST_SHARED_MEMORY:
        return Check("shared memory", "broken", found, "in a container: docker run --shm-size=1g")
    return Check("shared memory", "ok", found)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_cpu() -> Check:
    """Vendor, cores that this process may use, and what `engine.mkl_cpu_type=auto` comes to."""
    setting = "MKL_DEBUG_CPU_TYPE=5 (avx2)" if cpu.forces_avx2("auto") else "MKL's own choice"
    return Check("processor", "ok", f"{cpu.vendor()}, {_cores()} cores, CNTK with {setting}")


def check_cntk() -> list[Check]:
    """The CNTK runtime, and what its set-up needs; the latter does not matter once it is ready."""
    try:
        runtime.check_platform()
    except SetupError as error:
        return [Check("CNTK runtime", "missing", str(error), "use a Linux x86-64 machine, or engine=torch")]
    statuses = [runtime.inspect(variant) for variant in runtime.PREFERRED]
    ready = any(status.state == "ready" for status in statuses)
    known = [status for status in statuses if status.state != "missing"] or statuses[-1:]
    checks = [_check_runtime(status, needed=not ready or status.state == "ready") for status in known]
    return [*checks, _check_python36(needed=not ready), _check_mpi(needed=not ready)]


def _check_runtime(status: runtime.Status, *, needed: bool) -> Check:
    name = f"CNTK runtime, {status.variant.upper()}"
    if status.runtime is not None:
        info = status.runtime.info
        found = f"{status.reason}, CPython {info['python']['version']}, MPI: {info['mpi']['kind']}"
        return Check(name, "ok", found, needed=needed)
    state: State = "missing" if status.state == "missing" else "broken"
    return Check(name, state, status.reason, f"{runtime.COMMAND} --variant {status.variant}", needed)


def _check_python36(*, needed: bool) -> Check:
    name = "CPython 3.6"
    try:
        found = interpreters.find()
    except SetupError as error:
        lines = str(error).splitlines()
        looked = "; ".join(line.strip() for line in lines if line.startswith("  ") and ": " in line)
        return Check(name, "missing", looked or lines[0], "pyenv install 3.6.15", needed)
    return Check(name, "ok", f"{found.version}, {found.path} ({found.source})", needed=needed)


def _check_mpi(*, needed: bool) -> Check:
    name = "OpenMPI or C compiler"
    if libraries := mpi.find_openmpi():
        return Check(name, "ok", f"OpenMPI: {libraries[0]}", needed=needed)
    if compilers := mpi.compilers():
        return Check(name, "ok", f"no OpenMPI; {shlex.join(compilers[0])} compiles the stub", needed=needed)
    mend = f"{shlex.quote(sys.executable)} -m pip install ziglang"
    return Check(name, "missing", "neither", mend, needed)


def check_mpiexec() -> Check:
    """What starts several CNTK workers; never needed by one."""
    launcher, libraries = mpi.find_launcher(), mpi.find_openmpi()
    if launcher and libraries:
        found = f"{launcher}, {libraries[0]}: engine.workers may be more than 1"
        return Check("mpiexec", "ok", found, needed=False)
    lacking = "OpenMPI's mpiexec" if libraries else "OpenMPI's libraries with C++ bindings"
    return Check("mpiexec", "missing", f"no {lacking} (optional)", "apt install openmpi-bin libopenmpi3", needed=False)


def check_torch() -> Check:
    """The packages of the torch engine, which the default experiment does not need."""
    name, versions = "torch engine", {package: _version(package) for package in TORCH_PACKAGES}
    missing = [package for package, version in versions.items() if version is None]
    if missing:
        mend = f"{shlex.quote(sys.executable)} -m pip install 'skinlab[torch]'"
        return Check(name, "missing", f"no {', '.join(missing)} (optional)", mend, needed=False)
    precision = "bf16" if hardware.cpu_has_bf16() else "fp32"
    listed = ", ".join(f"{package} {version}" for package, version in versions.items())
    return Check(name, "ok", f"{listed}; {_torch_build()}; precision on this processor: {precision}", needed=False)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch_build() -> str:
    """What torch was built for, as its own file says: importing it takes seconds."""
    spec = importlib.util.find_spec("torch")
    file = Path(spec.origin).with_name("version.py") if spec and spec.origin else None
    text = file.read_text(encoding="utf-8") if file and file.exists() else ""
    cuda = re.search(r"^cuda\b.*= '([\d.]+)'$", text, re.MULTILINE)
    return f"built for CUDA {cuda[1]}" if cuda else "built for the CPU"


def check_gpu() -> Check:
    """NVIDIA GPUs and whether CNTK runs on them; never needed."""
    gpus = gpu.detect()
    if not gpus:
        return Check(
            "GPU", "missing", "no NVIDIA GPU with a driver (optional)", "install the NVIDIA driver", needed=False
        )
    listed = ", ".join(f"{each}, driver {each.driver}" for each in gpus)
    if any(each.covered for each in gpus):
        return Check("GPU", "ok", f"{listed}: CNTK's GPU build runs on it", needed=False)
    return Check("GPU", "ok", f"{listed}: for the torch engine, CNTK does not cover it", needed=False)
