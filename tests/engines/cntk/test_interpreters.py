import json
from pathlib import Path

import pytest

from skinlab.engines.cntk import interpreters
from skinlab.errors import SetupError, UnavailableError

VARIABLES = ("PYENV_ROOT", "CONDA_EXE", "CONDA_PREFIX", "MAMBA_ROOT_PREFIX", interpreters.VARIABLE)


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def python(path: Path, version: tuple[int, int, int] = (3, 6, 15), name: str = "cpython", *, wide: bool = True) -> Path:
    answer = json.dumps([str(path), list(version), name, wide])
    return script(path, f"echo '{answer}'")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Python 3.6: an empty home, and a PATH of its folder `bin` only."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def test_python36_on_path_is_found(machine: Path) -> None:
    path = python(machine / "bin" / "python3.6")
    assert interpreters.find() == interpreters.Interpreter(path, "3.6.15", "PATH")


def test_a_failing_pyenv_shim_on_path_is_passed_over(machine: Path) -> None:
    script(machine / "bin" / "python3.6", "echo 'pyenv: python3.6: command not found' >&2; exit 127")
    real = python(machine / "home" / ".pyenv" / "versions" / "3.6.15" / "bin" / "python3.6")
    result = interpreters.search()
    assert result.found == interpreters.Interpreter(real, "3.6.15", "pyenv")
    assert any("bin/python3.6 does not run (pyenv: python3.6: command not found)" in line for line in result.looked)


def test_pyenv_root_is_searched_newest_version_first(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYENV_ROOT", str(machine / "pyenv"))
    for version in ((3, 6, 9), (3, 6, 15)):
        name = ".".join(map(str, version))
        python(machine / "pyenv" / "versions" / name / "bin" / "python3.6", version)
    assert interpreters.find().version == "3.6.15"


def test_the_pyenv_command_tells_its_root(machine: Path) -> None:
    real = python(machine / "elsewhere" / "versions" / "3.6.15" / "bin" / "python3.6")
    script(machine / "bin" / "pyenv", f"echo {machine / 'elsewhere'}")
    assert interpreters.find().path == real


@pytest.mark.parametrize("place", ["home/miniconda3/envs/py36", "home/miniforge3"])
def test_usual_conda_folders_are_searched(machine: Path, place: str) -> None:
    path = python(machine / place / "bin" / "python3.6")
    assert interpreters.find() == interpreters.Interpreter(path, "3.6.15", "conda")


def test_conda_s_own_list_of_environments_is_read(machine: Path) -> None:
    path = python(machine / "far" / "away" / "bin" / "python3.6")
    listed = machine / "home" / ".conda" / "environments.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text(f"{machine / 'gone'}\n{machine / 'far' / 'away'}\n")
    assert interpreters.find().path == path


def test_environments_beside_conda_exe_are_searched(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = python(machine / "conda" / "envs" / "old" / "bin" / "python3.6")
    monkeypatch.setenv("CONDA_EXE", str(machine / "conda" / "bin" / "conda"))
    assert interpreters.find().path == path


def test_the_conda_command_is_asked_last(machine: Path) -> None:
    path = python(machine / "shared" / "py36" / "bin" / "python3.6")
    answer = json.dumps({"envs": [str(machine / "shared" / "py36")]})
    script(machine / "bin" / "conda", f"echo '{answer}'")
    assert interpreters.find() == interpreters.Interpreter(path, "3.6.15", "conda env list")


def test_none_found_lists_the_places_and_three_ways(machine: Path) -> None:
    python(machine / "bin" / "python3.6", (3, 7, 1))
    script(machine / "bin" / "conda", "echo broken")
    with pytest.raises(UnavailableError) as caught:  # by its exit status `make run` knows to take another engine
        interpreters.find()
    message = str(caught.value)
    for part in (
        f"PATH: {machine / 'bin' / 'python3.6'} is Python 3.7.1",
        f"{machine / 'home' / '.pyenv'}/versions/*/bin",
        str(machine / "home" / "miniconda3"),
        "conda env list: no",
        "pyenv install 3.6.15",
        "conda create -n py36 python=3.6",
        "--python /path/to/python3.6",
        interpreters.VARIABLE,
    ):
        assert part in message


@pytest.mark.parametrize(
    ("name", "wide", "part"), [("pypy", True, "is pypy 3.6.15, 64-bit"), ("cpython", False, "32-bit")]
)
def test_another_implementation_or_word_size_is_refused(machine: Path, name: str, part: str, *, wide: bool) -> None:
    path = python(machine / "python", name=name, wide=wide)
    assert part in str(interpreters.examine(path, "test"))


def test_a_program_that_is_no_python_is_refused(machine: Path) -> None:
    assert interpreters.examine(script(machine / "x", "echo hello"), "test") == "does not answer as a Python does"


def test_a_text_file_is_refused(machine: Path) -> None:
    path = machine / "notes"
    path.write_text("no program\n")
    path.chmod(0o755)
    assert "cannot be started" in str(interpreters.examine(path, "test"))


def test_the_option_wins_over_the_variable_and_the_search(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python(machine / "bin" / "python3.6")
    monkeypatch.setenv(interpreters.VARIABLE, str(python(machine / "variable", (3, 6, 1))))
    assert interpreters.find().version == "3.6.1"
    assert interpreters.find(python(machine / "option", (3, 6, 2))).source == "--python"


def test_a_wrong_setting_is_an_error_and_not_passed_over(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python(machine / "bin" / "python3.6")
    with pytest.raises(SetupError, match=r"--python: .*/option is Python 3\.11\.0"):
        interpreters.find(python(machine / "option", (3, 11, 0)))
    monkeypatch.setenv(interpreters.VARIABLE, str(machine / "nothing"))
    with pytest.raises(SetupError, match=r"SKINLAB_PYTHON36: .*/nothing is no executable file"):
        interpreters.find()


def test_variables_for_another_python_do_not_reach_the_candidate(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    answer = json.dumps(["/x", [3, 6, 15], "cpython", True])
    path = script(machine / "python", f"test -z \"$PYTHONHOME\" && echo '{answer}'")
    assert isinstance(interpreters.examine(path, "test"), interpreters.Interpreter)
