"""Results that cannot be written: one line that names the place, and a run that says why it failed."""

import shutil
import subprocess
import sys

import pytest

from skinlab.errors import OutputError
from tests.integration.commands import TINY, Done, Workplace, finish, record, temporary_files

MOUNT = 'mount -t tmpfs -o size="$1" none disk && shift && { "$@"; code=$?; cp -a disk copy; exit $code; }'


def test_a_place_below_a_file(workplace: Workplace) -> None:
    (workplace.path / "file").touch()
    done = workplace.skinlab("train", *TINY, "output_dir=file/results")
    assert done.code == OutputError.exit_code
    (line,) = done.err.splitlines()
    assert line.startswith("skinlab train: file/results/runs/debug/")
    assert line.endswith(
        "cannot be written (Not a directory); choose another place (of runs: output_dir=) or mend its permissions"
    )
    assert [path.name for path in workplace.path.iterdir()] == ["file"]


@pytest.fixture(scope="module")
def namespace() -> list[str]:
    """A command that runs another where it may mount file systems that nobody else sees."""
    for options in (["-m"], ["-r", "-m"]):
        command = ["unshare", *options]
        test = [*command, "mount", "-t", "tmpfs", "none", "/mnt"]
        if shutil.which("unshare") and subprocess.run(test, capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("a small file system to fill cannot be mounted here: needs root or user namespaces")


def on_disk_of(size: str, workplace: Workplace, namespace: list[str]) -> Done:
    """Train onto a disk of this size; what was on it in the end lies in copy/."""
    (workplace.path / "disk").mkdir()
    train = [sys.executable, "-m", "skinlab", "train", *TINY, "output_dir=disk"]
    process = subprocess.Popen(
        [*namespace, "sh", "-c", MOUNT, "sh", size, *train],
        cwd=workplace.path,
        env=workplace.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return finish(process)


def test_a_disk_that_is_full_before_the_start(workplace: Workplace, namespace: list[str]) -> None:
    done = on_disk_of("4k", workplace, namespace)
    assert done.code == OutputError.exit_code
    (line,) = done.err.splitlines()
    assert line.startswith("skinlab train: the disk is full: ")
    assert "disk" in line.removeprefix("skinlab train: the disk is full: ")


@pytest.mark.parametrize(
    ("size", "file"),
    [("200k", "checkpoints/best.safetensors"), ("60m", "checkpoints/epoch0001-"), ("160m", "checkpoints/")],
    ids=["the best weights", "the first checkpoint", "a later checkpoint"],
)
def test_a_disk_that_fills_up_in_training(workplace: Workplace, namespace: list[str], size: str, file: str) -> None:
    done = on_disk_of(size, workplace, namespace)
    assert done.code == OutputError.exit_code
    (line,) = done.err.splitlines()
    assert "the disk is full: " in line
    assert file in line
    (run,) = (path.parent for path in (workplace.path / "copy").rglob("run.json"))
    facts = record(run)
    assert facts["status"] == "failed"
    assert line == f"failed: {facts['error']}"
    assert temporary_files(run) == []
    kept = [path.name for path in (run / "checkpoints").glob("epoch*")]
    assert kept == (["epoch0001-step000000"] if (run / "checkpoints" / "last").is_symlink() else [])


def test_a_full_cache_is_named_with_its_place(workplace: Workplace, namespace: list[str]) -> None:
    (workplace.path / "disk").mkdir()
    environment = workplace.environment | {"SKINLAB_HOME": str(workplace.path / "disk")}
    process = subprocess.Popen(
        [*namespace, "sh", "-c", 'mount -t tmpfs -o size=40k none disk && ln -s "$0" disk/runtimes && exec "$@"',
         str(workplace.home / "runtimes"), sys.executable, "-m", "skinlab", "train", *TINY],
        cwd=workplace.path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    done = finish(process)
    assert done.code == OutputError.exit_code
    (line,) = done.err.splitlines()
    assert line.startswith(f"skinlab train: cannot use the cache folder {workplace.path / 'disk' / 'cache'}")
    assert workplace.runs() == []
