"""`import skinlab` is instant, and its names are there when they are asked for."""

import subprocess
import sys

import pytest

import skinlab


def test_a_bare_import_loads_nothing_of_others() -> None:
    program = "import sys; before = set(sys.modules); import skinlab; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    packages = {name.partition(".")[0] for name in done.stdout.split()}
    assert packages <= {"skinlab"} | set(sys.stdlib_module_names)
    assert {name for name in done.stdout.split() if name.startswith("skinlab")} == {"skinlab"}


def test_frames_and_engines_are_not_loaded_to_declare() -> None:
    program = "import sys, skinlab; skinlab.compose(seed=3); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"pandas", "torch", "mlflow", "optuna"} & set(done.stdout.split()) == set()


@pytest.mark.parametrize("name", sorted(set(skinlab.__all__) - {"__version__"}))
def test_every_name_can_be_had_and_says_what_it_does(name: str) -> None:
    assert getattr(skinlab, name).__doc__


def test_another_name_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="module 'skinlab' has no attribute 'trian'"):
        _ = skinlab.trian  # type: ignore[attr-defined]
