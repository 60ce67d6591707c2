import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from skinlab import networks, schema
from skinlab.errors import ConfigError
from skinlab.networks import onnx_graph, timm_network
from skinlab.networks.architecture import FEATURES
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.symmetries import VIEWS
from skinlab.networks.timm_architecture import TimmArchitecture

MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.2, 0.3]


def network(name: str = "test_convnext", classes: int = 3, size: int = 32) -> TimmArchitecture:
    return timm_network.describe(name, size, classes, MEAN, STD)


def images(count: int, size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def answers(model: bytes, seen: np.ndarray, *outputs: str) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(model).run(list(outputs), {"image": seen})


def directly(described: TimmArchitecture, weights: dict[str, np.ndarray], seen: np.ndarray) -> np.ndarray:
    """Logits of timm's own forward pass."""
    pixels = torch.from_numpy((seen / 255 - np.array(MEAN)) / np.array(STD)).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        return timm_network.load(described, weights)(pixels).numpy()


def test_its_sizes_and_names_are_timms() -> None:
    described = network("resnet18", classes=2)
    ours = networks.DESCRIBED["resnet18"]("resnet18", 32, 2, MEAN, STD)
    assert (described.features, described.head, described.smallest_map()) == (512, "fc", ours.smallest_map())
    assert described.parameters().keys() == ours.parameters().keys()
    assert described.buffers().keys() == ours.buffers().keys()
    assert described.parameter_count() == ours.parameter_count()


def test_weights_are_a_function_of_the_seed_alone() -> None:
    described = network()
    before = torch.get_rng_state()
    first, again, other = (timm_network.draw(described, seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert first.keys() == described.parameters().keys() | described.buffers().keys()
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["stem.0.weight"], other["stem.0.weight"])


def test_nothing_in_it_is_random_in_training() -> None:
    model = timm_network.create("test_vit", 32, 2)
    model.apply(lambda module: setattr(module, "p", 0.5) if isinstance(module, torch.nn.Dropout) else None)
    assert not timm_network._is_certain(model, 32)
    assert timm_network._is_certain(timm_network.create("test_vit", 32, 2), 32)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("efficientformer_l1", "does not end in one linear layer"),
        ("inception_v3", "at network.image_size=33: "),
    ],
)
def test_a_model_that_cannot_be_trained_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(ConfigError) as error:
        network(name, size=33)
    assert f"network.name={name}: " in str(error.value)
    assert why in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_that_cannot_be_exported_is_refused_before_training(capfd: pytest.CaptureFixture[str]) -> None:
    declared = schema.Network(name="test_vit4", weights="none", image_size=32, dropout=0, mean=MEAN, std=STD)
    with pytest.raises(ConfigError, match=r"test_vit4: it cannot be exported to ONNX .*rms_norm"):
        networks.require(declared)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", ["test_convnext", "test_resnet", "test_vit"])
@pytest.mark.parametrize("count", [1, 3])
def test_the_exported_model_gives_timms_logits_of_any_number_of_uint8_images(name: str, count: int) -> None:
    described = network(name)
    weights = timm_network.draw(described, 1)
    logits, probabilities = answers(to_onnx(described, weights), images(count), "logits", "probabilities")
    np.testing.assert_allclose(logits, directly(described, weights, images(count)), atol=1e-5)
    np.testing.assert_allclose(probabilities, torch.from_numpy(logits).softmax(1).numpy(), atol=1e-6)


def test_views_and_temperature_are_those_of_our_own_networks() -> None:
    described = network()
    weights = timm_network.draw(described, 1)
    (found,) = answers(to_onnx(described, weights, tta="flips", temperature=2.0), images(2), "probabilities")
    shown = [
        torch.from_numpy(directly(described, weights, np.ascontiguousarray(view.of(images(2))))).softmax(1)
        for view in VIEWS["flips"]
    ]
    mean = torch.stack(shown).mean(0)
    np.testing.assert_allclose(found, (mean.log() / 2).softmax(1).numpy(), atol=1e-5)


def test_features_are_what_the_classifier_sees_and_do_not_depend_on_it() -> None:
    described = network()
    weights = timm_network.draw(described, 1)
    head = described.classifier()
    exported = to_onnx(described, weights, output=FEATURES)
    assert exported == to_onnx(described, weights | {f"{head}.weight": weights[f"{head}.weight"] + 1}, output=FEATURES)
    (features,) = answers(exported, images(2), "features")
    logits = features @ weights[f"{head}.weight"].T + weights[f"{head}.bias"]
    np.testing.assert_allclose(logits, directly(described, weights, images(2)), atol=1e-5)


def test_the_same_weights_give_the_same_bytes_and_no_place_of_the_source() -> None:
    described = network()
    weights = timm_network.draw(described, 1)
    exported = to_onnx(described, weights)
    assert exported == to_onnx(described, weights)
    model = onnx.load_from_string(exported)
    assert {node.doc_string for node in model.graph.node} == {""}
    assert b"site-packages" not in exported


def test_all_but_the_classifier_can_be_frozen() -> None:
    described = network("test_resnet")
    frozen = networks.frozen(described, "backbone")
    owners = {name.rpartition(".")[0] for name in described.parameters() | described.buffers()}
    assert frozen == owners - {"fc"}
    with pytest.raises(ConfigError, match="there are: none, backbone$"):
        networks.frozen(described, "layer1")


def test_exported_operators_are_of_the_version_that_is_declared() -> None:
    model = onnx.load_from_string(to_onnx(network(), timm_network.draw(network(), 1)))
    assert [(item.domain, item.version) for item in model.opset_import] == [("", onnx_graph.OPSET)]
