import numpy as np
import onnx
import onnxruntime
import pytest

from skinlab.networks import weights
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.resnet import resnet
from skinlab.networks.symmetries import VIEWS
from tests.networks.reference import case

NETWORK = resnet("resnet18", 64, 3, [0.5, 0.4, 0.3], [0.2, 0.2, 0.3])


def test_any_batch_size_of_uint8_images_gives_probabilities() -> None:
    session = onnxruntime.InferenceSession(to_onnx(NETWORK, weights.initial(NETWORK, 1)))
    for count in (1, 3):
        images = np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
        (probabilities,) = session.run(["probabilities"], {"image": images})
        assert probabilities.shape == (count, 3)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_normalisation_is_inside_the_graph() -> None:
    drawn = weights.initial(NETWORK, 1)
    plain = resnet("resnet18", 64, 3, [0, 0, 0], [1, 1, 1])
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    answers = [
        onnxruntime.InferenceSession(to_onnx(network, drawn)).run(["logits"], {"image": image})[0]
        for network in (NETWORK, plain)
    ]
    assert np.abs(answers[0] - answers[1]).max() > 1e-3


def test_weights_are_initializers_and_not_inputs() -> None:
    model = onnx.load_from_string(to_onnx(NETWORK, weights.initial(NETWORK, 1), {"note": "phantoms"}))
    assert [value.name for value in model.graph.input] == ["image"]
    assert {"conv1.weight", "fc.bias"} <= {value.name for value in model.graph.initializer}
    assert {item.key: item.value for item in model.metadata_props} == {"note": "phantoms"}


def test_the_same_weights_give_the_same_bytes() -> None:
    drawn = weights.initial(NETWORK, 1)
    assert to_onnx(NETWORK, drawn, {"b": "1", "a": "2"}) == to_onnx(NETWORK, drawn, {"a": "2", "b": "1"})


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("alexnet", 130),
        ("resnet18", 32),
        ("resnet34", 64),
        ("resnet50", 97),
        ("resnet101", 64),
        ("resnet152", 64),
        ("mobilenet_v2", 75),
        ("mobilenet_v2", 224),
    ],
)
def test_logits_are_torchvisions(name: str, size: int) -> None:
    expected = case(name, size)
    session = onnxruntime.InferenceSession(to_onnx(expected.network, expected.arrays))
    expected.assert_equal(session.run(["logits"], {"image": expected.images})[0])


@pytest.mark.parametrize("tta", ["flips", "dihedral"])
def test_probabilities_are_the_mean_over_the_views_of_each_image(tta: str) -> None:
    drawn = weights.initial(NETWORK, 1)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    plain = onnxruntime.InferenceSession(to_onnx(NETWORK, drawn))
    seen = [plain.run(["probabilities"], {"image": view.of(images)})[0] for view in VIEWS[tta]]
    session = onnxruntime.InferenceSession(to_onnx(NETWORK, drawn, tta=tta))
    assert [output.name for output in session.get_outputs()] == ["probabilities"]
    (averaged,) = session.run(["probabilities"], {"image": images})
    assert np.ptp(seen, axis=0).max() > 1e-3
    np.testing.assert_allclose(averaged, np.mean(seen, axis=0), atol=1e-6)
    (mirrored,) = session.run(["probabilities"], {"image": images[:, :, ::-1].copy()})
    np.testing.assert_allclose(mirrored, averaged, atol=1e-6)


def test_a_temperature_over_views_divides_the_logarithm_of_their_mean() -> None:
    drawn = weights.initial(NETWORK, 1)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    plain, tempered = (
        onnxruntime.InferenceSession(to_onnx(NETWORK, drawn, tta="flips", temperature=value)).run(
            ["probabilities"], {"image": images}
        )[0]
        for value in (1.0, 2.5)
    )
    expected = plain ** (1 / 2.5)
    np.testing.assert_allclose(tempered, expected / expected.sum(axis=1, keepdims=True), atol=1e-6)
    assert np.abs(tempered - plain).max() > 1e-3
