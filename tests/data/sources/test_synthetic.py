"""Phantoms as files: the same bytes whoever draws them, whole or not there."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinlab import paths
from skinlab.data.phantoms import PhantomSpec, draw
from skinlab.data.sources import load, synthetic
from skinlab.data.sources.synthetic import drawn
from skinlab.errors import OutputError
from tests.data.data_builders import synthetic_dataset

SPEC = PhantomSpec(seed=0, images=130, draw_size=32, malignant_fraction=0.5, difficulty=0.2, images_per_lesion=1.3)
SCRIPT = """
import os, signal, sys
from skinlab.data.phantoms import PhantomSpec
from skinlab.data.sources import synthetic
spec = PhantomSpec(seed=0, images=130, draw_size=32, malignant_fraction=0.5, difficulty=0.2, images_per_lesion=1.3)
if sys.argv[1] == "kill":
    synthetic._write_table = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
synthetic.drawn(spec, workers=0)
"""


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def start(mode: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", SCRIPT, mode])


def test_files_are_the_drawn_phantoms_named_in_order() -> None:
    manifest = load(synthetic_dataset(images=12))
    assert manifest.image_ids == tuple(f"phantom_{i:05}" for i in range(1, 13))
    spec = PhantomSpec(seed=0, images=12, draw_size=48, malignant_fraction=0.5, difficulty=0.2, images_per_lesion=1.0)
    for index, path in enumerate(manifest.paths):
        assert np.array_equal(np.asarray(Image.open(path)), draw(spec, index))


def test_bytes_are_the_same_with_one_two_or_no_worker_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for workers in (0, 1, 2):
        monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / f"home_{workers}"))
        found.append(content(drawn(SPEC, workers)))
    assert len(found[0]) == 131
    assert found[0] == found[1] == found[2]


def test_second_call_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(synthetic_dataset())
    monkeypatch.setattr(synthetic, "draw", None)
    assert load(synthetic_dataset()) == first


def test_label_noise_changes_labels_only_and_costs_no_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = load(synthetic_dataset())
    monkeypatch.setattr(synthetic, "draw", None)
    noisy = load(synthetic_dataset(label_noise=0.25))
    assert clean.labels == list(clean.attributes["true_class"])
    assert sum(a != b for a, b in zip(clean.labels, noisy.labels, strict=True)) == 5
    assert (noisy.attributes, noisy.paths) == (clean.attributes, clean.paths)


def test_phantoms_of_one_lesion_share_group_class_and_signs() -> None:
    manifest = load(synthetic_dataset(images=30, images_per_lesion=3.0))
    rows = zip(manifest.groups, *(manifest.attributes[name] for name in sorted(manifest.attributes)), strict=True)
    assert Counter(manifest.groups).most_common(1)[0][1] == 3
    assert len(set(rows)) == len(set(manifest.groups)) == 10
    assert set(manifest.attributes) == {"true_class", "asymmetry", "border", "colours", "diameter"}


def test_folder_with_a_missing_file_is_drawn_again() -> None:
    folder = drawn(SPEC, 0)
    whole = content(folder)
    (folder / "phantom_00007.png").unlink()
    assert content(drawn(SPEC, 0)) == whole


def test_two_processes_that_draw_together_both_succeed() -> None:
    processes = [start("draw") for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    folder = paths.cache() / "synthetic" / SPEC.key
    assert len(content(folder)) == 131
    assert list(folder.parent.iterdir()) == [folder]


def test_killed_process_leaves_nothing_that_is_taken_for_complete() -> None:
    assert start("kill").wait() == -signal.SIGKILL
    folder = paths.cache() / "synthetic" / SPEC.key
    assert not folder.exists()
    assert len(content(drawn(SPEC, 0))) == 131


def test_home_that_cannot_be_written_is_an_output_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match=r"cannot use the cache folder .*SKINLAB_HOME"):
        load(synthetic_dataset())
