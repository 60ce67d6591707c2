import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from skinlab import doctor, paths
from skinlab.commands import doctor as command
from skinlab.engines.cntk import gpu, interpreters, mpi, runtime
from skinlab.errors import SetupError

ROOT = Path(__file__).resolve().parents[1]
INFO = {"python": {"version": "3.6.15"}, "mpi": {"kind": "stub"}, "packages": {}}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A supported machine with an empty home, no runtime, no CPython 3.6, no compiler and no GPU."""

    def no_python(_python: None = None) -> None:
        raise SetupError("none was found. Looked in:\n  PATH: no python3.6\n  pyenv: nothing")

    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runtime, "check_platform", lambda: None)
    monkeypatch.setattr(interpreters, "find", no_python)
    monkeypatch.setattr(mpi, "find_openmpi", lambda: None)
    monkeypatch.setattr(mpi, "find_launcher", lambda: None)
    monkeypatch.setattr(mpi, "compilers", list)
    monkeypatch.setattr(gpu, "detect", list)
    return monkeypatch


@pytest.fixture
def with_runtime(machine: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """The same machine with a ready CPU runtime."""
    ready = runtime.Runtime(tmp_path, tmp_path / "python", "cpu", INFO)

    def inspect(variant: str) -> runtime.Status:
        if variant == "cpu":
            return runtime.Status("cpu", "ready", "CNTK 2.7.post2 in /somewhere", ready)
        return runtime.Status("gpu", "missing", "no CNTK runtime in /somewhere")

    machine.setattr(runtime, "inspect", inspect)
    return machine


def by_name() -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.examine()}


def test_the_packages_looked_for_are_the_declared_dependencies() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert sorted(doctor.CORE_PACKAGES) == sorted(re.split(r"[<>=!~ \[;]", each)[0] for each in declared)


def test_a_bare_machine_cannot_run_and_each_lack_names_its_cure(machine: pytest.MonkeyPatch) -> None:
    checks = by_name()
    assert not doctor.can_run(checks.values())
    assert checks["CNTK runtime, CPU"].mend == "skinlab setup cntk --variant cpu"
    assert checks["CPython 3.6"].mend == "pyenv install 3.6.15"
    assert checks["CPython 3.6"].found == "PATH: no python3.6; pyenv: nothing"
    assert checks["OpenMPI or C compiler"].mend.endswith("-m pip install ziglang")
    assert all(check.mend for check in checks.values() if check.state != "ok")


def test_a_ready_runtime_makes_its_ingredients_unneeded(with_runtime: pytest.MonkeyPatch) -> None:
    checks = by_name()
    assert checks["CPython 3.6"].state == "missing"
    assert not checks["CPython 3.6"].in_the_way
    assert checks["CNTK runtime, CPU"].found == "CNTK 2.7.post2 in /somewhere, CPython 3.6.15, MPI: stub"
    assert doctor.can_run(checks.values())


def test_a_broken_runtime_is_named_with_its_cause(machine: pytest.MonkeyPatch) -> None:
    broken = runtime.Status("gpu", "broken", "libnvidia-ml.so.1 is gone")
    missing = runtime.Status("cpu", "missing", "no CNTK runtime")
    machine.setattr(runtime, "inspect", lambda variant: broken if variant == "gpu" else missing)
    checks = by_name()
    assert checks["CNTK runtime, GPU"] == doctor.Check(
        "CNTK runtime, GPU", "broken", "libnvidia-ml.so.1 is gone", "skinlab setup cntk --variant gpu"
    )
    assert "CNTK runtime, CPU" not in checks


@pytest.mark.parametrize(
    ("launcher", "libraries", "state"),
    [
        ("/bin/mpiexec", ("/lib/a", "/lib/b"), "ok"),
        (None, ("/lib/a", "/lib/b"), "missing"),
        ("/bin/mpiexec", None, "missing"),
    ],
)
def test_mpiexec_is_needed_by_nobody_and_needs_its_libraries(
    machine: pytest.MonkeyPatch, launcher: str | None, libraries: tuple[str, str] | None, state: str
) -> None:
    machine.setattr(mpi, "find_launcher", lambda: launcher)
    machine.setattr(mpi, "find_openmpi", lambda: libraries)
    check = doctor.check_mpiexec()
    assert (check.state, check.needed) == (state, False)


def test_another_platform_is_named(machine: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise SetupError("CNTK 2.7 exists for Linux x86-64 only, this is Darwin arm64: use the torch engine")

    machine.setattr(runtime, "check_platform", refuse)
    checks = by_name()
    assert "Darwin arm64" in checks["CNTK runtime"].found
    assert checks["CNTK runtime"].in_the_way


def test_a_missing_and_a_half_removed_package_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = doctor.check_package("skinlab-no-such-package", "nothing")
    assert (missing.state, missing.in_the_way) == ("missing", True)
    assert missing.mend.endswith("-m pip install skinlab-no-such-package")
    assert not doctor.check_package("skinlab-no-such-package", "nothing", needed=False).in_the_way
    half = doctor.check_package("numpy", "skinlab_no_such_module")
    assert half.state == "broken"
    assert "--force-reinstall" in half.mend


def test_a_folder_that_does_not_exist_is_judged_by_where_it_would_be_made(tmp_path: Path) -> None:
    check = doctor.check_folder("x", tmp_path / "a" / "b", "elsewhere")
    assert check.state == "ok"
    assert "will be made" in check.found
    (tmp_path / "file").touch()
    assert doctor.check_folder("x", tmp_path / "file" / "b", "elsewhere").mend == "elsewhere"


def test_a_folder_without_permission_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.os, "access", lambda *_: False)
    check = doctor.check_folder("x", tmp_path, "elsewhere")
    assert check.state == "broken"
    assert check.mend == f"elsewhere, or chmod u+rwx {tmp_path}"


def test_no_shared_memory_is_missing(tmp_path: Path) -> None:
    assert doctor.check_shared_memory(tmp_path / "shm").state == "missing"


def test_no_conf_is_missing() -> None:
    assert doctor.check_conf(None).in_the_way


def test_the_declared_output_folder_is_looked_at() -> None:
    declared = (paths.conf_dir() / "config.yaml").read_text()
    assert f"output_dir: {paths.default_output()}\n" in declared
    (check,) = [check for check in doctor.examine() if check.name == "output folder"]
    assert str(paths.default_output().absolute()) in check.found


@pytest.mark.parametrize(("capability", "part"), [((7, 0), "GPU build runs on it"), ((9, 0), "torch engine")])
def test_a_gpu_is_named_with_the_engine_for_it(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], part: str
) -> None:
    monkeypatch.setattr(gpu, "detect", lambda: [gpu.Gpu("Some GPU", capability, "535")])
    check = doctor.check_gpu()
    assert "Some GPU" in check.found
    assert part in check.found


def test_the_torch_engine_is_described_without_importing_it() -> None:
    code = "import sys; from skinlab import doctor; print(doctor.check_torch()); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    check, imported = done.stdout.splitlines()
    assert "state='ok'" in check
    assert re.search(r"torch [\d.]+.*, lightning-fabric [\d.]+.*; built for", check)
    assert imported == "False"


def test_a_missing_torch_engine_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda package: None if package == "timm" else "1.0")
    check = doctor.check_torch()
    assert (check.state, check.in_the_way, check.found) == ("missing", False, "no timm (optional)")
    assert check.mend.endswith("-m pip install 'skinlab[torch]'")


def test_the_torch_packages_looked_for_are_the_declared_extra() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["torch"]
    assert sorted(doctor.TORCH_PACKAGES) == sorted(re.split(r"[<>=!~ \[;]", each)[0] for each in declared)


def test_the_command_prints_a_table_and_exits_by_the_verdict(
    with_runtime: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([]) == 0
    assert "The default experiment can run." in capsys.readouterr().out


def test_the_command_on_a_bare_machine_exits_with_1(
    machine: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([]) == 1
    out = capsys.readouterr().out
    assert "missing, needed" in out
    assert "cannot run yet" in out


def test_json_holds_the_same_checks(with_runtime: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["ready"] is True
    assert [check["name"] for check in content["checks"]] == list(by_name())


def test_the_table_is_printed_without_rich_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda _name: None)
    command.print_table([doctor.Check("rich", "missing", "not installed", "pip install rich")])
    assert capsys.readouterr().out == "rich: missing, needed: not installed; pip install rich\n"


def test_the_cache_is_measured_and_a_wrong_size_of_it_named(machine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home" / "cache" / "images").mkdir(parents=True)
    (tmp_path / "home" / "cache" / "images" / "a.npy").touch()
    os.truncate(tmp_path / "home" / "cache" / "images" / "a.npy", 200_000_000)
    machine.setenv("SKINLAB_CACHE_GB", "2")
    assert by_name()["cache"].found == f"0.2 of at most 2 GB, {tmp_path}/home/cache"
    machine.setenv("SKINLAB_CACHE_GB", "much")
    assert by_name()["cache"].state == "broken"
    assert by_name()["cache"].found.startswith("SKINLAB_CACHE_GB=much must be a number above 0")
