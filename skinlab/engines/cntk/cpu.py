"""What the CNTK runtime needs to know of this machine's processor; changes nothing."""

from pathlib import Path

INTEL = "GenuineIntel"
CPUINFO = Path("/proc/cpuinfo")


def _field(name: str, cpuinfo: Path) -> str:
    if not cpuinfo.exists():
        return ""
    with cpuinfo.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    return ""


def vendor(cpuinfo: Path = CPUINFO) -> str:
    """The processor's vendor string, e.g. `GenuineIntel` or `AuthenticAMD`; `unknown` where it is not told."""
    return _field("vendor_id", cpuinfo) or "unknown"


def has_avx2(cpuinfo: Path = CPUINFO) -> bool:
    """Whether the processor executes AVX2 instructions."""
    return "avx2" in _field("flags", cpuinfo).split()


def forces_avx2(mkl_cpu_type: str, cpuinfo: Path = CPUINFO) -> bool:
    """Whether CNTK's MKL is told to take its AVX2 path (`MKL_DEBUG_CPU_TYPE=5`).

    The MKL that CNTK carries takes a slow path on processors that are not Intel's, whatever they can do; the setting
    about doubles the speed there. Without AVX2 it would end in an illegal instruction.

    Args:
        mkl_cpu_type: `avx2` (yes), `default` (no) or `auto` (on processors with AVX2 that are not Intel's).
        cpuinfo: the kernel's description of the processor.

    Returns:
        True for MKL_DEBUG_CPU_TYPE=5, False for leaving it unset.

    Raises:
        ValueError: `mkl_cpu_type` is none of the three.
    """
    if mkl_cpu_type == "auto":
        return vendor(cpuinfo) != INTEL and has_avx2(cpuinfo)
    if mkl_cpu_type not in {"avx2", "default"}:
        raise ValueError(f"mkl_cpu_type is {mkl_cpu_type!r}; auto, default or avx2 is meant")
    return mkl_cpu_type == "avx2"
