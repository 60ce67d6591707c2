import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from skinlab.engines.cntk.shared import SharedArrays, shared_folder
from skinlab.errors import EngineError
from skinlab.layout import Layout

LAYOUT = Layout.of({"images": ("u1", (2, 4, 4, 3)), "weights": ("f4", (2,))})


def test_arrays_do_not_overlap_and_reach_the_file(tmp_path: Path) -> None:
    shared = SharedArrays(LAYOUT, tmp_path)
    shared["images"][:] = 7
    shared["weights"][:] = [0.5, 1.5]
    seen = np.memmap(shared.path, dtype=np.uint8, mode="r")
    _, _, offset = LAYOUT.arrays["weights"]
    assert (seen[:96] == 7).all()
    assert np.frombuffer(seen[offset : offset + 8].tobytes(), dtype="f4").tolist() == [0.5, 1.5]


def test_close_removes_the_file(tmp_path: Path) -> None:
    shared = SharedArrays(LAYOUT, tmp_path)
    shared.close()
    assert list(tmp_path.iterdir()) == []


def test_too_little_shared_memory_is_said_with_what_to_lower(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="lower optimizer.minibatch_size or network.image_size"):
        SharedArrays(Layout.of({"images": ("u1", (2**50,))}), tmp_path)


def test_folders_of_killed_processes_are_removed_and_others_kept() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    ours = shared_folder()
    left = ours.with_name(f"skinlab-{ended.pid}-left")
    left.mkdir()
    second = shared_folder()
    assert not left.exists()
    assert ours.exists()
    ours.rmdir()
    second.rmdir()
