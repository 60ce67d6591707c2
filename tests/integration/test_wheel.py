"""The wheel carries the declarative surface, so that an installed skinlab works outside a checkout."""

import os
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.integration.commands import ROOT

NO_BACKEND = ("No matching distribution found for hatchling", "Could not fetch URL", "Connection")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "-w", str(folder)]
    built = subprocess.run([*command, str(ROOT)], cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    if built.returncode and any(words in built.stderr + built.stdout for words in NO_BACKEND):
        pytest.skip("the build backend hatchling cannot be had from the package index")
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("skinlab-*.whl")
    return path


def test_configuration_presets_and_the_workers_files_are_in_it_once(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = Counter(archive.namelist())
    conf = {path.relative_to(ROOT).as_posix() for path in (ROOT / "conf").rglob("*.yaml")}
    presets = {f"conf/experiment/{path.name}" for path in (ROOT / "experiments").glob("*.yaml")}
    assert {name for name in names if name.startswith("skinlab/conf/")} == {
        f"skinlab/{name}" for name in conf | presets
    }
    cntk = ROOT / "skinlab" / "engines" / "cntk"
    needed = (cntk / "worker" / "worker.py", cntk / "mpi_stub.c", cntk / "requirements.lock")
    pages = [
        ROOT / "skinlab" / "colours.css",
        *(ROOT / "skinlab" / "web" / "static").iterdir(),
        *(ROOT / "skinlab" / "web" / "templates").iterdir(),
    ]
    assert len(pages) > 5
    assert {path.relative_to(ROOT).as_posix() for path in (*needed, *pages)} <= set(names)
    assert "skinlab/py.typed" in names
    assert set(names.values()) == {1}
    assert not any(name.startswith("tests/") or "__pycache__" in name for name in names)


@pytest.mark.parametrize("words", [[], ["experiment=debug", "augmentation=none"]])
def test_unpacked_elsewhere_it_composes(wheel: Path, tmp_path: Path, words: list[str]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    program = "import sys, skinlab; print(skinlab.__file__); from skinlab.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, "check", "--declaration-only", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    where, told = done.stdout.splitlines()
    assert where == str(tmp_path / "installed" / "skinlab" / "__init__.py")
    assert told.startswith("ok: ")
