import hashlib
import json
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from skinlab.errors import EngineError
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture
from skinlab.networks.resnet import resnet
from skinlab.networks.weights import Weights
from skinlab.serving import bundle

CLASSES = ["benign", "malignant", "other"]


@pytest.fixture(scope="module")
def network() -> Architecture:
    return resnet("resnet18", 32, len(CLASSES), [0.5, 0.5, 0.5], [0.2, 0.2, 0.2])


@pytest.fixture(scope="module")
def arrays(network: Architecture) -> Weights:
    return weights.initial(network, 1)


@pytest.fixture(scope="module")
def described(network: Architecture) -> dict[str, Any]:
    return bundle.signature(
        network, CLASSES, 1, {"threshold": 0.25, "rule": "youden"}, {"resample": "bilinear"}, "a note"
    )


@pytest.fixture(scope="module")
def files(network: Architecture, arrays: Weights, described: dict[str, Any]) -> dict[str, bytes]:
    return bundle.contents(network, arrays, described, "# A card\n")


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)


def probabilities(model: bytes, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    import onnxruntime

    answer = onnxruntime.InferenceSession(model).run(["probabilities"], {"image": images})[0]
    return np.asarray(answer, dtype=np.float64)


def test_every_file_fits_its_checksum(files: dict[str, bytes]) -> None:
    lines = [line.split("  ") for line in files["SHA256SUMS"].decode().splitlines()]
    assert {name for _, name in lines} == set(files) - {"SHA256SUMS"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for digest, name in lines)


def test_the_same_model_gives_the_same_bytes(
    network: Architecture, arrays: Weights, described: dict[str, Any], files: dict[str, bytes]
) -> None:
    backwards = dict(reversed(arrays.items()))
    assert bundle.contents(network, backwards, dict(described), "# A card\n") == files


def test_labels_and_signature_say_what_goes_in_and_comes_out(files: dict[str, bytes]) -> None:
    assert files["labels.txt"].decode().splitlines() == CLASSES
    signature = json.loads(files["signature.json"])
    assert signature["input"]["shape"] == ["N", 32, 32, 3]
    assert signature["output"]["shape"] == ["N", 3]
    assert (signature["positive_class"], signature["threshold"], signature["note"]) == ("malignant", 0.25, "a note")
    assert signature["decode"] == {"resample": "bilinear"}


def test_without_a_positive_class_the_signature_says_null(network: Architecture) -> None:
    point = {"threshold": None, "rule": "most probable class"}
    signature = bundle.signature(network, CLASSES, None, point, {}, "a note")
    assert (signature["positive_class"], signature["threshold"]) == (None, None)


def test_the_model_itself_names_its_classes(files: dict[str, bytes]) -> None:
    model = onnx.load_from_string(files["model.onnx"])
    assert {item.key: item.value for item in model.metadata_props} == {"classes": json.dumps(CLASSES), "note": "a note"}


def test_a_model_that_agrees_is_let_through_with_its_distance(
    files: dict[str, bytes], images: NDArray[np.uint8]
) -> None:
    expected = probabilities(files["model.onnx"], images)
    assert bundle.check(files["model.onnx"], images, expected) == 0
    near = expected.copy()
    near[2, 1] += 5e-5
    assert bundle.check(files["model.onnx"], images, near) == pytest.approx(5e-5)


@pytest.mark.parametrize("off", [2e-4, float("nan")])
def test_a_model_that_differs_in_one_probability_is_refused(
    files: dict[str, bytes], images: NDArray[np.uint8], off: float
) -> None:
    expected = probabilities(files["model.onnx"], images)
    expected[4, 0] += off
    with pytest.raises(EngineError, match=r"the exported model is off the engine by .* no bundle is written"):
        bundle.check(files["model.onnx"], images, expected)


def test_an_image_that_neither_can_answer_is_no_difference_and_one_that_only_the_engine_cannot_is(
    network: Architecture, arrays: Weights, described: dict[str, Any], images: NDArray[np.uint8]
) -> None:
    name = f"{network.classifier()}.bias"
    broken = bundle.contents(network, arrays | {name: np.full_like(arrays[name], np.nan)}, described, "")["model.onnx"]
    nothing = np.full((len(images), len(described["classes"])), np.nan)
    assert bundle.check(broken, images, nothing) == 0.0
    whole = bundle.contents(network, arrays, described, "")["model.onnx"]
    with pytest.raises(EngineError, match="off the engine by nan"):
        bundle.check(whole, images, nothing)


def test_a_model_of_other_weights_is_refused(
    network: Architecture, described: dict[str, Any], files: dict[str, bytes], images: NDArray[np.uint8]
) -> None:
    other = bundle.contents(network, weights.initial(network, 2), described, "")["model.onnx"]
    with pytest.raises(EngineError, match="off the engine"):
        bundle.check(other, images, probabilities(files["model.onnx"], images))
