from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper

from skinlab import kept
from skinlab.errors import BundleError
from skinlab.evaluation.explain import from_pooled, grad_cam
from skinlab.networks import timm_network, weights
from skinlab.networks.architecture import Architecture, Builder
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.resnet import resnet
from skinlab.networks.symmetries import VIEWS
from skinlab.serving import loading
from skinlab.serving.explaining import Explainer
from tests.networks.reference import described, load, pictures, settled, tensor, torchvision_model
from tests.serving.bundles import write_bundle

NETWORK = resnet("resnet18", 96, 2, [0.5] * 3, [0.2] * 3)
ARRAYS = weights.initial(NETWORK, 1)
IMAGE = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)


def known(images: NDArray[np.uint8], class_index: int) -> NDArray[np.float32]:
    model = onnx.load_from_string(to_onnx(NETWORK, ARRAYS))
    model.graph.output.append(helper.make_tensor_value_info(NETWORK.feature_map(), TensorProto.FLOAT, None))
    maps = onnxruntime.InferenceSession(model.SerializeToString()).run([NETWORK.feature_map()], {"image": images})[0]
    return from_pooled(maps, np.tile(ARRAYS["fc.weight"][class_index], (len(images), 1)))


def test_the_heat_map_is_that_of_the_bundles_own_graph(tmp_path: Path) -> None:
    explainer = Explainer(loading.load(write_bundle(tmp_path, architecture=NETWORK)))
    for class_index in (0, 1):
        heat = explainer.heat_map(IMAGE, class_index)
        assert heat.shape == (3, 3)
        np.testing.assert_allclose(heat, known(IMAGE[None], class_index)[0], atol=1e-6)


def test_maps_of_views_are_turned_back_before_they_are_averaged(tmp_path: Path) -> None:
    explainer = Explainer(loading.load(write_bundle(tmp_path, architecture=NETWORK, tta="dihedral")))
    views = VIEWS["dihedral"]
    expected = np.mean([view.undo(known(view.of(IMAGE[None]), 1))[0] for view in views], axis=0)
    heat = explainer.heat_map(IMAGE, 1)
    np.testing.assert_allclose(heat, expected, atol=1e-6)
    for view in views:
        np.testing.assert_allclose(explainer.heat_map(view.of(IMAGE[None])[0], 1), view.of(heat[None])[0], atol=1e-5)


def test_alexnets_heat_map_is_that_of_torchs_gradients(tmp_path: Path) -> None:
    network, model, images = described("alexnet", 95), torchvision_model("alexnet").eval(), pictures(1, 95)
    arrays = settled(network)
    load(model, arrays)
    maps = model.features[:-1](tensor(images)).detach().requires_grad_()
    head = torch.nn.Sequential(model.features[-1], model.avgpool, torch.nn.Flatten(), model.classifier)
    logits = head(maps)[0]
    explainer = Explainer(loading.load(write_bundle(tmp_path, ["a", "b", "c"], architecture=network, drawn=arrays)))
    for index in range(3):
        (gradients,) = torch.autograd.grad(logits[index], maps, retain_graph=True)
        expected = grad_cam(maps.detach().numpy(), gradients.numpy())[0]
        heat = explainer.heat_map(images[0], index)
        assert heat.shape == (5, 5)
        np.testing.assert_allclose(heat, expected, rtol=0, atol=1e-4 * max(float(expected.max()), 1e-6))


def rectified(size: int = 16) -> Architecture:
    """AlexNet's last layers in small: uneven pooling, two linear layers behind one another."""
    graph = Builder("stem")
    x = graph.conv("conv", graph.normalize([0.5] * 3, [0.2] * 3), (3, 4), kernel=3, stride=2, padding=1)
    x = graph.maxpool("pool", graph.relu("relu", x), kernel=3, stride=2, padding=0)
    x = graph.flatten("flatten", graph.avgpool("avgpool", x, 2))
    x = graph.relu("fc1.relu", graph.linear("fc1", x, (16, 32)))
    graph.linear("fc2", graph.dropout("dropout", x), (32, 2))
    return Architecture("rectified", size, 2, features=32, nodes=tuple(graph.nodes))


def test_each_view_has_its_own_gradient(tmp_path: Path) -> None:
    """A ReLU lets pass one view and stops another; both maps are averaged."""
    network, image = rectified(), IMAGE[:16, :16]
    arrays = {name: 4 * array for name, array in weights.initial(network, 1).items()}
    single, several = (
        Explainer(loading.load(write_bundle(tmp_path / tta, architecture=network, drawn=arrays, tta=tta)))
        for tta in ("none", "dihedral")
    )
    for index in (0, 1):
        views = [view.undo(single.heat_map(view.of(image[None])[0], index)[None])[0] for view in VIEWS["dihedral"]]
        assert np.abs(np.diff(views, axis=0)).max() > 1e-3
        np.testing.assert_allclose(several.heat_map(image, index), np.mean(views, axis=0), atol=1e-6)


