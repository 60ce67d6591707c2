"""`skinlab data audit`, as a user runs it."""

import json

import numpy as np
import pytest
from PIL import Image

from skinlab.commands.data_audit import main
from skinlab.data import prepare as module
from skinlab.errors import ConfigError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for label in ("benign", "malignant"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for i in range(6):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)
            image.save(tmp_path / "images" / label / f"{label}{i}.png")
            if i == 0:
                image.transpose(Image.Transpose.ROTATE_180).save(tmp_path / "images" / label / "turned.png")
    return tmp_path


WORDS = ["dataset=folder", "dataset.path=images", "network.image_size=64"]


def test_a_clean_split_exits_with_0_and_writes_both_files(folder, capsys):
    assert main(WORDS) == 0
    printed = capsys.readouterr().out
    assert "Near-duplicates" in printed
    found = json.loads((folder / "audit-folder" / "audit.json").read_text())
    assert [pair["images"] for pair in found["near_duplicates"]] == [
        ["benign/benign0", "benign/turned"],
        ["malignant/malignant0", "malignant/turned"],
    ]
    assert (folder / "audit-folder" / "audit.html").read_text().startswith("<!doctype html>")


def test_leaks_exit_with_1_and_stop_nothing(folder, monkeypatch, capsys):
    monkeypatch.setattr(
        module.splits,
        "assign",
        lambda rows, *_: (
            ["test" if "turned" in name else ("train", "validation")[i % 2] for i, name in enumerate(rows.image_ids)],
            {},
        ),
    )
    assert main([*WORDS, "--out", "here"]) == 1
    assert len(json.loads((folder / "here" / "audit.json").read_text())["leaks"]) == 2
    assert "Leaks" in (folder / "here" / "audit.html").read_text()


def test_a_sweep_is_refused():
    with pytest.raises(ConfigError, match="leave out -m"):
        main(["-m", "seed=1,2"])


def test_help_tells_the_exit_status(capsys):
    assert main(["--help"]) == 0
    assert "1 if images leak" in capsys.readouterr().out
