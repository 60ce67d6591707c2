"""The CNTK engine as the training loop sees it: a client of the worker process."""

import os
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skinlab import files, schema
from skinlab.engines import agreement
from skinlab.engines.base import Batch, Inputs, Plan, StepResult
from skinlab.engines.cntk import gpu, warm
from skinlab.engines.cntk import runtime as runtimes
from skinlab.engines.cntk.shared import SharedArrays, no_room, shared_folder
from skinlab.engines.cntk.worker_group import WorkerGroup
from skinlab.engines.cntk.worker_process import WorkerProcess
from skinlab.errors import EngineError
from skinlab.layout import Layout
from skinlab.networks.architecture import BATCHNORM_EPSILON, BATCHNORM_MOMENTUM, Architecture
from skinlab.networks.classifier import input_of
from skinlab.networks.weights import Weights

STATE = "cntk.safetensors"
"""Name of the complete state in the folder given to `save`."""
CONTAINER = "cntk.model"
"""What earlier versions wrote: CNTK's own container, which may name a program to run."""
STATE_MARGIN = 2**20
"""Room for the names of the arrays."""
STATES = {"sgd": 0, "momentum_sgd": 1, "nesterov": 1, "adam": 2, "rmsprop": 1, "adagrad": 1}
"""Numbers that each optimizer keeps for a weight."""

LEAST_RATE = 1e-12
"""Moves no float32 weight."""


