import json
import sys
from pathlib import Path

import pytest

from skinlab.engines.cntk import building
from skinlab.errors import SetupError


def program(folder: Path, text: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def printing(folder: Path, losses: list[float], *, repeats: bool = True) -> Path:
    result = json.dumps({"cntk": "2.7", "devices": ["CPU"], "losses": losses, "repeats": repeats})
    return program(folder, f"echo 'Selected CPU'; echo '{result}'")


def test_the_result_is_read_from_among_what_cntk_prints(tmp_path: Path) -> None:
    result = building.smoke_test(printing(tmp_path, [2.0, 1.0, 0.5]), "cpu", {})
    assert result["losses"] == [2.0, 1.0, 0.5]
    assert result["seconds"] >= 0


@pytest.mark.parametrize("losses", [[2.0, 1.9, 1.8], [2.0, float("nan")], [2.0, float("inf"), 0.1]])
def test_a_loss_that_does_not_fall_fails(tmp_path: Path, losses: list[float]) -> None:
    with pytest.raises(SetupError, match="the loss does not fall"):
        building.smoke_test(printing(tmp_path, losses), "cpu", {})


def test_a_training_that_does_not_repeat_fails(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="gives other numbers"):
        building.smoke_test(printing(tmp_path, [2.0, 0.1], repeats=False), "cpu", {})


def test_a_runtime_that_cannot_load_cntk_is_quoted(tmp_path: Path) -> None:
    broken = program(tmp_path, "echo 'ImportError: libmpi.so.12: cannot open shared object file' >&2; exit 1")
    with pytest.raises(SetupError, match=r"smoke test failed: ImportError: libmpi\.so\.12"):
        building.smoke_test(broken, "cpu", {})


def test_a_silent_runtime_fails(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="printed no result"):
        building.smoke_test(program(tmp_path, "exit 0"), "cpu", {})


def test_an_interpreter_that_makes_no_environment_is_quoted(tmp_path: Path) -> None:
    broken = program(tmp_path, "echo 'No module named venv' >&2; exit 1")
    with pytest.raises(SetupError, match="cannot make a virtual environment: No module named venv"):
        building.create_venv(broken, tmp_path / "root")


def test_the_environment_holds_no_script_with_the_folder_s_first_name(tmp_path: Path) -> None:
    building.create_venv(Path(sys.executable), tmp_path / "root")
    scripts = tmp_path / "root" / "venv" / "bin"
    assert (scripts / "python").exists()
    texts = [path for path in scripts.iterdir() if not path.is_symlink()]
    assert texts == []
