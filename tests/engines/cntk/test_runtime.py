import json
import os
import platform
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from skinlab import paths
from skinlab.engines.cntk import building, cpu, gpu, interpreters, mpi, runtime, wheels
from skinlab.engines.cntk.pins import Variant, lock_sha256, pins_of
from skinlab.errors import OutputError, SetupError

SMOKE = {"cntk": "2.7", "devices": ["CPU"], "losses": [2.0, 0.1], "repeats": True, "seconds": 0.1}


def script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def make_fake(root: Path, variant: Variant = "cpu", **changed: Any) -> Path:
    """A folder that looks like a complete runtime; its interpreter is a shell script."""
    script(root / "venv" / "bin" / "python", "exit 0")
    for inside in ("venv/lib/python3.6/site-packages/cntk/__init__.py", *(f"mpi/{name}" for name in mpi.NAMES)):
        (root / inside).parent.mkdir(parents=True, exist_ok=True)
        (root / inside).touch()
    record = {
        "schema": runtime.SCHEMA,
        "lock_sha256": lock_sha256(),
        "python": {"base": "/usr/bin/python3.6", "version": "3.6.15", "source": "PATH"},
        "packages": {pin.name: {"version": pin.version, "sha256": pin.sha256} for pin in pins_of(variant)},
        "mpi": {"kind": "stub"},
    }
    (root / "runtime.json").write_text(json.dumps({**record, **changed}))
    return root


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty skinlab home on a supported platform without a GPU."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(runtime, "check_platform", lambda: None)
    monkeypatch.setattr(gpu, "detect", list)
    return tmp_path / "home"