@pytest.mark.parametrize("name", ["test_resnet", "test_convnext", "mobilenetv3_small_050", "test_vit2"])
def test_heat_maps_of_timms_networks_are_those_of_torchs_gradients(name: str, tmp_path: Path) -> None:
    """A mean alone; layer normalisation; a convolution and hard-swish; tokens with a prefix."""
    from skinlab.engines.torch.timm_model import TimmNetwork

    network = timm_network.describe(name, 64, 3, [0.5] * 3, [0.2] * 3)
    arrays = timm_network.draw(network, 1)
    head = network.classifier()
    arrays[f"{head}.weight"] = np.random.default_rng(0).normal(size=arrays[f"{head}.weight"].shape).astype(np.float32)
    model = TimmNetwork(network, frozenset()).eval()
    for key, value in model.state_dict().items():
        value.copy_(torch.from_numpy(arrays[key.removeprefix(model.prefix)]))
    images = np.random.default_rng(1).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    with torch.no_grad():
        maps = model(torch.from_numpy(images), end="features")
    logits = model(maps.requires_grad_(), start="features")[0]
    explainer = Explainer(loading.load(write_bundle(tmp_path, ["a", "b", "c"], architecture=network, drawn=arrays)))
    tops = []
    for index in range(3):
        (slopes,) = torch.autograd.grad(logits[index], maps, retain_graph=True)
        expected = grad_cam(model.places(maps).detach().numpy(), model.places(slopes).numpy())[0]
        heat = explainer.heat_map(images[0], index)
        tops.append(expected.max())
        np.testing.assert_allclose(heat, expected, rtol=0, atol=1e-4 * max(float(expected.max()), 1e-6))
    assert max(tops) > 0


def test_a_bundle_that_classifies_a_class_token_says_so(tmp_path: Path) -> None:
    network = timm_network.describe("test_vit", 32, 2, [0.5] * 3, [0.2] * 3)
    drawn = timm_network.draw(network, 1)
    with pytest.raises(BundleError, match="cannot explain its answers: it classifies a class token.*docs/explain.md"):
        Explainer(loading.load(write_bundle(tmp_path, ["a", "b"], architecture=network, drawn=drawn)))


def test_a_bundle_that_names_no_feature_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot explain its answers: its signature names no feature map"):
        Explainer(loading.load(write_bundle(tmp_path, explain=None)))


def test_a_bundle_with_something_else_behind_its_feature_map_is_refused(tmp_path: Path) -> None:
    graph = Builder("stem")
    x = graph.flatten("flatten", graph.normalize([0.5] * 3, [0.2] * 3))
    x = graph.relu6("bounded", graph.linear("fc1", x, (192, 4)))
    graph.linear("fc2", graph.dropout("dropout", x), (4, 2))
    network = Architecture("bounded", 8, 2, features=4, nodes=tuple(graph.nodes))
    named = {"feature_map": "normalize", "classifier": "fc2"}
    with pytest.raises(BundleError, match="cannot explain its answers: its graph has Clip between"):
        Explainer(loading.load(write_bundle(tmp_path, architecture=network, explain=named)))
    with pytest.raises(BundleError, match="names no feature map"):
        Explainer(loading.load(write_bundle(tmp_path / "as_written", architecture=network)))


def test_kept_maps_are_those_of_their_own_network_view_and_image(tmp_path: Path) -> None:
    arrays = ARRAYS | {"fc.weight": np.abs(ARRAYS["fc.weight"])}  # below zero a map is empty
    last = {"fc.weight": arrays["fc.weight"] + 1}
    deep = {name: array * 1.25 for name, array in arrays.items() if name == "layer4.1.conv2.weight"}
    ways = [("a", {}, "none"), ("b", last, "none"), ("c", deep, "none"), ("d", {}, "flips")]
    bundles = [
        loading.load(write_bundle(tmp_path / name, architecture=NETWORK, drawn=arrays | changed, tta=tta))
        for name, changed, tta in ways
    ]
    images = [IMAGE, IMAGE[::-1]]

    def heats() -> list[bytes]:
        explainers = [Explainer(bundle) for bundle in bundles]
        return [each.heat_map(image, shown).tobytes() for image in images for each in explainers for shown in (0, 1)]

    fresh = heats()
    kept.keep()
    assert heats() == heats() == fresh
    assert len(set(fresh)) == len(fresh)
