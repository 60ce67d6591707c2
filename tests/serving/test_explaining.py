from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from skinlab.errors import BundleError
from skinlab.evaluation.explain import closed_form
from skinlab.networks import weights
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.resnet import resnet
from skinlab.networks.symmetries import VIEWS
from skinlab.serving import loading
from skinlab.serving.explaining import Explainer
from tests.serving.bundles import write_bundle

NETWORK = resnet("resnet18", 96, 2, [0.5] * 3, [0.2] * 3)
ARRAYS = weights.initial(NETWORK, 1)
IMAGE = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)


def known(images: NDArray[np.uint8], class_index: int) -> NDArray[np.float32]:
    model = onnx.load_from_string(to_onnx(NETWORK, ARRAYS))
    model.graph.output.append(helper.make_tensor_value_info(NETWORK.feature_map(), TensorProto.FLOAT, None))
    maps = onnxruntime.InferenceSession(model.SerializeToString()).run([NETWORK.feature_map()], {"image": images})[0]
    return closed_form(maps, ARRAYS["fc.weight"], np.full(len(images), class_index))


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


def test_a_bundle_of_another_kind_of_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot explain its answers"):
        Explainer(loading.load(write_bundle(tmp_path, explain=None)))
