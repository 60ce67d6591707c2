"""`method=featurize`: the frozen network and a linear classifier, from declaration to bundle."""

import csv
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from skinlab.networks.weights import load
from tests.integration.commands import TINY, Workplace, phantoms_of, record

FEATURIZED = (*TINY, "method=featurize")
SAME = ("summary.json", "predictions.csv", "split.csv", "checkpoints/best.safetensors", "bundle/model.onnx")
CLASSIFIERS = ("linear_svm", "logistic_regression")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, cntk_home: Path) -> dict[str, Path]:
    """A run of each classifier; only to be read."""
    workplace = Workplace(tmp_path_factory.mktemp("fitted"), cntk_home)
    return {name: workplace.train(*FEATURIZED, f"method.classifier={name}") for name in CLASSIFIERS}


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_a_featurize_run_has_all_that_a_trained_one_has_and_repeats_to_the_bit(
    fitted: dict[str, Path], workplace: Workplace, classifier: str
) -> None:
    first, again = fitted[classifier], workplace.train(*FEATURIZED, f"method.classifier={classifier}")
    for name in SAME:
        assert (first / name).read_bytes() == (again / name).read_bytes(), name
    assert record(first)["engine"]["name"] == "onnxruntime"
    assert (first / "plots" / "roc.png").is_file()
    session = onnxruntime.InferenceSession(first / "bundle" / "model.onnx")
    assert session.run(["probabilities"], {"image": np.zeros((3, 32, 32, 3), np.uint8)})[0].shape == (3, 2)


def test_the_backbone_is_left_as_it_was(fitted: dict[str, Path], workplace: Workplace) -> None:
    weak, strong = workplace.train(*FEATURIZED, "method.C=0.001"), fitted["linear_svm"]
    assert [record(run)["config"]["method"]["C"] for run in (weak, strong)] == [0.001, 1]
    first, second = (load(run / "checkpoints" / "best.safetensors") for run in (weak, strong))
    changed = {name for name in first if not np.array_equal(first[name], second[name])}
    assert changed == {"fc.weight", "fc.bias"}
    scores = [json.loads((run / "summary.json").read_text())["test"]["metrics"]["log_loss"] for run in (weak, strong)]
    assert scores[0] != scores[1]


@pytest.mark.parametrize("method", ["finetune", "featurize"])
def test_the_bundle_of_a_run_with_test_time_augmentation_repeats_its_predictions(
    workplace: Workplace, method: str
) -> None:
    run = workplace.train(*TINY, f"method={method}", "evaluation.tta=dihedral", "training.epochs=1")
    drawn = phantoms_of(run, workplace.home)
    assert workplace.skinlab("predict", str(run), str(drawn), "--out", "scores.csv").code == 0
    with (run / "predictions.csv").open() as stored, (workplace.path / "scores.csv").open() as scored:
        served = {row["path"].rpartition("/")[2]: row for row in csv.DictReader(scored)}
        for row in csv.DictReader(stored):
            given = float(served[f"{row['image_id']}.png"]["probability_malignant"])
            assert given == pytest.approx(float(row["probability_malignant"]), abs=1e-4)
    assert json.loads((run / "bundle" / "signature.json").read_text())["tta"] == "dihedral"
    assert record(run)["bundle_check"]["largest_difference"] < 1e-4
