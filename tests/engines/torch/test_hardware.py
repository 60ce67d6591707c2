"""What `auto` comes to, and what is refused."""

from pathlib import Path

import pytest
import torch

from skinlab.engines.torch import hardware
from skinlab.errors import EngineError
from tests.engines.torch.cases import declared


@pytest.mark.parametrize(
    ("line", "native"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16", True),
        ("flags\t\t: fpu amx_bf16 amx_tile", True),
        ("Features\t: fp asimd bf16", True),
        ("flags\t\t: fpu avx2 avx512f", False),
        ("", False),
    ],
)
def test_native_bf16_is_read_from_the_processors_flags(tmp_path: Path, line: str, native: bool) -> None:
    (tmp_path / "cpuinfo").write_text(f"vendor_id\t: GenuineIntel\n{line}\n")
    assert hardware.cpu_has_bf16(tmp_path / "cpuinfo") is native


def test_auto_is_bf16_only_where_it_is_native(monkeypatch: pytest.MonkeyPatch) -> None:
    for native, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(hardware, "cpu_has_bf16", lambda native=native: native)
        assert hardware.choose(declared(precision="auto"), 1).precision == expected
        assert hardware.choose(declared(precision="fp32"), 1).precision == "fp32"


def test_cores_and_declared_threads_are_shared_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cores", lambda: 8)
    threads = [hardware.choose(declared(threads=None), processes).threads for processes in (1, 3, 16)]
    assert threads == [8, 2, 1]
    assert hardware.choose(declared(threads=5), 2).threads == 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="is about a machine without a GPU")
@pytest.mark.parametrize("device", ["gpu", "gpu:1"])
def test_a_gpu_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(EngineError, match=rf"engine.device={device}: PyTorch sees no GPU here; set engine.device=cpu"):
        hardware.choose(declared(device=device), 1)


def test_gpus_are_numbered_from_the_declared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (8, 0) if index else (7, 5))
    assert hardware.choose(declared(device="auto", precision="auto"), 1).precision == "fp32"
    two = hardware.choose(declared(device="gpu:2", precision="auto"), 2)
    assert (two.device, two.indices, two.names, two.precision) == ("gpu", (2, 3), ("GPU 2", "GPU 3"), "bf16")
    with pytest.raises(EngineError, match="gpu:2 with 3 processes: PyTorch sees 4 GPUs, .*; lower it, set"):
        hardware.choose(declared(device="gpu:2"), 3)
