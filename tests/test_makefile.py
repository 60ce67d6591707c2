"""`make run` on a machine where CNTK cannot be set up. The environment is a stand-in: nothing is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest

from skinlab.errors import SetupError, UnavailableError

ROOT = Path(__file__).resolve().parents[1]
SKINLAB = '#!/bin/sh\necho "skinlab $*"\n[ "$1" = setup ] && exit {status}\nexit 0\n'
PYTHON = '#!/bin/sh\necho "python $*"\n'


def make_run(folder: Path, status: int) -> subprocess.CompletedProcess[str]:
    """`make run` where `skinlab setup cntk` ends with this exit status."""
    shutil.copy(ROOT / "Makefile", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(ROOT / "requirements", folder / "requirements")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, text in (("skinlab", SKINLAB.format(status=status)), ("python", PYTHON)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (folder / ".venv" / ".core").touch()
    command = ["make", "--no-print-directory", "run", "ARGS=seed=2"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_default_experiment_trains_on_cntk(tmp_path: Path) -> None:
    done = make_run(tmp_path, 0)
    assert (done.returncode, done.stdout) == (0, "skinlab setup cntk\nskinlab train seed=2\n")


def test_without_a_python_for_cntk_torch_is_installed_and_takes_its_place_and_that_is_said(tmp_path: Path) -> None:
    done = make_run(tmp_path, UnavailableError.exit_code)
    assert done.returncode == 0, done.stderr
    assert "going on with PyTorch, engine=torch" in done.stdout
    assert "install --require-hashes -r requirements/torch.txt" in done.stdout
    assert done.stdout.endswith("skinlab train engine=torch seed=2\n")


@pytest.mark.parametrize("status", [1, SetupError.exit_code])
def test_another_failure_of_the_set_up_is_a_failure(tmp_path: Path, status: int) -> None:
    done = make_run(tmp_path, status)
    assert done.returncode != 0
    assert "train" not in done.stdout
