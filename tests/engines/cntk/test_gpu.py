from pathlib import Path

import pytest

from skinlab.engines.cntk import gpu
from skinlab.engines.cntk.pins import Variant
from skinlab.errors import ConfigError, SetupError


def fake_nvidia_smi(folder: Path, script: str) -> None:
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def no_library(name: str) -> None:
    raise OSError(name)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds this folder only, and no driver library."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(gpu, "_from_libcuda", list)
    return tmp_path


def test_gpus_are_read_from_nvidia_smi(tools: Path) -> None:
    fake_nvidia_smi(tools, 'echo "7.5, 535.54.03, Tesla T4"; echo "9.0, 535.54.03, NVIDIA H100, 80GB"')
    assert gpu.detect() == [
        gpu.Gpu("Tesla T4", (7, 5), "535.54.03"),
        gpu.Gpu("NVIDIA H100, 80GB", (9, 0), "535.54.03"),
    ]


@pytest.mark.parametrize(
    "script",
    [
        "echo 'NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.'; exit 9",
        "echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2",
        "echo 'No devices were found'",
        "echo '[N/A], 535.54.03, Tesla T4'",
    ],
)
def test_a_failing_nvidia_smi_means_no_gpu(tools: Path, script: str) -> None:
    fake_nvidia_smi(tools, script)
    assert gpu.detect() == []


def test_the_driver_library_is_asked_where_nvidia_smi_cannot_tell(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_nvidia_smi(tools, "exit 2")
    old = gpu.Gpu("Tesla K80", (3, 7), "for CUDA 11.4")
    monkeypatch.setattr(gpu, "_from_libcuda", lambda: [old])
    assert gpu.detect() == [old]


def test_no_driver_library_means_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu.ctypes, "CDLL", no_library)
    assert gpu._from_libcuda() == []
    assert not gpu.driver_loads()


@pytest.mark.parametrize(
    ("capability", "expected"), [((3, 0), "gpu"), ((7, 5), "gpu"), ((2, 1), "cpu"), ((8, 0), "cpu")]
)
def test_auto_takes_the_gpu_build_for_kepler_to_turing_only(capability: tuple[int, int], expected: str) -> None:
    variant, _ = gpu.choose_variant("auto", [gpu.Gpu("X", capability, "1")])
    assert variant == expected


def test_a_newer_gpu_is_sent_to_the_torch_engine() -> None:
    _, reason = gpu.choose_variant("auto", [gpu.Gpu("NVIDIA H100", (9, 0), "535.54.03")])
    assert "NVIDIA H100 (compute capability 9.0)" in reason
    assert "torch engine" in reason


def test_one_covered_gpu_among_others_is_enough() -> None:
    gpus = [gpu.Gpu("NVIDIA H100", (9, 0), "1"), gpu.Gpu("Tesla V100", (7, 0), "1")]
    assert gpu.choose_variant("auto", gpus) == ("gpu", "GPU build for Tesla V100 (compute capability 7.0)")


def test_the_gpu_build_without_a_gpu_is_refused_with_the_reason() -> None:
    with pytest.raises(SetupError, match=r"cannot run here: no NVIDIA GPU.*--variant cpu"):
        gpu.choose_variant("gpu", [])
    with pytest.raises(SetupError, match=r"NVIDIA H100.*3\.0 to 7\.x"):
        gpu.choose_variant("gpu", [gpu.Gpu("NVIDIA H100", (9, 0), "1")])


def test_the_cpu_build_is_taken_as_asked_even_beside_a_gpu() -> None:
    assert gpu.choose_variant("cpu", [gpu.Gpu("Tesla T4", (7, 5), "1")])[0] == "cpu"


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(SetupError, match=r"tpu.*auto, cpu or gpu"):
        gpu.choose_variant("tpu", [])


T4, H100 = gpu.Gpu("Tesla T4", (7, 5), ""), gpu.Gpu("NVIDIA H100", (9, 0), "")

UNCOVERED = "CNTK's kernels cover compute capability 3.0 to 7.x; use the torch engine for this GPU"


def nothing() -> str:
    return "no driver"


@pytest.mark.parametrize(
    ("device", "visible", "chosen"),
    [
        ("auto", [], None),
        ("auto", [H100], None),
        ("auto", [H100, T4], 1),
        ("cpu", [T4], None),
        ("gpu", [H100, T4], 1),
        ("gpu:0", [T4, T4], 0),
        ("gpu:1", [T4, T4], 1),
    ],
)
def test_the_declared_gpu_is_taken_and_auto_takes_the_first_that_is_covered(
    device: str, visible: list[gpu.Gpu], chosen: int | None
) -> None:
    assert gpu.select(device, visible, nothing) == chosen


@pytest.mark.parametrize(
    ("device", "visible", "said"),
    [
        ("gpu", [], "CNTK sees no GPU: no driver"),
        ("gpu:2", [T4, H100], f"there is no such GPU; there are: gpu:0 {T4}, gpu:1 {H100}"),
        ("gpu:1", [T4, H100], f"{H100}: {UNCOVERED}; there are: gpu:0 {T4}, gpu:1 {H100}"),
        ("gpu", [H100], f"{H100}: {UNCOVERED}; there are: gpu:0 {H100}"),
    ],
)
def test_a_gpu_that_cannot_be_had_is_refused_with_those_there_are(
    device: str, visible: list[gpu.Gpu], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        gpu.select(device, visible, nothing)
    assert str(caught.value) == f"engine.device={device}: {said}"


@pytest.mark.parametrize(
    ("present", "variant", "visible", "said"),
    [
        ([], "cpu", None, "no NVIDIA GPU with a driver"),
        ([H100], "cpu", None, "use the torch engine for this GPU"),
        ([T4], "cpu", None, "skinlab setup cntk --variant gpu"),
        ([T4], "gpu", "", "CUDA_VISIBLE_DEVICES= hides them"),
        ([T4], "gpu", None, "driver may be older than 410.48"),
    ],
)
def test_why_cntk_sees_no_gpu_is_told(
    monkeypatch: pytest.MonkeyPatch, present: list[gpu.Gpu], variant: Variant, visible: str | None, said: str
) -> None:
    monkeypatch.setattr(gpu, "detect", lambda: present)
    monkeypatch.delenv(gpu.VISIBLE_VARIABLE, raising=False)
    if visible is not None:
        monkeypatch.setenv(gpu.VISIBLE_VARIABLE, visible)
    assert said in gpu.absence(variant)
