"""The torch engine as the training loop sees it: divides minibatches among replicas and joins their answers."""

from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray

from skinlab import files, schema
from skinlab.engines import agreement
from skinlab.engines.base import Batch, Inputs, Plan, StepResult
from skinlab.engines.torch import children, hardware, launch, shards, torchrun
from skinlab.engines.torch.crew import Alone, Crew
from skinlab.engines.torch.replica import Arrays, Place, Replica
from skinlab.errors import EngineError
from skinlab.networks import weights as weights_files
from skinlab.networks.weights import Weights

STATE = "torch.safetensors"
"""Name of the complete state in the folder given to `save`."""


class TorchEngine:
    """PyTorch on a CPU, a GPU or several; see `skinlab.engines.base.Engine`.

    Raises:
        EngineError: there is no such device, or a process of the engine does not start.
    """

    def __init__(self, engine: schema.TorchEngine) -> None:
        self._engine = engine
        launched = launch.launched()
        local = launched.local_world if launched else engine.devices
        self._hardware = hardware.choose(engine, local)
        self._crew: Crew
        if launched:
            self._crew = torchrun.Torchrun(engine, launched)
        elif engine.devices > 1:
            self._crew = children.Children(engine, self._hardware)
        else:
            self._crew = Alone(Replica(engine, self._hardware, Place()))
        self._plan: Plan | None = None

    def build(self, plan: Plan, weights: Weights) -> None:
        """See `Engine.build`."""
        agreement.require_weights(plan, weights)
        self._all("build", plan, weights)
        self._plan = plan

    def train_step(self, batch: Batch, step: int) -> StepResult:
        """See `Engine.train_step`."""
        agreement.require_batch(self._built(), batch, step)
        parts = shards.cut(batch, self._crew.size)
        answers = self._crew.ask("train_step", [(part, step) for part in parts])
        return StepResult(
            loss=sum(loss for loss, _ in answers) / len(batch), correct=sum(correct for _, correct in answers)
        )

    def predict(self, images: Inputs) -> NDArray[np.float32]:
        """See `Engine.predict`. Always in float32, and by the mean weights where `engine.ema` keeps them."""
        plan = self._built()
        agreement.require_images(plan, images)
        size = plan.optimizer.minibatch_size
        logits = [self._predict(images[start : start + size]) for start in range(0, len(images), size)]
        return np.concatenate(logits) if logits else np.empty((0, plan.architecture.classes), np.float32)

    def _predict(self, images: Inputs) -> NDArray[np.float32]:
        parts = shards.cut_images(images, self._crew.size)
        return np.concatenate(self._crew.ask("predict", [(part,) for part in parts]))

    def gradients(
        self, images: NDArray[np.uint8], classes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """See `Differentiable.gradients`. By the weights of `predict`, in float32; the first replica alone computes."""
        plan = self._built()
        agreement.require_chosen(plan, images, classes)
        size = plan.optimizer.minibatch_size
        parts = [
            self._crew.ask("gradients", [(images[start : start + size], classes[start : start + size])])[0]
            for start in range(0, len(images), size)
        ]
        maps, slopes = zip(*parts, strict=True)
        return np.concatenate(maps), np.concatenate(slopes)

    def save(self, path: Path) -> None:
        """See `Engine.save`."""
        state = self._first("state")
        files.require_room(path, sum(array.nbytes for array in state.values()))
        with files.replacing(path / STATE) as temporary:
            weights_files.save(state, temporary)

    def load(self, path: Path) -> None:
        """See `Engine.load`."""
        self._all("restore", _read(path / STATE))

    def export_weights(self) -> Weights:
        """See `Engine.export_weights`. The mean weights where `engine.ema` keeps them: what `predict` uses."""
        return self._first("export")

    def describe(self) -> dict[str, Any]:
        """See `Engine.describe`."""
        chosen = self._hardware
        return {
            "name": "torch",
            "torch": torch.__version__,
            "cuda": torch.version.cuda if chosen.device == "gpu" else None,
            "device": ", ".join(chosen.names),
            "processes": self._crew.size,
            "precision": chosen.precision,
            "threads": chosen.threads,
            "deterministic": self._engine.deterministic,
            "channels_last": self._engine.channels_last,
        }

    def packages(self) -> dict[str, str]:
        """See `Engine.packages`. PyTorch is in this environment."""
        return {}

    def close(self) -> None:
        """See `Engine.close`."""
        self._crew.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exception_type: type[BaseException] | None, *rest: object) -> None:
        self._crew.close(at_once=exception_type is not None)

    def _built(self) -> Plan:
        if self._plan is None:
            raise EngineError("the torch engine was used before its network was built")
        return self._plan

    def _all(self, command: str, *arguments: Any) -> None:
        self._crew.ask(command, [arguments] * self._crew.size)

    def _first(self, command: str) -> Arrays:
        """The answer of the first replica; the others have the same."""
        return cast("Arrays", self._crew.ask(command, [()])[0])


def _read(path: Path) -> Arrays:
    from safetensors import SafetensorError

    try:
        return weights_files.load(path)
    except (OSError, SafetensorError) as error:
        raise EngineError(f"the checkpoint {path} cannot be read: {error}") from error
