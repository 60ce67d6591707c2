"""The CNTK engine against independent arithmetic: ONNX Runtime for outputs, numpy for updates."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from skinlab import schema
from skinlab.engines.base import Plan
from skinlab.engines.cntk import gpu
from skinlab.engines.cntk.client import CntkEngine
from skinlab.errors import ConfigError, EngineError
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture, Builder
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.resnet import resnet
from skinlab.networks.weights import Weights
from tests.engines.cntk.small import ENGINE, batch, linear_network

pytestmark = pytest.mark.cntk

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def optimizer(**changes: float) -> schema.MomentumSGD:
    values = {"learning_rate": 0.01, "minibatch_size": 4, "momentum": 0.9, "weight_decay": 5e-4} | changes
    return schema.MomentumSGD(name="momentum_sgd", **values)  # type: ignore[arg-type]


def plan(network: Architecture, rates: list[float] | None = None, images: int = 4, **changes: float) -> Plan:
    """By default single full minibatches an epoch, at rates that change with every step."""
    steps = rates if rates is not None else [0.01 / (step + 1) for step in range(8)]
    return Plan(network, optimizer(**changes), np.array(steps), images, frozenset())


def images(count: int, size: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def onnx_logits(network: Architecture, arrays: Weights, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(to_onnx(network, arrays))
    answer: NDArray[np.float32] = session.run(["logits"], {"image": pictures})[0]
    return answer


@pytest.mark.parametrize("size", [64, 75, 97])
def test_outputs_equal_onnx_runtimes_before_and_after_training(engine: CntkEngine, size: int) -> None:
    network = resnet("resnet18", size, 2, MEAN, STD)
    initial = weights.initial(network, 3)
    engine.build(plan(network), initial)
    pictures = images(6, size)
    np.testing.assert_allclose(engine.predict(pictures), onnx_logits(network, initial, pictures), atol=1e-4)
    for seed in range(3):
        engine.train_step(batch(4, size, seed=seed), seed)
    trained = engine.export_weights()
    assert np.abs(trained["fc.weight"] - initial["fc.weight"]).max() > 1e-5
    np.testing.assert_allclose(engine.predict(pictures), onnx_logits(network, trained, pictures), atol=1e-4)


def test_exported_weights_are_the_imported_ones(engine: CntkEngine) -> None:
    network = resnet("resnet18", 64, 2, MEAN, STD)
    initial = weights.initial(network, 3)
    engine.build(plan(network), initial)
    exported = engine.export_weights()
    assert set(exported) == set(initial)
    assert all(np.array_equal(exported[name], initial[name]) for name in initial)


RATES = [0.5, 0.5, 0.05, 0.05, 0.2, 0.01]
"""Falls, rises, and stays within and across epochs."""


@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.0, 0.0), (0.9, 0.0), (0.9, 0.05)])
def test_updates_follow_the_formula_through_smaller_minibatches_and_changes_of_the_rate(
    engine: CntkEngine, momentum: float, weight_decay: float
) -> None:
    network = linear_network(4)
    arrays = weights.initial(network, 1)
    engine.build(plan(network, RATES, images=7, momentum=momentum, weight_decay=weight_decay), arrays)
    value = {name: array.astype(np.float64) for name, array in arrays.items()}
    velocity = dict.fromkeys(value, 0.0)
    for step, rate in enumerate(RATES):
        count = 4 if step % 2 == 0 else 3
        given = batch(count, 4, features=3, seed=step)
        result = engine.train_step(given, step)
        features = given.images.mean(axis=(1, 2)) / 255 * given.dropout_mask
        logits = features @ value["fc.weight"].T + value["fc.bias"]
        probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        expected_loss = np.mean(-(given.targets * np.log(probabilities)).sum(axis=1) * given.weights)
        assert result.loss == pytest.approx(expected_loss, rel=1e-5)
        assert result.correct == (logits.argmax(axis=1) == given.labels).sum()
        error = (probabilities - given.targets) * given.weights[:, None] / count
        gradient = {"fc.weight": error.T @ features, "fc.bias": error.sum(axis=0)}
        for name, slope in gradient.items():
            velocity[name] = momentum * velocity[name] + slope + weight_decay * value[name]
            value[name] = value[name] - rate * velocity[name]
    exported = engine.export_weights()
    for name, expected in value.items():
        np.testing.assert_allclose(exported[name], expected, atol=1e-6)


def test_running_statistics_move_by_the_minibatchs_share(engine: CntkEngine) -> None:
    graph = Builder("all")
    x = graph.batchnorm("bn", graph.normalize([0, 0, 0], [1, 1, 1]), 3)
    graph.linear("fc", graph.dropout("dropout", graph.mean("avgpool", x)), (3, 2))
    network = Architecture("bn", 4, 2, features=3, nodes=tuple(graph.nodes))
    engine.build(plan(network, [0.0, 0.0], images=7), weights.initial(network, 1))
    mean, variance = np.zeros(3), np.ones(3)
    for step, count in enumerate([4, 3]):
        given = batch(count, 4, features=3, seed=step)
        engine.train_step(given, step)
        share = 1 - 0.9 ** (count / 4)
        pixels = given.images.reshape(-1, 3) / 255
        mean = (1 - share) * mean + share * pixels.mean(axis=0)
        variance = (1 - share) * variance + share * pixels.var(axis=0, ddof=1)
    exported = engine.export_weights()
    np.testing.assert_allclose(exported["bn.running_mean"], mean, atol=1e-6)
    np.testing.assert_allclose(exported["bn.running_var"], variance, atol=1e-6)


def test_a_loaded_checkpoint_continues_bit_for_bit_in_a_new_process(home: Path, tmp_path: Path) -> None:
    network = resnet("resnet18", 32, 2, MEAN, STD)
    planned, initial = plan(network), weights.initial(network, 3)

    def steps(started: CntkEngine, numbers: range) -> Weights:
        for seed in numbers:
            started.train_step(batch(4, 32, seed=seed), seed)
        return started.export_weights()

    with CntkEngine(ENGINE, seed=1) as straight:
        straight.build(planned, initial)
        expected = steps(straight, range(6))
    with CntkEngine(ENGINE, seed=1) as first:
        first.build(planned, initial)
        steps(first, range(3))
        first.save(tmp_path)
    with CntkEngine(ENGINE, seed=1) as second:
        second.build(planned, weights.initial(network, 99))
        second.load(tmp_path)
        resumed = steps(second, range(3, 6))
    assert all(np.array_equal(expected[name], resumed[name]) for name in expected)


def test_a_killed_worker_is_an_error_that_says_so(home: Path) -> None:
    network = linear_network(4)
    with CntkEngine(ENGINE, seed=1) as engine:
        engine.build(plan(network), weights.initial(network, 1))
        os.kill(engine.worker_pids[0], signal.SIGKILL)
        with pytest.raises(EngineError, match=r"the CNTK worker died in train_step \(killed by SIGKILL"):
            engine.train_step(batch(4, 4, features=3), 0)


def test_a_failure_inside_cntk_is_told_and_the_worker_lives(engine: CntkEngine, tmp_path: Path) -> None:
    network = linear_network(4)
    engine.build(plan(network), weights.initial(network, 1))
    with pytest.raises(EngineError, match="CNTK failed in load"):
        engine.load(tmp_path)
    assert engine.predict(images(2, 4)).shape == (2, 2)


def shared_memory() -> set[Path]:
    """Folders in shared memory that belong to this process: the module's engine has one."""
    return set(Path("/dev/shm").glob(f"skinlab-{os.getpid()}-*"))


def test_a_gpu_that_is_not_there_is_refused_with_the_reason(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "detect", list)
    before = shared_memory()
    with pytest.raises(ConfigError, match="engine.device=gpu:1: CNTK sees no GPU: no NVIDIA GPU with a driver"):
        CntkEngine(replace(ENGINE, device="gpu:1"), seed=1)
    assert shared_memory() == before


def test_nothing_is_left_after_close(home: Path) -> None:
    before = shared_memory()
    with CntkEngine(ENGINE, seed=1) as started:
        (pid,) = started.worker_pids
        assert len(shared_memory() - before) == 1
    assert shared_memory() == before
    assert not Path(f"/proc/{pid}").exists()


PARENT = """
import sys, time
from skinlab import schema
from skinlab.engines.cntk.client import CntkEngine
engine = CntkEngine(schema.CntkEngine(name="cntk", device="cpu", threads=None, workers=1, mkl_cpu_type="auto"), seed=1)
print(*engine.worker_pids, flush=True)
time.sleep(60)
"""


def test_the_worker_dies_with_its_parent(home: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{worker}").exists()
