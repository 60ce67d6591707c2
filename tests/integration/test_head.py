"""`method=head`: the last layer on features that are computed once, on either engine, from declaration to bundle."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from skinlab.networks.weights import load
from tests.integration.commands import TINY, Workplace, record

HEAD = (*TINY, "method=head", "network.dropout=0.3", "optimizer.learning_rate=0.1")
ENGINES = ("cntk", "torch")


def scores(run: Path) -> dict[str, float]:
    with (run / "predictions.csv").open() as lines:
        return {row["image_id"]: float(row["probability_malignant"]) for row in csv.DictReader(lines)}


@pytest.mark.parametrize("engine", ENGINES)
def test_it_is_what_fine_tuning_with_a_frozen_backbone_gives(workplace: Workplace, engine: str) -> None:
    words = (*HEAD[:-3], *HEAD[-2:], f"engine={engine}", "augmentation=none")
    words += ("engine.precision=fp32",) if engine == "torch" else ()
    head, whole = (workplace.train(*words, method) for method in ("method=head", "method.freeze=backbone"))
    ours, theirs = scores(head), scores(whole)
    assert ours.keys() == theirs.keys()
    assert max(abs(ours[name] - theirs[name]) for name in ours) < 1e-4
    assert len({round(score, 3) for score in ours.values()}) > 5
    trained, kept = load(head / "checkpoints" / "best.safetensors"), load(whole / "checkpoints" / "best.safetensors")
    assert trained.keys() == kept.keys()
    assert all(np.array_equal(trained[name], kept[name]) for name in trained if not name.startswith("fc."))
    assert record(head)["epochs"] == 2
    assert set(record(head)["timings"]) >= {"features_s", "training_s"}


@pytest.mark.parametrize("engine", ENGINES)
def test_it_repeats_to_the_bit_and_its_bundle_serves_the_whole_network(workplace: Workplace, engine: str) -> None:
    words = (*HEAD, f"engine={engine}", "evaluation.tta=flips")
    first, again = workplace.train(*words), workplace.train(*words)
    for name in ("summary.json", "metrics.jsonl", "predictions.csv", "bundle/model.onnx"):
        assert (first / name).read_bytes() == (again / name).read_bytes(), name
    assert record(first)["bundle_check"]["largest_difference"] < 1e-4
    assert json.loads((first / "summary.json").read_text())["tta"] == "flips"


def test_mixup_is_refused(workplace: Workplace) -> None:
    done = workplace.skinlab("check", "method=head", "training.mixup=0.2")
    assert done.code != 0
    assert "choose method=finetune for mixup" in done.err
