"""`method=featurize`: the frozen network and a linear classifier, from declaration to bundle."""

import json

import numpy as np
import onnxruntime
import pytest

from skinlab.networks.weights import load
from tests.integration.commands import TINY, Workplace, record

SAME = ("summary.json", "predictions.csv", "split.csv", "checkpoints/best.safetensors", "bundle/model.onnx")


@pytest.mark.parametrize("classifier", ["linear_svm", "logistic_regression"])
def test_a_featurize_run_has_all_that_a_trained_one_has_and_repeats_to_the_bit(
    workplace: Workplace, classifier: str
) -> None:
    words = (*TINY, "method=featurize", f"method.classifier={classifier}")
    first, again = workplace.train(*words), workplace.train(*words)
    for name in SAME:
        assert (first / name).read_bytes() == (again / name).read_bytes(), name
    assert record(first)["engine"]["name"] == "onnxruntime"
    assert (first / "plots" / "roc.png").is_file()
    session = onnxruntime.InferenceSession(first / "bundle" / "model.onnx")
    assert session.run(["probabilities"], {"image": np.zeros((3, 32, 32, 3), np.uint8)})[0].shape == (3, 2)


def test_the_backbone_is_left_as_it_was(workplace: Workplace) -> None:
    weak, strong = (workplace.train(*TINY, "method=featurize", f"method.C={c}") for c in (0.001, 1))
    first, second = (load(run / "checkpoints" / "best.safetensors") for run in (weak, strong))
    changed = {name for name in first if not np.array_equal(first[name], second[name])}
    assert changed == {"fc.weight", "fc.bias"}
    scores = [json.loads((run / "summary.json").read_text())["test"]["metrics"]["log_loss"] for run in (weak, strong)]
    assert scores[0] != scores[1]
