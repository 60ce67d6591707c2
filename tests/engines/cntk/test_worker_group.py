"""Data-parallel training: several workers do what one does, and live and die together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinlab import networks
from skinlab.engines.base import Plan
from skinlab.engines.cntk import client, mpi, worker_group
from skinlab.engines.cntk.client import CntkEngine
from skinlab.errors import EngineError, SetupError
from skinlab.networks import weights
from skinlab.networks.weights import Weights
from tests.engines.cntk.small import ENGINE, batch, convolutional_network, linear_network
from tests.engines.cntk.test_optimizers import DECLARED, RATES

pytestmark = pytest.mark.cntk

TWO = replace(ENGINE, workers=2)
COUNTS = [4, 4, 1]
"""Of an epoch of 9 images: of the last minibatch one worker has nothing."""


@pytest.fixture(scope="module")
def openmpi() -> None:
    if mpi.find_launcher() is None or mpi.find_openmpi() is None:
        pytest.skip("OpenMPI is not installed: apt install openmpi-bin libopenmpi3")


@pytest.fixture
def pair(home: Path, openmpi: None) -> Iterator[CntkEngine]:
    with CntkEngine(TWO, seed=1) as started:
        yield started


def steps(engine: CntkEngine, size: int, features: int, numbers: range) -> list[float]:
    """The losses of training steps."""
    return [engine.train_step(batch(COUNTS[step % 3], size, features, seed=step), step).loss for step in numbers]


def linear_training(engine: CntkEngine, name: str) -> tuple[Weights, list[float]]:
    network = linear_network(4)
    engine.build(Plan(network, DECLARED[name], np.array(RATES), 9, frozenset()), weights.initial(network, 1))
    losses = steps(engine, 4, 3, range(len(RATES)))
    return engine.export_weights(), losses


def ended(pids: list[int], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_two_workers_update_by_the_mean_gradient_of_the_whole_minibatch(pair: CntkEngine, home: Path) -> None:
    with CntkEngine(ENGINE, seed=1) as single:
        for name in DECLARED:
            expected, expected_losses = linear_training(single, name)
            trained, losses = linear_training(pair, name)
            np.testing.assert_allclose(losses, expected_losses, rtol=1e-5)
            for array in expected:
                np.testing.assert_allclose(trained[array], expected[array], rtol=1e-5, atol=1e-6)


def test_predictions_come_in_the_order_of_the_images(pair: CntkEngine, home: Path) -> None:
    network = convolutional_network(8)
    planned = Plan(network, DECLARED["sgd"], np.array(RATES), 9, frozenset())
    pictures = batch(7, 8).images
    pair.build(planned, weights.initial(network, 1))
    with CntkEngine(ENGINE, seed=1) as single:
        single.build(planned, weights.initial(network, 1))
        np.testing.assert_allclose(pair.predict(pictures), single.predict(pictures), rtol=1e-5, atol=1e-6)


def test_running_statistics_are_the_average_of_the_workers_by_their_images(pair: CntkEngine) -> None:
    network = convolutional_network(8)
    initial = weights.initial(network, 1)
    pair.build(Plan(network, DECLARED["sgd"], np.zeros(3), 9, frozenset()), initial)
    steps(pair, 8, 6, range(3))
    kernel = initial["stem.conv.weight"]
    mean, variance = np.zeros(4), np.ones(4)
    for step, count in enumerate(COUNTS):
        images = (batch(count, 8, 6, seed=step).images / 255 - 0.5) / 0.2
        parts = [images[: count // 2], images[count // 2 :]]
        moved = []
        for part in parts:
            share = 1 - 0.9 ** (len(part) / 2)
            maps = convolved(part, kernel)
            moved.append(
                (
                    (1 - share) * mean + share * maps.mean(axis=0),
                    (1 - share) * variance + share * maps.var(axis=0, ddof=1),
                )
                if len(part)
                else (mean, variance)
            )
        counts = [len(part) for part in parts]
        mean = np.average([each[0] for each in moved], axis=0, weights=counts)
        variance = np.average([each[1] for each in moved], axis=0, weights=counts)
    exported = pair.export_weights()
    np.testing.assert_allclose(exported["stem.bn.running_mean"], mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(exported["stem.bn.running_var"], variance, rtol=1e-4, atol=1e-5)


def convolved(images: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """float64 [pixels, channels out] of a 3 x 3 convolution with padding."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return np.einsum("nhwcij,ocij->nhwo", windows, kernel.astype(np.float64)).reshape(-1, len(kernel))


