from pathlib import Path

import pytest

from skinlab.engines.cntk import cpu


def cpuinfo(folder: Path, vendor: str, flags: str) -> Path:
    path = folder / "cpuinfo"
    path.write_text(
        f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n\nprocessor\t: 1\nvendor_id\t: Other\n"
    )
    return path


@pytest.mark.parametrize(
    ("vendor", "flags", "setting", "expected"),
    [
        ("AuthenticAMD", "sse avx2", "auto", True),
        ("AuthenticAMD", "sse avx", "auto", False),
        ("GenuineIntel", "sse avx2", "auto", False),
        ("AuthenticAMD", "sse avx2", "default", False),
        ("GenuineIntel", "sse avx2", "avx2", True),
    ],
)
def test_mkl_is_forced_only_on_other_processors_with_avx2_or_as_asked(
    tmp_path: Path, vendor: str, flags: str, setting: str, *, expected: bool
) -> None:
    assert cpu.forces_avx2(setting, cpuinfo(tmp_path, vendor, flags)) is expected


def test_a_machine_without_cpuinfo_is_unknown_and_left_alone(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert cpu.vendor(missing) == "unknown"
    assert not cpu.forces_avx2("auto", missing)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValueError, match="avx512"):
        cpu.forces_avx2("avx512")
