"""A worker that is kept between trainings: the next one gets the same bits as from a new worker, or a new worker."""

import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from skinlab import processors, schema
from skinlab.engines.base import Plan
from skinlab.engines.cntk import warm
from skinlab.engines.cntk.client import CntkEngine
from skinlab.errors import EngineError
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture
from tests.engines.cntk.small import ENGINE, batch, convolutional_network, linear_network
from tests.processes import is_running

MOMENTUM = schema.MomentumSGD(name="momentum_sgd", learning_rate=0.1, minibatch_size=6, momentum=0.9, weight_decay=5e-4)
ADAM = schema.Adam(
    name="adam", learning_rate=0.01, minibatch_size=4, weight_decay=0, beta1=0.9, beta2=0.999, epsilon=1e-8
)


pytestmark = [pytest.mark.cntk, pytest.mark.usefixtures("home")]


def trained(network: Architecture, optimizer: schema.Optimizer, seed: int = 1) -> tuple[int, bytes]:
    """Process id of the worker that trained, and everything that it gave."""
    with CntkEngine(ENGINE, seed) as engine:
        plan = Plan(network, optimizer, np.full(3, 0.05), optimizer.minibatch_size, frozenset())
        engine.build(plan, weights.initial(network, seed))
        steps = [batch(optimizer.minibatch_size, network.image_size, network.features, seed=i) for i in range(3)]
        told = [engine.train_step(step, i) for i, step in enumerate(steps)]
        arrays = engine.export_weights()
        given = [array.tobytes() for array in (*arrays.values(), engine.predict(steps[0].images))]
        return engine.worker_pids[0], b"".join(given) + repr(told).encode()


def idle() -> int:
    """Process id of a worker that is kept, after a training."""
    warm.keep()
    return trained(linear_network(16), MOMENTUM)[0]


def test_without_being_asked_for_no_worker_is_kept() -> None:
    assert not is_running(trained(linear_network(16), MOMENTUM)[0])


def test_a_kept_worker_computes_what_a_new_one_does_whatever_it_has_done_before() -> None:
    alone = trained(convolutional_network(24), MOMENTUM)
    warm.keep()
    pids = {
        trained(convolutional_network(32), ADAM, seed=5)[0],
        trained(linear_network(16), MOMENTUM, seed=2)[0],
        trained(convolutional_network(24), ADAM)[0],
    }
    assert len(pids) == 1
    assert trained(convolutional_network(24), MOMENTUM) == (*pids, alone[1])


def test_other_settings_get_another_worker_and_the_kept_one_ends() -> None:
    before = idle()
    with CntkEngine(replace(ENGINE, threads=1), 1) as engine:
        assert engine.describe()["threads"] == 1
        assert engine.worker_pids[0] != before
    assert not is_running(before)


def test_another_environment_gets_another_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    before = idle()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert trained(linear_network(16), MOMENTUM)[0] != before


def test_a_kept_worker_that_died_is_replaced() -> None:
    before = idle()
    os.kill(before, signal.SIGKILL)
    assert trained(linear_network(16), MOMENTUM)[0] != before


def test_a_worker_that_grew_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "LARGEST", 1)
    assert not is_running(idle())


def test_a_worker_of_a_training_that_failed_is_not_kept() -> None:
    warm.keep()
    engine = CntkEngine(ENGINE, 1)
    with pytest.raises(EngineError, match="before its network"), engine:
        engine.predict(np.zeros((1, 16, 16, 3), np.uint8))
    assert not is_running(engine.worker_pids[0])


@pytest.mark.skipif(len(processors.usable()) < 2, reason="needs two processors")
def test_a_kept_worker_computes_on_the_processors_of_the_process_that_takes_it() -> None:
    everywhere = processors.usable()
    warm.keep()
    engine = replace(ENGINE, threads=1)
    with CntkEngine(engine, 1) as first:
        pid = first.worker_pids[0]
    try:
        processors.confine([min(everywhere)])
        with CntkEngine(engine, 1) as second:
            assert second.worker_pids[0] == pid
            assert os.sched_getaffinity(pid) == {min(everywhere)}
    finally:
        processors.confine(everywhere)
