"""What `auto` comes to on this machine: device, precision and threads. Imports torch only where it is asked."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skinlab import schema
from skinlab.errors import EngineError

CPUINFO = Path("/proc/cpuinfo")
_BF16_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16"}
"""As Linux names them, on x86 and on Arm."""
_AMPERE = (8, 0)
"""Compute capability from which NVIDIA GPUs compute in bfloat16."""


@dataclass(frozen=True)
class Hardware:
    """Where one declared engine computes.

    Attributes:
        device: `cpu` or `gpu`.
        indices: numbers of the GPUs; on the CPU, of the processes.
        names: of the devices, for people.
        precision: of training.
        threads: CPU threads of each process.
    """

    device: Literal["cpu", "gpu"]
    indices: tuple[int, ...]
    names: tuple[str, ...]
    precision: Literal["fp32", "bf16"]
    threads: int


def choose(engine: schema.TorchEngine, local_processes: int) -> Hardware:
    """Settle the device, its precision and the threads.

    Args:
        engine: the declaration.
        local_processes: how many processes of this engine share this machine.

    Raises:
        EngineError: it asks for GPUs that PyTorch does not see.
    """
    import torch

    gpus = torch.cuda.device_count()
    names: tuple[str, ...]
    if engine.device == "cpu" or (engine.device == "auto" and gpus == 0):
        indices, names = tuple(range(local_processes)), ("cpu",)
        native = cpu_has_bf16()
    else:
        indices = _gpus(engine.device, local_processes, gpus)
        names = tuple(torch.cuda.get_device_name(index) for index in indices)
        native = all(torch.cuda.get_device_capability(index) >= _AMPERE for index in indices)
    precision: Literal["fp32", "bf16"] = "bf16" if native else "fp32"
    return Hardware(
        device="cpu" if names == ("cpu",) else "gpu",
        indices=indices,
        names=names,
        precision=precision if engine.precision == "auto" else engine.precision,
        threads=max(1, (engine.threads or cores()) // local_processes),
    )


def _gpus(device: str, wanted: int, found: int) -> tuple[int, ...]:
    first = int(device.removeprefix("gpu:")) if device.startswith("gpu:") else 0
    if first + wanted > found:
        what = f"engine.device={device}" + (f" with {wanted} processes" if wanted > 1 else "")
        sees = "no GPU" if found == 0 else f"{found} GPU{'s' if found > 1 else ''}, numbered from 0"
        lower = "" if found == 0 else "lower it, "
        raise EngineError(
            f"{what}: PyTorch sees {sees} here; {lower}set engine.device=cpu, or see `skinlab doctor` for the driver"
        )
    return tuple(range(first, first + wanted))


def gpu_identities() -> dict[str, int]:
    """The number of each GPU that PyTorch sees by its UUID, which is the same for every process on this machine."""
    import torch

    return {str(torch.cuda.get_device_properties(number).uuid): number for number in range(torch.cuda.device_count())}


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_has_bf16(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the processor multiplies bfloat16 numbers by instructions of its own, so that they are faster."""
    if platform.system() != "Linux" or not cpuinfo.exists():
        return False
    with cpuinfo.open(encoding="utf-8", errors="replace") as lines:
        words = (line.partition(":") for line in lines)
        flags = next((flags for key, _, flags in words if key.strip() in ("flags", "Features")), "")
    return not _BF16_INSTRUCTIONS.isdisjoint(flags.split())


def make_repeatable(*, deterministic: bool) -> None:
    """Process-wide settings, before the first computation: the same bits each time, and full float32 products.

    TensorFloat-32 would put GPUs 1e-3 off what every other engine computes.

    Args:
        deterministic: refuse operations that may give other bits each time; False lets GPUs choose faster ones.
    """
    import torch

    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
