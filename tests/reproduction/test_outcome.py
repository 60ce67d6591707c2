import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from skinlab.errors import OutputError
from skinlab.networks import weights
from skinlab.reproduction.outcome import FILES, Outcome, compare, leaves

SPLIT = "image_id,sha256,label,group,subset\na,01,nevus,,test\n"
TOLERANCE = 1e-4


def results(path: Path) -> Path:
    """The results of a run."""
    for folder in ("checkpoints", "bundle"):
        (path / folder).mkdir(parents=True)
    (path / "split.csv").write_text(SPLIT)
    write_epochs(path, 0.5)
    write_weights(path, 1.0)
    (path / "predictions.csv").write_text("image_id,subset,label,probability_a\nx,test,a,0.25\ny,test,a,0.75\n")
    (path / "summary.json").write_text(json.dumps({"best_epoch": 2, "test": {"auc": 0.9}}))
    write_onnx(path, 1.0)
    return path


def write_epochs(path: Path, loss: float, epochs: int = 3) -> None:
    rows = [{"epoch": number, "train_loss": 1 / number if number < 2 else loss} for number in range(1, epochs + 1)]
    (path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_weights(path: Path, value: float, **more: Any) -> None:
    arrays = {"conv.weight": np.ones((2, 2), np.float32), "fc.bias": np.full(3, value, np.float32), **more}
    weights.save(arrays, path / "checkpoints" / "best.safetensors")


def write_onnx(path: Path, value: float, operation: str = "Relu", producer: str = "") -> None:
    nodes = [helper.make_node("Add", ["x", "w"], ["s"]), helper.make_node(operation, ["s"], ["y"])]
    shape = (
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [2]),
    )
    initial = [numpy_helper.from_array(np.full(2, value, np.float32), "w")]
    graph = helper.make_graph(nodes, "g", [shape[0]], [shape[1]], initial)
    onnx.save(helper.make_model(graph, producer_name=producer), str(path / "bundle" / "model.onnx"))


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    return results(tmp_path / "a"), results(tmp_path / "b")


def of(outcome: Outcome, name: str) -> str:
    return next(str(file) for file in outcome.files if file.name == name)


def test_the_same_bytes_are_identical(two: tuple[Path, Path]) -> None:
    outcome = compare(*two, TOLERANCE)
    assert outcome.verdict == "identical"
    assert outcome.first is None
    assert outcome.line().startswith(f"identical: the same bytes in {len(FILES)} files: split.csv, metrics.jsonl, ")


def test_small_differences_of_fractions_are_within_the_tolerance(two: tuple[Path, Path]) -> None:
    write_epochs(two[1], 0.50001)
    write_weights(two[1], 1.00005)
    outcome = compare(*two, TOLERANCE)
    assert outcome.verdict == "within tolerance"
    assert outcome.line() == ("equal within 0.0001, not identical: they part in metrics.jsonl at epoch 2: train_loss")
    assert of(outcome, "checkpoints/best.safetensors").startswith(
        "within tolerance: parts at fc.bias; largest difference 4.99e-05 at fc.bias"
    )
    assert compare(*two, 1e-6).verdict == "different"


def test_the_first_file_and_epoch_where_they_part_and_the_largest_difference_are_told(two: tuple[Path, Path]) -> None:
    write_epochs(two[1], 0.7)
    (two[1] / "predictions.csv").write_text("image_id,subset,label,probability_a\nx,test,a,0.26\ny,test,a,0.95\n")
    outcome = compare(*two, TOLERANCE)
    assert outcome.verdict == "different"
    assert outcome.as_json()["first"] == {"file": "metrics.jsonl", "place": "epoch 2: train_loss"}
    assert of(outcome, "predictions.csv") == (
        "different: parts at x probability_a; largest difference 0.2 at y probability_a"
    )
    json.dumps(outcome.as_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("split.csv", SPLIT.replace("nevus", "melanoma"), "a label"),
        ("split.csv", SPLIT + "b,02,nevus,,test\n", "b"),
        ("summary.json", '{"best_epoch": 1, "test": {"auc": 0.9}}', "best_epoch"),
        ("summary.json", '{"best_epoch": 2, "test": {"auc": null}}', "test auc"),
        ("summary.json", '{"best_epoch": 2, "test": {}}', "test auc"),
    ],
)
def test_what_is_no_fraction_must_be_the_same(two: tuple[Path, Path], name: str, content: str, place: str) -> None:
    (two[1] / name).write_text(content)
    outcome = compare(*two, 1e9)
    assert outcome.verdict == "different"
    assert outcome.first is not None
    assert (outcome.first.name, outcome.first.first) == (name, place)


def test_fewer_epochs_are_different(two: tuple[Path, Path]) -> None:
    write_epochs(two[1], 0.5, epochs=2)
    assert of(compare(*two, 1e9), "metrics.jsonl") == "different: parts at epoch 3: 3 and 2 epochs"


def test_arrays_that_are_missing_of_another_shape_or_not_numbers_are_different(two: tuple[Path, Path]) -> None:
    for value, more in ((1.0, {"new": np.ones(1, np.float32)}), (math.nan, {}), (1.0, {"fc.bias": np.ones(2)})):
        write_weights(two[1], value, **more)
        assert compare(*two, 1e9).verdict == "different"


def test_a_model_is_compared_by_its_operations_and_weights(two: tuple[Path, Path]) -> None:
    write_onnx(two[1], 1.0, producer="another exporter")
    assert of(compare(*two, 0), "bundle/model.onnx") == (
        "within tolerance: parts at the way it is written, with the same content"
    )
    write_onnx(two[1], 1.00001)
    assert "largest difference 1e-05 at w" in of(compare(*two, TOLERANCE), "bundle/model.onnx")
    write_onnx(two[1], 1.0, operation="Exp")
    assert of(compare(*two, 1e9), "bundle/model.onnx") == "different: parts at operation 1"


def test_a_file_that_only_one_has_is_different_and_one_that_neither_has_is_left_out(two: tuple[Path, Path]) -> None:
    for path in two:
        (path / "metrics.jsonl").unlink()
    (two[1] / "summary.json").unlink()
    outcome = compare(*two, TOLERANCE)
    assert "metrics.jsonl" not in [file.name for file in outcome.files]
    assert (
        outcome.line() == f"different: they part in summary.json at its absence: there is no {two[1] / 'summary.json'}"
    )


@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(two: tuple[Path, Path], name: str) -> None:
    (two[1] / name).write_bytes(b"\xff\xfe damaged")
    with pytest.raises(OutputError, match=name):
        compare(*two, TOLERANCE)


def test_two_empty_directories_have_nothing_to_compare(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="have no results to compare"):
        compare(tmp_path, tmp_path, TOLERANCE)


def test_nan_equals_nan_and_true_is_not_one() -> None:
    assert list(leaves({"a": math.nan}, {"a": math.nan}, "")) == []
    assert list(leaves({"a": True}, {"a": 1}, "")) == [("a", math.inf)]