class CntkEngine:
    """CNTK 2.7 in a worker process of its own Python 3.6; see `skinlab.engines.base.Engine`.

    Raises:
        SetupError: no CNTK runtime is installed.
        ConfigError: the declared GPU is not there, or CNTK does not cover it.
        EngineError: the worker does not start.
    """

    def __init__(self, engine: schema.CntkEngine, seed: int) -> None:
        self._key = warm.key(engine)
        idle = warm.take(engine)
        self._runtime = idle.runtime if idle else runtimes.require()
        self._shared: SharedArrays | None = None
        self._rates = np.empty(0)
        self._plan: Plan | None = None
        self._checkpoint_bytes = 0
        with ExitStack() as undo:  # also where Ctrl-C comes while the worker starts
            self._folder = shared_folder()
            undo.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._worker = idle.worker if idle else start_worker(self._runtime, engine, self._folder)
            undo.callback(self._worker.stop)
            undo.callback(self._worker.kill)
            self._hello = self._worker.ask("hello", gpu=self._choose_gpu(engine), seed=seed)
            undo.pop_all()

    @property
    def checkpoint_bytes(self) -> int:
        """Room that `save` asks for."""
        return self._checkpoint_bytes

    @property
    def worker_pids(self) -> list[int]:
        """Process id of each worker."""
        return self._worker.pids

    def build(self, plan: Plan, weights: Weights) -> None:
        """See `Engine.build`."""
        network = plan.architecture
        if not isinstance(network, Architecture):
            raise EngineError(f"CNTK cannot build {network.name}, which is PyTorch's: choose engine=torch")
        agreement.require_weights(plan, weights)
        self._plan = None
        shared = self._share(plan)
        arrays = self._folder / "weights.npz"
        try:
            np.savez(arrays, **weights)  # type: ignore[arg-type]  # numpy's stub confuses names with its own arguments
        except OSError as error:
            raise no_room(sum(array.nbytes for array in weights.values()), self._folder, error) from error
        self._worker.ask(
            "build",
            network=network.to_dict(),
            frozen=sorted(plan.frozen),
            arrays=str(arrays),
            optimizer=update_rule(plan),
            minibatch_size=plan.optimizer.minibatch_size,
            batchnorm={"epsilon": BATCHNORM_EPSILON, "momentum": BATCHNORM_MOMENTUM},
            shared=shared.describe(),
        )
        self._rates = applied_rates(plan)
        self._plan = plan
        self._checkpoint_bytes = (1 + STATES[plan.optimizer.name]) * arrays.stat().st_size + STATE_MARGIN
        arrays.unlink()
        shared.unlink()

    def train_step(self, batch: Batch, step: int) -> StepResult:
        """See `Engine.train_step`."""
        plan, shared = self._built()
        agreement.require_batch(plan, batch, step)
        count = len(batch)
        shared["images"][:count] = batch.images
        shared["labels"][:count] = batch.labels
        shared["targets"][:count] = batch.targets
        shared["weights"][:count] = batch.weights
        shared["mask"][:count] = batch.dropout_mask
        answer = self._worker.ask("train_step", count=count, step=step, learning_rate=float(self._rates[step]))
        return StepResult(loss=answer["loss"], correct=answer["correct"])

    def predict(self, images: Inputs) -> NDArray[np.float32]:
        """See `Engine.predict`."""
        plan, shared = self._built()
        agreement.require_images(plan, images)
        capacity = len(shared["labels"])
        logits = np.empty((len(images), shared["logits"].shape[1]), dtype=np.float32)
        for start in range(0, len(images), capacity):
            part = images[start : start + capacity]
            shared["images"][: len(part)] = part
            self._worker.ask("predict", count=len(part))
            logits[start : start + len(part)] = shared["logits"][: len(part)]
        return logits

    def gradients(
        self, images: NDArray[np.uint8], classes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Differentiable.gradients`."""
        plan, shared = self._built()
        agreement.require_chosen(plan, images, classes)
        capacity, path = len(shared["labels"]), self._folder / "gradients.npz"
        feature_map = agreement.require_feature_map(plan)
        maps, slopes = [], []
        for start in range(0, len(images), capacity):
            part = images[start : start + capacity]
            shared["images"][: len(part)] = part
            chosen = classes[start : start + capacity].tolist()
            self._worker.ask("gradients", count=len(part), classes=chosen, feature_map=feature_map, path=str(path))
            with np.load(path, allow_pickle=False) as loaded:
                maps.append(loaded["maps"])
                slopes.append(loaded["gradients"])
            path.unlink()
        return np.concatenate(maps), np.concatenate(slopes)

    def save(self, path: Path) -> None:
        """See `Engine.save`."""
        files.require_room(path, self._checkpoint_bytes)
        with files.replacing(path / STATE) as temporary:
            self._worker.ask("save", path=str(temporary.absolute()))

    def load(self, path: Path) -> None:
        """See `Engine.load`.

        Raises:
            EngineError: there is no such state, it is damaged, or of another network or optimizer.
        """
        if not (path / STATE).exists() and (path / CONTAINER).exists():
            raise EngineError(
                f"{path} is a checkpoint of an earlier version in CNTK's own format, which can hold programs and is "
                "not read any more: train anew"
            )
        self._worker.ask("load", path=str((path / STATE).absolute()))

    def export_weights(self) -> Weights:
        """See `Engine.export_weights`."""
        path = self._folder / "export.npz"
        self._worker.ask("export", path=str(path))
        with np.load(path, allow_pickle=False) as loaded:
            weights = {name: loaded[name] for name in loaded.files}
        path.unlink()
        return weights

    def describe(self) -> dict[str, Any]:
        """See `Engine.describe`."""
        facts = {name: value for name, value in self._hello.items() if name != "pid"}
        workers = len(self._worker.pids)
        return {"name": "cntk", "variant": self._runtime.variant, **facts, "workers": workers}

    def packages(self) -> dict[str, str]:
        """See `Engine.packages`."""
        return self._runtime.packages()

    def close(self) -> None:
        """See `Engine.close`."""
        self._worker.stop()
        self._free()

    def _free(self) -> None:
        if self._shared is not None:
            self._shared.close()
            self._shared = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception_type: type[BaseException] | None, *rest: object) -> None:
        worker = self._worker
        unharmed = exception_type is None or not issubclass(exception_type, EngineError)  # a pruned trial harms nothing
        if exception_type is not None and not (unharmed and worker.is_idle):
            worker.kill()  # it may be in the middle of a long step that nobody waits for any more
        elif isinstance(worker, WorkerProcess) and warm.give(warm.Idle(self._key, self._runtime, worker)):
            self._free()
            return
        self.close()

    def _choose_gpu(self, engine: schema.CntkEngine) -> int | None:
        if engine.workers > 1:
            return None
        seen = self._worker.ask("gpus")["gpus"]
        visible = [gpu.Gpu(each["name"], tuple(each["capability"]), driver="") for each in seen]
        return gpu.select(engine.device, visible, lambda: gpu.absence(self._runtime.variant))

    def _share(self, plan: Plan) -> SharedArrays:
        network, capacity = plan.architecture, plan.optimizer.minibatch_size
        shape, kind = input_of(network)
        layout = Layout.of(
            {
                "images": (np.dtype(kind).str[1:], (capacity, *shape)),
                "labels": ("i8", (capacity,)),
                "targets": ("f4", (capacity, network.classes)),
                "weights": ("f4", (capacity,)),
                "mask": ("f4", (capacity, network.features)),
                "logits": ("f4", (capacity, network.classes)),
            }
        )
        if self._shared is not None:
            self._shared.close()
        self._shared = SharedArrays(layout, self._folder)
        return self._shared

    def _built(self) -> tuple[Plan, SharedArrays]:
        if self._plan is None or self._shared is None:
            raise EngineError("the CNTK engine was used before its network was built")
        return self._plan, self._shared


def start_worker(runtime: runtimes.Runtime, engine: schema.CntkEngine, folder: Path) -> WorkerProcess | WorkerGroup:
    """Start the declared workers; several share the threads of one.

    Raises:
        SetupError: several are asked for, and OpenMPI is not there.
        EngineError: they do not start.
    """
    if engine.workers == 1:
        return WorkerProcess(runtime, runtime.environment(threads=engine.threads, mkl_cpu_type=engine.mkl_cpu_type))
    environment = runtime.environment(
        threads=max(1, (engine.threads or len(os.sched_getaffinity(0))) // engine.workers),
        mkl_cpu_type=engine.mkl_cpu_type,
        mpi_folder=runtime.parallel_mpi(engine.workers, folder / "mpi"),
    )
    return WorkerGroup(runtime, environment, engine.workers, folder)


def update_rule(plan: Plan) -> dict[str, Any]:
    """The declared optimizer as the worker takes it; rates come with the steps."""
    rule = asdict(plan.optimizer)
    if isinstance(plan.optimizer, schema.MomentumSGD):
        rule["momenta"] = momenta(plan, plan.optimizer.momentum)
    return rule


def applied_rates(plan: Plan) -> NDArray[np.float64]:
    """The rates as CNTK is given them: its velocity, which holds the rate, would be lost in a step at rate zero."""
    return np.maximum(plan.rates, LEAST_RATE) if plan.optimizer.name == "momentum_sgd" else plan.rates


def momenta(plan: Plan, momentum: float) -> list[tuple[int, float]]:
    """CNTK's momentum as runs of (images, value), so that it means what the declaration says.

    CNTK keeps the learning rate inside the velocity: u = m u + r g, w = w - u. With u = r v this is the declared
    v = momentum v + g, w = w - r v, if at each change of the rate m is momentum times the new rate over the old one:
    the "momentum correction" of Goyal et al., "Accurate, Large Minibatch SGD", 2017.
    """
    size, images = plan.optimizer.minibatch_size, plan.epoch_images
    per_epoch = -(-images // size)
    rates = applied_rates(plan)
    values = momentum * rates / np.concatenate([rates[:1], rates[:-1]])
    runs: list[tuple[int, float]] = []
    for step, value in enumerate(values.tolist()):
        count = size if step % per_epoch < per_epoch - 1 else images - size * (per_epoch - 1)
        if runs and runs[-1][1] == value:
            count += runs.pop()[0]
        runs.append((count, value))
    return runs