@pytest.fixture
def fast_steps(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A set-up whose steps take no time; returns the names of the steps as they happen."""
    steps: list[str] = []

    def fetch(*_: object) -> None:
        steps.append("fetch")

    def create_venv(_python: Path, root: Path) -> None:
        steps.append("venv")
        script(root / "venv" / "bin" / "python", "exit 0")

    def install(_pins: object, _downloads: Path, site_packages: Path) -> None:
        steps.append("install")
        (site_packages / "cntk").mkdir(parents=True)
        (site_packages / "cntk" / "__init__.py").touch()

    def stub(folder: Path) -> str:
        steps.append("stub")
        folder.mkdir(exist_ok=True)
        for name in mpi.NAMES:
            (folder / name).unlink(missing_ok=True)
            (folder / name).touch()
        return "cc"

    found = interpreters.Interpreter(Path("/usr/bin/python3.6"), "3.6.15", "PATH")
    monkeypatch.setattr(interpreters, "find", lambda _python: found)
    monkeypatch.setattr(wheels, "fetch", fetch)
    monkeypatch.setattr(building, "create_venv", create_venv)
    monkeypatch.setattr(wheels, "install", install)
    monkeypatch.setattr(mpi, "find_openmpi", lambda: None)
    monkeypatch.setattr(mpi, "build_stub", stub)
    monkeypatch.setattr(building, "smoke_test", lambda *_: SMOKE)
    return steps


# --- environment of a worker ---------------------------------------------------------------------------------------


@pytest.fixture
def some(tmp_path: Path) -> runtime.Runtime:
    return runtime.Runtime(tmp_path, tmp_path / "venv" / "bin" / "python", "cpu", {"mpi": {"kind": "stub"}})


def test_the_private_mpi_libraries_come_first(some: runtime.Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/cuda/lib")
    assert some.environment()["LD_LIBRARY_PATH"] == f"{some.root}/mpi:/cuda/lib"
    monkeypatch.delenv("LD_LIBRARY_PATH")
    assert some.environment()["LD_LIBRARY_PATH"] == f"{some.root}/mpi"


def test_an_openmpi_outside_the_linker_s_folders_is_found_without_its_environment_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    for folder, expected in (("/opt/openmpi/lib", ":/opt/openmpi/lib"), ("/usr/lib/x86_64-linux-gnu", "")):
        info = {"mpi": {"kind": "openmpi", "libraries": [f"{folder}/libmpi.so.40", f"{folder}/libmpi_cxx.so.40"]}}
        environment = runtime.Runtime(tmp_path, tmp_path / "python", "cpu", info).environment()
        assert environment["LD_LIBRARY_PATH"] == f"{tmp_path}/mpi{expected}"


def test_the_surroundings_are_inherited_without_python_variables(
    some: runtime.Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    environment = some.environment()
    assert "PYTHONPATH" not in environment
    assert environment["PYTHONHASHSEED"] == "0"
    assert environment["CUDA_VISIBLE_DEVICES"] == "1"


def test_threads_are_set_only_if_given(some: runtime.Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "9")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    untouched = some.environment()
    assert untouched["OMP_NUM_THREADS"] == "9"
    assert "MKL_NUM_THREADS" not in untouched
    given = some.environment(threads=2)
    assert (given["OMP_NUM_THREADS"], given["MKL_NUM_THREADS"]) == ("2", "2")


@pytest.mark.parametrize(
    ("vendor", "setting", "expected"),
    [
        ("AuthenticAMD", "auto", "5"),
        ("GenuineIntel", "auto", None),
        ("AuthenticAMD", "default", None),
        ("GenuineIntel", "avx2", "5"),
    ],
)
def test_the_mkl_code_path_follows_the_setting_and_the_processor_alone(
    some: runtime.Runtime, monkeypatch: pytest.MonkeyPatch, vendor: str, setting: str, expected: str | None
) -> None:
    monkeypatch.setenv("MKL_DEBUG_CPU_TYPE", "4")
    monkeypatch.setattr(cpu, "vendor", lambda _path: vendor)
    monkeypatch.setattr(cpu, "has_avx2", lambda _path: True)
    assert some.environment(mkl_cpu_type=setting).get("MKL_DEBUG_CPU_TYPE") == expected


# --- finding -------------------------------------------------------------------------------------------------------


def test_a_complete_runtime_is_found_with_its_packages(home: Path) -> None:
    make_fake(runtime.root_of("cpu"))
    found = runtime.find()
    assert found is not None
    assert found.variant == "cpu"
    assert found.packages() == {"cntk": "2.7.post2", "numpy": "1.19.5", "scipy": "1.5.4", "pip": "21.3.1"}
    assert runtime.require() == found


def test_the_gpu_build_is_preferred_where_its_driver_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variant in runtime.PREFERRED:
        make_fake(runtime.root_of(variant), variant)
    for driver, expected in ((True, "gpu"), (False, "cpu")):
        monkeypatch.setattr(gpu, "driver_loads", lambda driver=driver: driver)
        found = runtime.find()
        assert found is not None
        assert found.variant == expected
    assert runtime.find("gpu") is None


def test_without_a_runtime_the_command_is_named(home: Path) -> None:
    assert runtime.find() is None
    with pytest.raises(SetupError, match=r"no CNTK runtime in .*cntk-2\.7\.post2-cpu: run `skinlab setup cntk`"):
        runtime.require()


@pytest.mark.parametrize("lost", ["venv/lib/python3.6/site-packages/cntk/__init__.py", "mpi/libmpi.so.12"])
def test_a_runtime_that_lost_a_part_is_broken_and_names_it(home: Path, lost: str) -> None:
    root = make_fake(runtime.root_of("cpu"))
    (root / lost).unlink()
    with pytest.raises(SetupError, match=f"{lost} is missing: run `skinlab setup cntk`"):
        runtime.require()


def test_a_link_to_an_openmpi_that_was_removed_is_broken(home: Path, tmp_path: Path) -> None:
    root = make_fake(runtime.root_of("cpu"))
    (root / "mpi" / "libmpi.so.12").unlink()
    (root / "mpi" / "libmpi.so.12").symlink_to(tmp_path / "removed")
    assert runtime.inspect("cpu").state == "broken"


def test_an_interpreter_that_does_not_start_is_broken(home: Path) -> None:
    python = make_fake(runtime.root_of("cpu")) / "venv" / "bin" / "python"
    script(python, "echo 'error while loading shared libraries: libpython3.6m.so' >&2; exit 127")
    assert "libpython3.6m.so" in runtime.inspect("cpu").reason
    python.unlink()
    assert "does not start" in runtime.inspect("cpu").reason


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_an_unreadable_record_is_broken(home: Path, text: str) -> None:
    (make_fake(runtime.root_of("cpu")) / "runtime.json").write_text(text)
    assert runtime.inspect("cpu").state == "broken"


def test_a_runtime_from_other_pins_is_outdated(home: Path) -> None:
    make_fake(runtime.root_of("cpu"), lock_sha256="0" * 64)
    assert runtime.inspect("cpu").state == "outdated"
    assert runtime.find() is None


@pytest.mark.parametrize(
    ("system", "machine", "libc"),
    [("Darwin", "arm64", ""), ("Linux", "aarch64", "glibc"), ("Linux", "x86_64", ""), ("Windows", "AMD64", "")],
)
def test_other_platforms_are_sent_to_the_torch_engine(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, libc: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    with pytest.raises(SetupError, match=f"this is {system} {machine}.*torch engine"):
        runtime.setup()


# --- making --------------------------------------------------------------------------------------------------------


def test_setup_makes_records_and_finds_it_ready_the_second_time(home: Path, fast_steps: list[str]) -> None:
    made = runtime.setup()
    assert fast_steps == ["fetch", "venv", "install", "stub"]
    assert made.root == home / "runtimes" / "cntk-2.7.post2-cpu"
    assert made.info["smoke_test"] == SMOKE
    assert made.info["mpi"] == {"kind": "stub", "compiler": "cc", "refused": None}
    assert made.info["python"] == {"base": "/usr/bin/python3.6", "version": "3.6.15", "source": "PATH"}
    said: list[str] = []
    assert runtime.setup(report=said.append) == made
    assert len(fast_steps) == 4
    assert "is ready" in said[-1]


def test_force_makes_it_again(fast_steps: list[str]) -> None:
    runtime.setup()
    made = runtime.setup(force=True)
    assert fast_steps.count("install") == 2
    assert sorted(path.name for path in made.root.parent.iterdir()) == [".cntk.lock", made.root.name]


def test_a_broken_runtime_is_replaced(fast_steps: list[str]) -> None:
    root = runtime.setup().root
    shutil.rmtree(root / "mpi")
    assert runtime.setup().root == root
    assert fast_steps.count("install") == 2


def test_what_a_killed_set_up_left_half_made_is_made_again(home: Path, fast_steps: list[str]) -> None:
    partial = home / "runtimes" / "cntk-2.7.post2-cpu.partial"
    (partial / "venv" / "junk").mkdir(parents=True)
    made = runtime.setup()
    assert not partial.exists()
    assert not (made.root / "venv" / "junk").exists()


def test_a_set_up_killed_just_before_the_rename_is_only_renamed(home: Path, fast_steps: list[str]) -> None:
    make_fake(home / "runtimes" / "cntk-2.7.post2-cpu.partial")
    assert runtime.setup().root.name == "cntk-2.7.post2-cpu"
    assert fast_steps == []


def test_a_failing_openmpi_gives_way_to_the_stub_and_is_recorded(
    fast_steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = (tmp_path / "libmpi.so.40", tmp_path / "libmpi_cxx.so.40")
    monkeypatch.setattr(mpi, "find_openmpi", lambda: libraries)

    def smoke_test(_python: Path, _variant: str, environment: dict[str, str]) -> dict[str, Any]:
        folder = Path(environment["LD_LIBRARY_PATH"].split(os.pathsep)[0])
        if (folder / "libmpi.so.12").is_symlink():
            raise SetupError("CNTK's smoke test failed: undefined symbol")
        return SMOKE

    monkeypatch.setattr(building, "smoke_test", smoke_test)
    said: list[str] = []
    info = runtime.setup(report=said.append).info
    assert info["mpi"]["kind"] == "stub"
    assert "libmpi.so.40: CNTK's smoke test failed: undefined symbol" in info["mpi"]["refused"]
    assert any("the stub takes its place" in line for line in said)


def test_a_working_openmpi_is_taken_and_recorded(
    fast_steps: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    libraries = (tmp_path / "libmpi.so.40", tmp_path / "libmpi_cxx.so.40")
    for library in libraries:
        library.touch()
    monkeypatch.setattr(mpi, "find_openmpi", lambda: libraries)
    assert runtime.setup().info["mpi"] == {"kind": "openmpi", "libraries": [str(each) for each in libraries]}
    assert "stub" not in fast_steps


def test_a_failing_smoke_test_leaves_no_runtime(fast_steps: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise SetupError("CNTK's smoke test failed: the loss does not fall")

    monkeypatch.setattr(building, "smoke_test", fail)
    with pytest.raises(SetupError, match="the loss does not fall"):
        runtime.setup()
    assert runtime.find() is None


def test_too_little_space_is_said_before_anything_is_fetched(
    home: Path, fast_steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 9 * 10**8, 10**8))
    with pytest.raises(OutputError, match=r"needs 0\.7 GB in .*runtimes, 0\.1 GB are free.*SKINLAB_HOME"):
        runtime.setup()
    assert fast_steps == []


def test_a_disk_that_fills_up_is_one_line_with_the_folder(
    home: Path, fast_steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(wheels, "install", fill)
    with pytest.raises(OutputError, match=r"cannot write to .*runtimes: No space left on device.*SKINLAB_HOME"):
        runtime.setup()


def test_a_home_that_cannot_be_made_is_one_line_with_the_folder(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cannot write to .*file/runtimes: Not a directory.*SKINLAB_HOME"):
        runtime.setup()


def test_the_gpu_build_is_not_made_without_a_gpu(fast_steps: list[str]) -> None:
    with pytest.raises(SetupError, match="no NVIDIA GPU"):
        runtime.setup("gpu")
    assert fast_steps == []