@pytest.mark.parametrize("freeze", ["none", "stem"])
def test_training_repeats_and_resumes_bit_for_bit(home: Path, openmpi: None, tmp_path: Path, freeze: str) -> None:
    network = convolutional_network(8)
    frozen = networks.frozen(network, freeze)
    planned = Plan(network, DECLARED["adam"], np.array(RATES), 9, frozen)
    with CntkEngine(TWO, seed=1) as first:
        first.build(planned, weights.initial(network, 1))
        steps(first, 8, 6, range(3))
        first.save(tmp_path)
        steps(first, 8, 6, range(3, 6))
        expected = first.export_weights()
    with CntkEngine(TWO, seed=1) as second:
        second.build(planned, weights.initial(network, 1))
        steps(second, 8, 6, range(6))
        again = second.export_weights()
        second.build(planned, weights.initial(network, 99))
        second.load(tmp_path)
        steps(second, 8, 6, range(3, 6))
        resumed = second.export_weights()
    assert all(np.array_equal(expected[name], again[name]) for name in expected)
    assert all(np.array_equal(expected[name], resumed[name]) for name in expected)


def test_a_killed_worker_ends_the_others_and_is_an_error_that_says_so(pair: CntkEngine) -> None:
    network = linear_network(4)
    pair.build(Plan(network, DECLARED["sgd"], np.array(RATES), 9, frozenset()), weights.initial(network, 1))
    pids = pair.worker_pids
    os.kill(pids[1], signal.SIGKILL)
    with pytest.raises(EngineError, match=r"one of 2 CNTK workers died in train_step \(killed by SIGKILL.*rank 1 "):
        steps(pair, 4, 3, range(3))
    assert ended(pids)


STUBBORN = """
import ctypes, json, os, signal, socket, sys, time
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # dies with mpiexec, as the worker does
rank = int(os.environ["OMPI_COMM_WORLD_RANK"])
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[2])
connection.sendall((json.dumps({"rank": rank, "pid": os.getpid()}) + "\\n").encode())
connection.recv(1000)
if rank == 1:
    connection.sendall(b'{"error": "ValueError: no such thing"}\\n')
time.sleep(60)
"""


def test_workers_that_wait_for_one_that_failed_are_ended(
    home: Path, openmpi: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "stubborn.py"
    script.write_text(STUBBORN)
    monkeypatch.setattr(worker_group, "WORKER", script)
    monkeypatch.setattr(worker_group, "STOP_SECONDS", 0.5)
    runtime = client.runtimes.require()
    group = worker_group.WorkerGroup(runtime, runtime.environment(), 2, tmp_path)
    pids = group.pids
    with pytest.raises(EngineError, match="CNTK failed in work: ValueError: no such thing"):
        group.ask("work")
    with pytest.raises(EngineError, match="one of 2 CNTK workers died in more"):
        group.ask("more")
    group.stop()
    assert ended(pids)


def test_a_failure_of_all_workers_is_told_and_they_live(pair: CntkEngine, tmp_path: Path) -> None:
    network = linear_network(4)
    pair.build(Plan(network, DECLARED["sgd"], np.array(RATES), 9, frozenset()), weights.initial(network, 1))
    with pytest.raises(EngineError, match="CNTK failed in load"):
        pair.load(tmp_path)
    assert pair.predict(batch(3, 4).images).shape == (3, 2)


def test_nothing_is_left_after_close(home: Path, openmpi: None) -> None:
    ours = f"skinlab-{os.getpid()}-*"
    with CntkEngine(TWO, seed=1) as started:
        pids = started.worker_pids
        network = linear_network(4)
        started.build(Plan(network, DECLARED["sgd"], np.array(RATES), 9, frozenset()), weights.initial(network, 1))
        steps(started, 4, 3, range(1))
        (folder,) = Path("/dev/shm").glob(ours)
        assert {path.name.partition(".")[0] for path in folder.iterdir()} >= {
            "ompi",
            "vader_segment",
        }  # MPI's files too
        assert len(pids) == 2
    assert list(Path("/dev/shm").glob(ours)) == []
    assert ended(pids)


PARENT = """
import sys, time
from skinlab import schema
from skinlab.engines.cntk.client import CntkEngine
engine = CntkEngine(schema.CntkEngine(name="cntk", device="cpu", threads=None, workers=2, mkl_cpu_type="auto"), seed=1)
print(*engine.worker_pids, flush=True)
time.sleep(60)
"""


def test_all_workers_die_with_their_parent(home: Path, openmpi: None) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(word) for word in parent.stdout.readline().split()]
    launcher = int(Path(f"/proc/{workers[0]}/stat").read_text().rpartition(")")[2].split()[1])
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert ended([launcher, *workers])


def test_without_mpiexec_the_line_says_what_to_install(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(client.runtimes.mpi, "find_openmpi", lambda: (tmp_path / "libmpi", tmp_path / "libmpi_cxx"))
    with pytest.raises(SetupError, match=r"engine.workers=2 needs OpenMPI's mpiexec.*apt install openmpi-bin"):
        CntkEngine(TWO, seed=1)


def test_without_the_libraries_the_line_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.runtimes.mpi, "find_openmpi", lambda: None)
    runtime = client.runtimes.require()
    stub = replace(runtime, info=runtime.info | {"mpi": {"kind": "stub"}})
    monkeypatch.setattr(client.runtimes, "require", lambda: stub)
    with pytest.raises(SetupError, match=r"engine.workers=2 needs OpenMPI's libraries .*apt install .*libopenmpi3"):
        CntkEngine(TWO, seed=1)
