"""Whole commands on the torch engine: repeated, killed and resumed to the same bytes; and one declaration on both."""

import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.integration.commands import Workplace, finish, metrics, record, wait_for

DECLARED = (
    "experiment=debug",
    "engine=torch",
    "training.epochs=2",
    "network.dropout=0.3",
    "optimizer.minibatch_size=8",
    "training.checkpoint_minutes=0.0001",
    "evaluation.bootstrap=100",
)
SAME = ("predictions.csv", "summary.json", "metrics.jsonl", "checkpoints/best.safetensors", "bundle/model.onnx")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, cntk_home: Path) -> Path:
    """A run that nobody disturbed; only to be read."""
    return Workplace(tmp_path_factory.mktemp("whole"), cntk_home).train(*DECLARED)


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_killed_run_is_resumed_to_the_same_bytes(whole: Path, workplace: Workplace, epochs: int) -> None:
    process = workplace.start("train", *DECLARED)
    checkpoint = f"epoch{epochs:04d}-step*/position.json"
    reached = wait_for(lambda: any((workplace.path / "outputs").glob(f"runs/*/*/checkpoints/{checkpoint}")), 120)
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    assert reached
    run = workplace.run()
    assert record(run)["status"] == "running"
    done = workplace.skinlab("resume", str(run))
    assert done.code == 0, done.err
    assert [name for name in SAME if (run / name).read_bytes() != (whole / name).read_bytes()] == []
    assert record(run)["status"] == "finished"


def test_a_run_of_timms_network_is_resumed_to_the_same_bytes_and_served(workplace: Workplace) -> None:
    declared = (*DECLARED, "network=timm", "network.name=test_convnext", "evaluation.tta=flips")
    whole = workplace.train(*declared, "name=whole")
    process = workplace.start("train", *declared, "name=killed")
    reached = wait_for(
        lambda: any((workplace.path / "outputs").glob("runs/killed/*/checkpoints/epoch0001-step*/position.json")), 120
    )
    os.killpg(process.pid, signal.SIGKILL)
    finish(process)
    assert reached
    (run,) = (workplace.path / "outputs").glob("runs/killed/*")
    done = workplace.skinlab("resume", str(run))
    assert done.code == 0, done.err
    same = [name for name in SAME if name not in ("summary.json", "bundle/model.onnx")]  # which name the experiment
    assert [name for name in same if (run / name).read_bytes() != (whole / name).read_bytes()] == []
    assert record(run)["bundle_check"]["largest_difference"] < 1e-4
    picture = workplace.path / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(picture)
    served = workplace.skinlab("predict", str(run), str(picture))
    assert served.code == 0, served.err
    (row,) = csv.DictReader(served.out.splitlines())
    assert float(row["probability_malignant"]) + float(row["probability_benign"]) == pytest.approx(1, abs=1e-4)


def test_the_run_says_what_computed(whole: Path) -> None:
    engine = record(whole)["engine"]
    assert (engine["name"], engine["device"], engine["processes"]) == ("torch", "cpu", 1)
    assert engine["precision"] in ("fp32", "bf16")
    assert f"torch=={engine['torch'].split('+')[0]}" in (whole / "environment.lock").read_text()
    assert record(whole)["bundle_check"]["largest_difference"] < 1e-4


def probabilities(run: Path) -> np.ndarray:
    with (run / "predictions.csv").open() as stream:
        return np.array([float(row["probability_malignant"]) for row in csv.DictReader(stream)])


def test_one_declaration_gives_the_same_numbers_on_both_engines(workplace: Workplace) -> None:
    shared = ("experiment=debug", "optimizer.learning_rate=0.0005", "dataset.image_size=64", "evaluation.bootstrap=100")
    cntk = workplace.train(*shared, "engine=cntk")
    torch = workplace.train(*shared, "engine=torch", "engine.precision=fp32")
    assert (torch / "split.csv").read_bytes() == (cntk / "split.csv").read_bytes()
    for ours, theirs in zip(metrics(torch), metrics(cntk), strict=True):
        assert ours["train_loss"] == pytest.approx(theirs["train_loss"], rel=1e-2)
        assert ours["learning_rate"] == theirs["learning_rate"]
    np.testing.assert_allclose(probabilities(torch), probabilities(cntk), atol=0.01)
    first, second = (json.loads((run / "summary.json").read_text()) for run in (torch, cntk))
    assert first.keys() == second.keys()
