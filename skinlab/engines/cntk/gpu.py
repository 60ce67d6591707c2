"""Which NVIDIA GPUs are here and whether CNTK 2.7's GPU build has kernels for one; does no computing on them."""

import ctypes
import os
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from skinlab import children
from skinlab.engines.cntk.pins import Variant
from skinlab.errors import ConfigError, SetupError

# cntk-gpu 2.7.post2 carries CUDA 10.0: Kepler to Turing. A newer GPU has no kernels, an older one neither.
LOWEST_CAPABILITY = (3, 0)
ABOVE_CAPABILITY = (8, 0)
LOWEST_CUDA_DRIVER = 10_000  # as cuDriverGetVersion counts: 1000 * major + 10 * minor
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # CUdevice_attribute
_QUERY = ["nvidia-smi", "--query-gpu=compute_cap,driver_version,name", "--format=csv,noheader"]
_TIMEOUT = 30
VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA GPU."""

    name: str
    capability: tuple[int, int]
    driver: str

    @property
    def covered(self) -> bool:
        """Whether CNTK's GPU build runs on it."""
        return LOWEST_CAPABILITY <= self.capability < ABOVE_CAPABILITY

    def __str__(self) -> str:
        return f"{self.name} (compute capability {self.capability[0]}.{self.capability[1]})"


def parse_nvidia_smi(output: str) -> list[Gpu]:
    """Reads nvidia-smi's lines `compute capability, driver version, name`; lines of another form are no GPUs.

    >>> parse_nvidia_smi("7.5, 535.54.03, Tesla T4")
    [Gpu(name='Tesla T4', capability=(7, 5), driver='535.54.03')]
    """
    gpus = []
    for line in output.splitlines():
        fields = [field.strip() for field in line.split(",", 2)]
        major, _, minor = fields[0].partition(".")
        if len(fields) == len(("capability", "driver", "name")) and major.isdigit() and minor.isdigit():
            gpus.append(Gpu(name=fields[2], capability=(int(major), int(minor)), driver=fields[1]))
    return gpus


def _from_nvidia_smi() -> list[Gpu]:
    if shutil.which(_QUERY[0]) is None:
        return []
    try:
        done = children.run(_QUERY, timeout=_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):  # a driver that hangs or a tool that cannot start: ask the library
        return []
    return parse_nvidia_smi(done.stdout) if done.returncode == 0 else []


def _from_libcuda() -> list[Gpu]:
    """Asks the driver's library: an nvidia-smi older than 2021 does not know `compute_cap`, containers may lack it."""
    return [gpu for gpu, _ in _cuda_devices()]


def identities() -> dict[str, int]:
    """The number of each GPU that CNTK covers, among those visible, by its UUID: the same for every process here."""
    return {identity: number for number, (gpu, identity) in enumerate(_cuda_devices()) if gpu.covered}


def _cuda_devices() -> list[tuple[Gpu, str]]:
    """The GPUs that CUDA_VISIBLE_DEVICES leaves, in CUDA's order, with their UUIDs."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return []
    version, count = ctypes.c_int(), ctypes.c_int()
    if cuda.cuInit(0) or cuda.cuDriverGetVersion(ctypes.byref(version)) or cuda.cuDeviceGetCount(ctypes.byref(count)):
        return []
    if version.value < LOWEST_CUDA_DRIVER:
        return []
    driver = f"for CUDA {version.value // 1000}.{version.value % 1000 // 10}"
    return [(_cuda_device(cuda, index, driver), _cuda_uuid(cuda, index)) for index in range(count.value)]


def _cuda_uuid(cuda: ctypes.CDLL, index: int) -> str:
    identity = ctypes.create_string_buffer(16)
    cuda.cuDeviceGetUuid(identity, index)
    return str(uuid.UUID(bytes=identity.raw))


def _cuda_device(cuda: ctypes.CDLL, index: int, driver: str) -> Gpu:
    major, minor, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(256)
    cuda.cuDeviceGetAttribute(ctypes.byref(major), _CAPABILITY_MAJOR, index)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), _CAPABILITY_MINOR, index)
    cuda.cuDeviceGetName(name, len(name), index)
    return Gpu(name.value.decode(errors="replace"), (major.value, minor.value), driver)


def detect() -> list[Gpu]:
    """The NVIDIA GPUs of this machine, in the driver's order; empty without a GPU or a working driver."""
    return _from_nvidia_smi() or _from_libcuda()


