"""Both engines refuse what is not for the network that they were built for, in the same words."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from skinlab import paths
from skinlab.engines.base import Batch
from skinlab.engines.cntk.client import CntkEngine
from skinlab.engines.torch.engine import TorchEngine
from skinlab.errors import EngineError
from skinlab.networks import weights
from tests.engines.cntk.small import ENGINE
from tests.engines.torch.cases import batch, linear_network, plan, started

SIZE = 6
NETWORK = linear_network(SIZE)
ARRAYS = weights.initial(NETWORK, 1)
GIVEN = batch(4, NETWORK)
CHOSEN = np.array([0, 1, 1, 0])
Started = TorchEngine | CntkEngine


@pytest.fixture(scope="module", params=["torch", pytest.param("cntk", marks=pytest.mark.cntk)])
def engine(request: pytest.FixtureRequest) -> Iterator[Started]:
    """Built for minibatches of 4 images of 6 pixels, 2 classes, 3 features, 16 steps."""
    if request.param == "torch":
        with started() as torch_engine:
            yield torch_engine
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(paths.HOME_VARIABLE, str(request.getfixturevalue("cntk_home")))
            with CntkEngine(ENGINE, seed=1) as cntk_engine:
                yield cntk_engine


def changed(**changes: Any) -> Batch:
    return replace(GIVEN, **changes)


MISTAKES: dict[str, tuple[Callable[[Started], object], str]] = {
    "too many images": (lambda e: e.train_step(batch(5, NETWORK), 0), "a minibatch of 5 images was .* for 1 to 4"),
    "no image": (lambda e: e.train_step(batch(0, NETWORK), 0), "a minibatch of 0 images was .* for 1 to 4"),
    "a step too far": (lambda e: e.train_step(GIVEN, 16), "step 16 was asked of an engine built for 16 steps"),
    "larger images": (
        lambda e: e.train_step(batch(4, linear_network(8)), 0),
        r"images are uint8 \[4, 8, 8, 3\], but .* linear at 6 pixels with 2 classes takes uint8 \[4, 6, 6, 3\]",
    ),
    "targets of 3 classes": (
        lambda e: e.train_step(changed(targets=np.ones((4, 3), np.float32)), 0),
        r"targets are float32 \[4, 3\]",
    ),
    "targets of another type": (
        lambda e: e.train_step(changed(targets=GIVEN.targets.astype(np.float64)), 0),
        r"targets are float64 .* takes float32",
    ),
    "a mask of other features": (
        lambda e: e.train_step(changed(dropout_mask=np.ones((4, 1), np.float32)), 0),
        r"dropout_mask are float32 \[4, 1\]",
    ),
    "a weight too few": (lambda e: e.train_step(changed(weights=GIVEN.weights[:1]), 0), r"weights are float32 \[1\]"),
    "grey images": (lambda e: e.predict(GIVEN.images[..., :1]), r"images are uint8 \[4, 6, 6, 1\]"),
    "images of another type": (lambda e: e.predict(GIVEN.images.astype(np.int64)), "images are int64"),
    "nothing to explain": (lambda e: e.gradients(GIVEN.images[:0], CHOSEN[:0]), "gradients were asked of no image"),
    "a class too few": (lambda e: e.gradients(GIVEN.images, CHOSEN[:3]), r"classes are int64 \[3\]"),
    "an unknown class": (lambda e: e.gradients(GIVEN.images, CHOSEN + 1), "gradients of class 2 .* for 2 classes"),
    "other arrays": (
        lambda e: e.build(plan(NETWORK), {"fc.weight": ARRAYS["fc.weight"][:1], "bias": ARRAYS["fc.bias"]}),
        r"bias is \[2\], not missing, fc.bias is missing, not \[2\], fc.weight is \[1, 3\], not \[2, 3\]",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_and_the_engine_goes_on(engine: Started, mistake: str) -> None:
    make, told = MISTAKES[mistake]
    engine.build(plan(NETWORK), ARRAYS)
    with pytest.raises(EngineError, match=told):
        make(engine)
    assert engine.train_step(GIVEN, 0).loss > 0
    assert engine.predict(GIVEN.images).shape == (4, 2)


def test_an_engine_without_a_network_says_so() -> None:
    with started() as engine:
        for use in (lambda: engine.predict(GIVEN.images), lambda: engine.train_step(GIVEN, 0)):
            with pytest.raises(EngineError, match="used before its network was built"):
                use()
