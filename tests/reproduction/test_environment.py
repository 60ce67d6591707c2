"""The recorded environment, built from a wheel that lies beside the test: no package index is asked."""

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from skinlab import machine
from skinlab.errors import OutputError, SetupError
from skinlab.reproduction import environment
from skinlab.run import Run
from tests.conftest import ROOT

VERSION = ".".join(map(str, sys.version_info[:3]))


def wheel(folder: Path, name: str, version: str) -> None:
    """A package with a module that knows its version."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        record = ""
        for path, text in files.items():
            archive.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{path},sha256={digest},{len(text)}\n"
        archive.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run with a package of its own, at the commit of this checkout; pip finds wheels in a folder alone.

    The current directory is the checkout, whose code must not come before that of the run.
    """
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    wheel(tmp_path / "wheels", "dermalike", "1.5")
    code = machine.code_version()
    if code["commit"] is None:
        pytest.skip("this is no git checkout")
    made = Run.create(tmp_path / "run", {"code": code, "machine": {"python": VERSION}})
    made.write_text("environment.lock", f"# environment\ndermalike==1.5\nskinlab=={code['version']}\n")
    return made


def output(built: environment.Environment, program: str) -> str:
    done = subprocess.run(
        [built.python, "-c", program], env=built.variables, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.slow
def test_it_has_the_recorded_packages_and_the_recorded_commit_and_goes_afterwards(run: Run) -> None:
    with environment.recorded(run) as built:
        assert output(built, "import dermalike; print(dermalike.version)") == "1.5"
        place = output(built, "import skinlab; print(skinlab.__file__)")
        assert str(built.python.parents[2]) in place
        assert built.facts["code"] == run.record["code"] | {"dirty": False}
        assert built.facts["machine"]["python"] == VERSION
        folder = built.python.parents[2]
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.slow
def test_an_installation_of_the_same_version_is_the_code_of_a_run_without_a_commit(run: Run) -> None:
    run.update(code=run.record["code"] | {"commit": None, "dirty": None})
    with environment.recorded(run) as built:
        assert output(built, "from skinlab import paths; print(paths.conf_dir())").startswith(
            str(built.python.parents[2])
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("facts", "lock", "said"),
    [
        (
            {},
            "dermalike==1.6",
            "packages of the run cannot be installed: ERROR: No matching distribution .*dermalike==1.6",
        ),
        ({"commit": "0" * 40}, "dermalike==1.5", "does not have commit 000000000000, .* git fetch it"),
        ({"commit": None, "version": "0.0.1"}, "dermalike==1.5", r"skinlab 0\.0\.1, .* cannot be installed"),
    ],
)
def test_what_cannot_be_had_is_one_line_and_leaves_nothing(
    run: Run, facts: dict[str, Any], lock: str, said: str, tmp_path: Path
) -> None:
    run.update(code=run.record["code"] | facts)
    run.write_text("environment.lock", f"# environment\n{lock}\n")
    with pytest.raises(SetupError, match=said) as error, environment.recorded(run):
        pass
    assert "\n" not in str(error.value)
    assert list((tmp_path / "home" / "environments").iterdir()) == []


def test_a_run_without_a_lock_is_refused(run: Run) -> None:
    (run.path / "environment.lock").unlink()
    with pytest.raises(OutputError, match=r"has no environment\.lock"), environment.recorded(run):
        pass


def test_another_patch_of_the_python_will_do_and_is_said(caplog: pytest.LogCaptureFixture) -> None:
    minor = VERSION.rpartition(".")[0]
    assert environment.find_python(VERSION) == Path(sys.executable)
    assert caplog.text == ""
    environment.find_python(f"{minor}.999")
    assert f"in the place of {minor}.999" in caplog.text


def test_a_python_that_is_not_there_is_named() -> None:
    with pytest.raises(SetupError, match=r"Python 2\.3 is not on this machine, and the run was made with 2\.3\.4"):
        environment.find_python("2.3.4")
    with pytest.raises(SetupError, match=r"is no Python 2\.3"):
        environment.find_python("2.3.4", Path(sys.executable))