def driver_loads() -> bool:
    """Whether the driver's libraries that the GPU build links are here: on a node without them it cannot start."""
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:
        return False
    return True


def select(device: str, visible: Sequence[Gpu], absence: Callable[[], str]) -> int | None:
    """Decides where a worker computes.

    Args:
        device: as in `engine.device`.
        visible: the GPUs that CNTK sees, in its order.
        absence: why it sees none; asked in that case alone.

    Returns:
        The number of a GPU among those visible; None: the CPU.

    Raises:
        ConfigError: the GPU that is asked for is not there, or CNTK has no kernels for it.

    >>> select("auto", [], str), select("gpu:1", [Gpu("Tesla T4", (7, 5), ""), Gpu("Tesla T4", (7, 5), "")], str)
    (None, 1)
    """
    covered = [number for number, gpu in enumerate(visible) if gpu.covered]
    if device == "cpu" or (device == "auto" and not covered):
        return None
    if not visible:
        raise ConfigError(f"engine.device={device}: CNTK sees no GPU: {absence()}")
    listed = ", ".join(f"gpu:{number} {gpu}" for number, gpu in enumerate(visible))
    wanted = int(device.removeprefix("gpu:")) if ":" in device else next(iter(covered), 0)
    if wanted >= len(visible):
        raise ConfigError(f"engine.device={device}: there is no such GPU; there are: {listed}")
    if wanted not in covered:
        raise ConfigError(f"engine.device={device}: {_not_covered(visible[wanted : wanted + 1])}; there are: {listed}")
    return wanted


def absence(variant: Variant) -> str:
    """Why a worker of this build of CNTK sees no GPU."""
    hidden = os.environ.get(VISIBLE_VARIABLE)
    found = detect()
    if not any(gpu.covered for gpu in found):
        return _why_not(found)
    if variant == "cpu":
        return "its runtime is the CPU build: run `skinlab setup cntk --variant gpu`"
    if hidden is not None:
        return f"{VISIBLE_VARIABLE}={hidden} hides them"
    return "its driver may be older than 410.48, which CUDA 10.0 needs"


def choose_variant(requested: str, gpus: Iterable[Gpu]) -> tuple[Variant, str]:
    """Decides between the CPU and the GPU build.

    Args:
        requested: `auto`, `cpu` or `gpu`.
        gpus: the machine's GPUs.

    Returns:
        The variant and one line that says why.

    Raises:
        SetupError: the GPU build is asked for and cannot run here; or `requested` is none of the three.

    >>> choose_variant("auto", [])
    ('cpu', 'CPU build: no NVIDIA GPU with a driver for CUDA 10 found')
    """
    if requested not in {"auto", "cpu", "gpu"}:
        raise SetupError(f"variant {requested!r} is unknown: choose auto, cpu or gpu")
    if requested == "cpu":
        return "cpu", "CPU build, as asked"
    found = list(gpus)
    for gpu in found:
        if gpu.covered:
            return "gpu", f"GPU build for {gpu}"
    reason = _why_not(found)
    if requested == "gpu":
        raise SetupError(f"the GPU build of CNTK cannot run here: {reason}; use --variant cpu")
    return "cpu", f"CPU build: {reason}"


def _why_not(gpus: Sequence[Gpu]) -> str:
    if not gpus:
        return "no NVIDIA GPU with a driver for CUDA 10 found"
    return _not_covered(gpus)


def _not_covered(gpus: Sequence[Gpu]) -> str:
    names = ", ".join(str(gpu) for gpu in gpus)
    return f"{names}: CNTK's kernels cover compute capability 3.0 to 7.x; use the torch engine for this GPU"
