"""Given weights are fitted to a network, or refused by name."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab import networks, schema
from skinlab.errors import ConfigError
from skinlab.networks import pretrained, weights
from skinlab.networks.pretrained import given, registry
from skinlab.networks.weights import Weights
from skinlab.run import Run
from tests.networks.pretrained.file_server import Files

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
CLASSES = ["benign", "malignant"]


def declared(given: object = "none", **changes: Any) -> schema.Network:
    values: dict[str, Any] = {"name": "resnet18", "image_size": 64, "dropout": 0.0, "mean": MEAN, "std": STD}
    return schema.Network(weights=str(given), **(values | changes))


def start(network: schema.Network, classes: list[str] = CLASSES, seed: int = 1) -> pretrained.Start:
    return pretrained.start(network, networks.build(network, len(classes)), classes, seed)


def drawn(classes: int, seed: int = 7) -> Weights:
    return weights.initial(networks.build(declared(), classes), seed)


def saved(path: Path, arrays: Weights) -> Path:
    weights.save(arrays, path)
    return path


def make_run(path: Path, classes: list[str], **network: Any) -> Path:
    """The directory of a finished run, with weights of its own."""
    config = {"network": {"name": "resnet18", "image_size": 96, "mean": MEAN, "std": STD} | network}
    run = Run.create(path, {"config": config, "classes": classes})
    with run.recorded():
        run.folder("checkpoints")
        saved(path / "checkpoints" / "best.safetensors", drawn(len(classes)))
    return path


def test_without_weights_all_is_drawn_from_the_seed() -> None:
    first = start(declared())
    assert first.record["source"] == "none"
    expected = drawn(2, seed=1)
    assert all(np.array_equal(first.arrays[name], expected[name]) for name in expected)


def test_a_file_of_another_classifier_gives_all_but_that(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    given = drawn(1000)
    path = saved(tmp_path / "a.safetensors", given | {"bn1.num_batches_tracked": np.array(3, np.float32)})
    with caplog.at_level(logging.INFO):
        first = start(declared(path))
    fresh = drawn(2, seed=1)
    for name, array in first.arrays.items():
        assert np.array_equal(array, (fresh if name.startswith("fc.") else given)[name]), name
    assert first.record == {
        "source": "file",
        "file": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "drawn": ["fc.weight", "fc.bias"],
    }
    assert "the classifier is drawn anew for 2 classes" in caplog.text


def test_a_file_of_the_same_classifier_gives_it_too(tmp_path: Path) -> None:
    given = drawn(2)
    first = start(declared(saved(tmp_path / "a.safetensors", given)))
    assert all(np.array_equal(first.arrays[name], given[name]) for name in given)
    assert first.record["drawn"] == []


def test_a_file_without_a_classifier_will_do(tmp_path: Path) -> None:
    given = {name: array for name, array in drawn(2).items() if not name.startswith("fc.")}
    assert start(declared(saved(tmp_path / "a.safetensors", given))).record["drawn"] == ["fc.weight", "fc.bias"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda arrays: arrays.pop("bn1.weight"), "1 missing: bn1.weight$"),
        (lambda arrays: arrays.update(extra=np.zeros(2, np.float32)), "1 not of this network: extra$"),
        (
            lambda arrays: arrays.update({"conv1.weight": np.zeros((64, 3, 3, 3), np.float32)}),
            r"1 of another shape: conv1.weight \(64 x 3 x 3 x 3, not 64 x 3 x 7 x 7\)$",
        ),
        (
            lambda arrays: [arrays.pop(name) for name in list(arrays)[:5]],
            r"5 missing: conv1.weight, bn1.weight, bn1.bias, \.\.\.$",
        ),
    ],
)
def test_any_other_difference_is_refused_by_name(tmp_path: Path, change: Any, reason: str) -> None:
    arrays = drawn(1000)
    change(arrays)
    network = declared(saved(tmp_path / "a.safetensors", arrays))
    for refuse in (lambda: pretrained.require(network), lambda: start(network)):
        with pytest.raises(ConfigError, match=f"a.safetensors are not those of resnet18: {reason}"):
            refuse()


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros(64, np.int32), "bn1.weight holds int32, not floating-point numbers"),
        (np.full(64, np.nan, np.float32), "bn1.weight holds values that are not finite"),
    ],
)
def test_numbers_that_are_no_weights_are_refused(tmp_path: Path, array: Any, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        start(declared(saved(tmp_path / "a.safetensors", drawn(2) | {"bn1.weight": array})))


def test_other_precisions_become_float32(tmp_path: Path) -> None:
    halves: Any = {name: array.astype(np.float16) for name, array in drawn(2).items()}
    first = start(declared(saved(tmp_path / "a.safetensors", halves)))
    assert {array.dtype for array in first.arrays.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("name", ["a.safetensors", "a.pth", "a.onnx"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not weights at all, but long enough to have a header of some kind")
    with pytest.raises(ConfigError, match=f"{name} cannot be used as weights"):
        pretrained.require(declared(tmp_path / name))


# --- of a run ------------------------------------------------------------------------------------------------------


def test_a_run_of_the_same_classes_goes_on_with_its_classifier(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", CLASSES)
    first = start(declared(run))
    assert all(np.array_equal(first.arrays[name], array) for name, array in drawn(2).items())
    assert (first.record["source"], first.record["drawn"]) == ("run", [])
    assert first.record["file"] == str(run / "checkpoints" / "best.safetensors")


def test_a_run_of_other_classes_gives_all_but_its_classifier(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", CLASSES[::-1])
    assert start(declared(run)).record["drawn"] == ["fc.weight", "fc.bias"]


def test_a_run_of_another_network_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", CLASSES, name="resnet34")
    with pytest.raises(ConfigError, match="its network is resnet34, not resnet18"):
        pretrained.require(declared(run))


def test_a_run_without_weights_and_a_folder_that_is_no_run_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", CLASSES)
    (run / "checkpoints" / "best.safetensors").unlink()
    with pytest.raises(ConfigError, match="it has no weights yet"):
        pretrained.require(declared(run))
    with pytest.raises(ConfigError, match="is not a run directory: it has no run.json"):
        pretrained.require(declared(tmp_path))


def test_other_pixels_and_an_unfinished_run_are_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = make_run(tmp_path / "run", CLASSES, mean=[0.5, 0.5, 0.5])
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    pretrained.require(declared(run))
    assert f"{run} is interrupted: its best epoch so far is used" in caplog.text
    assert "network.mean=[0.5, 0.5, 0.5] gives them the pixels that they know" in caplog.text
    assert "network.std" not in caplog.text


# --- published -----------------------------------------------------------------------------------------------------


def test_published_weights_are_fetched_and_used(files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = drawn(1000)
    files.content["/net.safetensors"] = saved(tmp_path / "net.safetensors", given).read_bytes()
    digest = hashlib.sha256(files.content["/net.safetensors"]).hexdigest()
    source = registry.WebSource("net-1.safetensors", digest, f"{files.address}/net.safetensors")
    known = registry.Published("resnet18", 1, (source,), MEAN, STD)
    monkeypatch.setattr(registry, "everything", lambda: (known,))
    pretrained.require(declared("imagenet"))
    first = start(declared("imagenet"))
    assert len(files.requests) == 1
    assert np.array_equal(first.arrays["conv1.weight"], given["conv1.weight"])
    assert (first.record["source"], first.record["sha256"]) == ("imagenet", digest)
    assert first.record["drawn"] == ["fc.weight", "fc.bias"]


def test_a_classifier_of_imagenet_is_never_taken_for_ones_own(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.content["/net.safetensors"] = saved(tmp_path / "net.safetensors", drawn(2)).read_bytes()
    digest = hashlib.sha256(files.content["/net.safetensors"]).hexdigest()
    source = registry.WebSource("net-1.safetensors", digest, f"{files.address}/net.safetensors")
    known = registry.Published("resnet18", 1, (source,), MEAN, STD)
    monkeypatch.setattr(registry, "everything", lambda: (known,))
    assert start(declared("imagenet")).record["drawn"] == ["fc.weight", "fc.bias"]


def test_who_changes_the_arrays_changes_nobody_elses_and_a_changed_file_is_read_anew(tmp_path: Path) -> None:
    file = saved(tmp_path / "a.safetensors", {"one": np.zeros(3, np.float32)})
    given.load(file)["one"][:] = 9
    np.testing.assert_array_equal(given.load(file)["one"], np.zeros(3))
    saved(file, {"one": np.ones(4, np.float32)})
    np.testing.assert_array_equal(given.load(file)["one"], np.ones(4))
