import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from skinlab import networks, schema
from skinlab.engines.base import Plan
from skinlab.engines.cntk.client import CntkEngine
from skinlab.evaluation import explain
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.resnet import resnet
from skinlab.networks.weights import Weights
from tests.engines.cntk.small import ENGINE

NETWORK = resnet("resnet18", 96, 3, [0.5, 0.4, 0.3], [0.2, 0.2, 0.3])
ARRAYS = weights.initial(NETWORK, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 96, 96, 3), dtype=np.uint8)
CLASSES = np.array([0, 1, 2, 1, 0])


def plan(network: Architecture, minibatch_size: int) -> Plan:
    optimizer = schema.MomentumSGD(
        name="momentum_sgd", learning_rate=0.01, minibatch_size=minibatch_size, momentum=0.9, weight_decay=0.0
    )
    return Plan(network, optimizer, np.full(4, 0.01), minibatch_size, frozenset())


def maps_and_logits(arrays: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The last feature map and the logits, by ONNX Runtime."""
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load_from_string(to_onnx(NETWORK, arrays))
    model.graph.output.append(helper.make_tensor_value_info(NETWORK.feature_map(), TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    maps, logits = session.run([NETWORK.feature_map(), "logits"], {"image": IMAGES})
    return maps, logits


@pytest.mark.cntk
def test_cntks_gradients_give_the_closed_form(home: object) -> None:
    with CntkEngine(ENGINE, seed=1) as engine:
        engine.build(plan(NETWORK, 4), ARRAYS)  # 5 images: a full minibatch and one more
        maps, gradients = engine.gradients(IMAGES, CLASSES)
        expected, _ = maps_and_logits(ARRAYS)
        assert maps.shape == gradients.shape == (5, 512, 3, 3)
        np.testing.assert_allclose(maps, expected, atol=1e-4)
        np.testing.assert_allclose(
            gradients, np.tile(ARRAYS["fc.weight"][CLASSES][..., None, None] / 9, (3, 3)), atol=1e-6
        )
        by_gradient = explain.heat_maps(engine, IMAGES, CLASSES)
        known = explain.from_pooled(expected, ARRAYS["fc.weight"][CLASSES])
        assert known.max() > 1e-2
        np.testing.assert_allclose(by_gradient, known, atol=1e-4)
        other = weights.initial(NETWORK, 2)
        engine.build(plan(NETWORK, 4), other)
        _, gradients = engine.gradients(IMAGES[:1], CLASSES[:1])
        np.testing.assert_allclose(gradients[0, :, 0, 0], other["fc.weight"][0] / 9, atol=1e-6)


def test_the_weighted_map_adds_up_to_the_logit() -> None:
    maps, logits = maps_and_logits(ARRAYS)
    for index in range(3):
        signs = [
            explain.from_pooled(maps, np.tile(sign * ARRAYS["fc.weight"][index], (5, 1))).sum(axis=(1, 2))
            for sign in (1, -1)
        ]
        np.testing.assert_allclose(signs[0] - signs[1] + ARRAYS["fc.bias"][index], logits[:, index], atol=1e-4)


def test_a_change_of_the_map_moves_the_logit_as_the_gradient_says() -> None:
    rng = np.random.default_rng(0)
    maps, weight = rng.random((2, 6, 4, 4)).astype(np.float32), rng.standard_normal((3, 6)).astype(np.float32)
    chosen = np.array([2, 0])

    def logit(given: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.einsum("nc,nc->n", given.mean(axis=(2, 3), dtype=np.float64), weight[chosen])

    gradients = np.zeros_like(maps)
    for place in np.ndindex(maps.shape[1:]):
        moved = maps.copy()
        moved[(slice(None), *place)] += 0.5
        gradients[(slice(None), *place)] = (logit(moved) - logit(maps)) / 0.5
    np.testing.assert_allclose(explain.grad_cam(maps, gradients), explain.from_pooled(maps, weight[chosen]), atol=1e-5)


def test_the_map_lies_before_everything_that_loses_its_places() -> None:
    assert NETWORK.feature_map() == "layer4.1.relu"
    assert NETWORK.has_plain_head()


def test_every_network_can_be_explained_by_its_bundle() -> None:
    for name in networks.DESCRIBED:
        assert networks.DESCRIBED[name](name, 96, 2, [0.5] * 3, [0.2] * 3).has_plain_head(), name


def test_an_overlay_shows_where_and_leaves_the_rest_as_it_is() -> None:
    image = np.full((64, 64, 3), 200, dtype=np.uint8)
    heat = np.zeros((4, 4), dtype=np.float32)
    heat[0, 3] = 7
    shown = explain.overlay(image, heat)
    assert shown.shape == (256, 256, 3)
    assert (shown[128:, :128] == 200).all()
    hottest = np.unravel_index(np.abs(shown.astype(int) - 200).sum(axis=2).argmax(), (256, 256))
    assert hottest[0] < 64
    assert hottest[1] >= 192
    assert np.array_equal(explain.overlay(image, 100 * heat), shown)


def test_no_heat_leaves_the_image() -> None:
    image = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    assert np.array_equal(explain.overlay(image, np.zeros((7, 7), dtype=np.float32)), image)
