import ctypes
import shutil
import sys
from pathlib import Path

import pytest

from skinlab.engines.cntk import mpi
from skinlab.errors import SetupError


def library(folder: Path, *names: str, content: bytes = b"..ompi_mpi_comm_world..") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(content)


@pytest.fixture
def no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH without compilers; returns its only folder."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(mpi.importlib.util, "find_spec", lambda _name: None)
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def compiler(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("names", [("libmpi.so.12", "libmpi_cxx.so.1"), ("libmpi.so.40", "libmpi_cxx.so.40")])
def test_openmpi_1_and_4_are_found_and_linked_under_the_names_of_1(tmp_path: Path, names: tuple[str, str]) -> None:
    library(tmp_path / "lib", *names)
    found = mpi.find_openmpi([tmp_path / "empty", tmp_path / "lib"])
    assert found is not None
    mpi.link(found, tmp_path / "mpi")
    assert (tmp_path / "mpi" / "libmpi.so.12").readlink() == tmp_path / "lib" / names[0]
    assert (tmp_path / "mpi" / "libmpi_cxx.so.1").readlink() == tmp_path / "lib" / names[1]


def test_openmpi_without_cxx_bindings_does_not_count(tmp_path: Path) -> None:
    library(tmp_path, "libmpi.so.40")
    assert mpi.find_openmpi([tmp_path]) is None


def test_mpich_under_the_same_name_does_not_count(tmp_path: Path) -> None:
    library(tmp_path, *mpi.NAMES, content=b"..MPIR_..")
    assert mpi.find_openmpi([tmp_path]) is None


def test_the_library_path_comes_before_the_usual_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/mine::/yours")
    assert mpi.library_folders()[:2] == [Path("/mine"), Path("/yours")]


def test_cc_variable_is_tried_first_and_may_have_arguments(no_compiler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gcc", "cc", "mine"):
        compiler(no_compiler / name, "")
    monkeypatch.setenv("CC", "mine -O2")
    assert mpi.compilers() == [["mine", "-O2"], ["cc"], ["gcc"]]


def test_the_ziglang_package_compiles_where_nothing_else_does(
    no_compiler: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mpi.importlib.util, "find_spec", lambda name: name == "ziglang" or None)
    assert mpi.compilers() == [[sys.executable, "-m", "ziglang", "cc"]]


def test_no_mpi_and_no_compiler_names_the_ways_out(no_compiler: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"nor a C compiler; install a C compiler.*libopenmpi3.*pip install ziglang"):
        mpi.build_stub(tmp_path / "mpi")


def test_a_failing_compiler_is_quoted_and_the_next_one_tried(no_compiler: Path, tmp_path: Path) -> None:
    compiler(no_compiler / "cc", "echo 'fatal error: no assembler' >&2; exit 1")
    with pytest.raises(SetupError, match="`cc` failed: fatal error: no assembler"):
        mpi.build_stub(tmp_path / "mpi")
    compiler(no_compiler / "gcc", "exit 0")
    assert mpi.build_stub(tmp_path / "mpi") == "gcc"


def test_the_stub_never_writes_through_a_link_to_the_system_s_library(no_compiler: Path, tmp_path: Path) -> None:
    library(tmp_path / "lib", *mpi.NAMES)
    mpi.link((tmp_path / "lib" / mpi.NAMES[0], tmp_path / "lib" / mpi.NAMES[1]), tmp_path / "mpi")
    compiler(no_compiler / "cc", 'while [ "$1" != -o ]; do shift; done; echo stub > "$2"')
    mpi.build_stub(tmp_path / "mpi")
    assert (tmp_path / "lib" / mpi.NAMES[0]).read_bytes() == b"..ompi_mpi_comm_world.."
    assert (tmp_path / "mpi" / mpi.NAMES[0]).read_text() == "stub\n"


@pytest.mark.skipif(not any(map(shutil.which, ("cc", "gcc", "clang"))), reason="no C compiler (cc, gcc, clang)")
def test_the_compiled_stub_defines_what_cntk_binds_while_loading(tmp_path: Path) -> None:
    mpi.build_stub(tmp_path)
    for name in mpi.NAMES:
        loaded = ctypes.CDLL(str(tmp_path / name))
        for symbol in ("char", "comm_null", "comm_world", "double", "float", "int", "long_long_int", "op_sum"):
            ctypes.c_char.in_dll(loaded, f"ompi_mpi_{symbol}")
        for function in ("ompi_mpi_cxx_op_intercept", "_ZN3MPI3Win4FreeEv", "_ZN3MPI4CommC2Ev"):
            assert getattr(loaded, function)


def test_only_openmpi_s_launcher_counts(no_compiler: Path) -> None:
    compiler(no_compiler / "mpiexec", "echo 'HYDRA build details: Version 4.0'")
    assert mpi.find_launcher() is None
    compiler(no_compiler / "mpirun", "echo 'mpirun (Open MPI) 4.1.4'")
    assert mpi.find_launcher() == str(no_compiler / "mpirun")


def test_the_launcher_leaves_its_files_in_the_given_folder(tmp_path: Path) -> None:
    words = mpi.launch("mpiexec", 3, tmp_path)
    assert words[:3] == ["mpiexec", "-n", "3"]
    assert words.count(str(tmp_path)) == 2
