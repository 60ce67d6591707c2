"""Two processes on the CPU train as one; deaths are errors and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from skinlab.engines.torch.children import Children
from skinlab.engines.torch.engine import TorchEngine
from skinlab.errors import EngineError
from skinlab.networks import weights
from skinlab.networks.architecture import Architecture, Builder
from tests.engines.torch.cases import (
    batch,
    distance,
    linear_network,
    pictures,
    plan,
    same,
    small_network,
    started,
    train,
)

SETTINGS = {"ema": 0.5, "clip_norm": 0.1}


@pytest.fixture(scope="module")
def pair() -> Iterator[TorchEngine]:
    """An engine of two processes; each test builds anew."""
    with started(devices=2, **SETTINGS) as engine:
        yield engine


def pids(engine: TorchEngine) -> list[int]:
    assert isinstance(engine._crew, Children)
    return engine._crew.pids


def test_two_processes_train_and_predict_as_one(pair: TorchEngine) -> None:
    network = small_network(normalised=False)
    initial, sizes = weights.initial(network, 3), (4, 3, 1)  # of the last, one process has no image at all
    with started(**SETTINGS) as alone:
        alone.build(plan(network), initial)
        expected = [alone.train_step(batch(sizes[step % 3], network, seed=step), step) for step in range(6)]
        trained, logits = alone.export_weights(), alone.predict(pictures(5, network))
    pair.build(plan(network), initial)
    results = [pair.train_step(batch(sizes[step % 3], network, seed=step), step) for step in range(6)]
    assert [result.correct for result in results] == [result.correct for result in expected]
    np.testing.assert_allclose([each.loss for each in results], [each.loss for each in expected], rtol=1e-5)
    assert distance(pair.export_weights(), trained) < 1e-5
    np.testing.assert_allclose(pair.predict(pictures(5, network)), logits, atol=1e-5)


def test_frozen_batch_normalisation_is_the_same_in_two_processes(pair: TorchEngine) -> None:
    network = small_network()
    initial = weights.initial(network, 3)
    frozen = frozenset({"bn1", "layer1.0.bn"})
    with started(**SETTINGS) as alone:
        alone.build(plan(network, frozen=frozen), initial)
        expected = train(alone, network, range(4), sizes=(4, 3))
    pair.build(plan(network, frozen=frozen), initial)
    trained = train(pair, network, range(4), sizes=(4, 3))
    assert distance(trained, expected) < 1e-5
    assert all(np.array_equal(trained[name], initial[name]) for name in initial if ".bn." in name or "bn1" in name)


def test_running_statistics_are_the_mean_over_the_processes(pair: TorchEngine) -> None:
    graph = Builder("stem")
    x = graph.batchnorm("bn", graph.normalize([0, 0, 0], [1, 1, 1]), 3)
    graph.linear("fc", graph.dropout("dropout", graph.mean("avgpool", x)), (3, 2))
    network = Architecture("bn", 4, 2, features=3, nodes=tuple(graph.nodes))
    pair.build(plan(network, [0.0]), weights.initial(network, 3))
    given = batch(3, network)
    pair.train_step(given, 0)
    share = 1 - 0.9 ** (3 / 4)
    pixels = [part.reshape(-1, 3) / 255 for part in (given.images[:2], given.images[2:])]
    variance = sum(part.var(axis=0, ddof=1) * images / 3 for part, images in zip(pixels, (2, 1), strict=True))
    decay = 1 / 10  # of the mean weights, in the first step
    exported = pair.export_weights()
    mean = np.concatenate(pixels).mean(axis=0)
    np.testing.assert_allclose(exported["bn.running_mean"], (1 - decay) * share * mean, atol=1e-6)
    expected = decay + (1 - decay) * (1 - share + share * variance)
    np.testing.assert_allclose(exported["bn.running_var"], expected, atol=1e-6)


def test_a_resumed_training_of_two_processes_continues_bit_for_bit(pair: TorchEngine, tmp_path: Path) -> None:
    network = small_network()
    planned, initial = plan(network), weights.initial(network, 3)
    pair.build(planned, initial)
    expected = train(pair, network, range(6), sizes=(4, 3))
    pair.build(planned, initial)
    train(pair, network, range(3), sizes=(4, 3))
    pair.save(tmp_path)
    pair.build(planned, weights.initial(network, 99))
    pair.load(tmp_path)
    assert same(train(pair, network, range(3, 6), sizes=(4, 3)), expected)


def test_a_killed_process_is_an_error_that_says_so_and_the_other_goes_too() -> None:
    network = small_network()
    with started(devices=2) as engine:
        processes = pids(engine)
        engine.build(plan(network), weights.initial(network, 3))
        os.kill(processes[1], signal.SIGKILL)
        with pytest.raises(EngineError, match=r"a process of the torch engine died in train_step \(killed by SIGKILL"):
            engine.train_step(batch(4, network), 0)
        engine.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)


def test_a_failure_in_a_process_is_told(tmp_path: Path) -> None:
    small, linear = small_network(), linear_network()
    with started() as alone:
        alone.build(plan(linear), weights.initial(linear, 1))
        alone.save(tmp_path)
    with started(devices=2) as engine:
        engine.build(plan(small), weights.initial(small, 1))
        with pytest.raises(EngineError, match="PyTorch failed in restore: RuntimeError: the arrays are not"):
            engine.load(tmp_path)


PARENT = """
import sys, time
from skinlab.engines.torch.engine import TorchEngine
from tests.engines.torch.cases import declared
engine = TorchEngine(declared(devices=2))
print(*engine._crew.pids, flush=True)
time.sleep(60)
"""


def test_the_processes_die_with_their_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    children = [Path(f"/proc/{pid}") for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while any(child.exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children) == 2
    assert not any(child.exists() for child in children)
