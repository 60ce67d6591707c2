"""One copy of the network on one device: trains on its shard of each minibatch, predicts, tells its state.

Of several replicas each has a process of its own; their gradients meet in PyTorch's DistributedDataParallel. Knows
nothing of files and of how it is reached.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from skinlab import schema
from skinlab.engines import agreement
from skinlab.engines.base import Batch, Inputs, Plan
from skinlab.engines.torch import hardware, optimizers
from skinlab.engines.torch.hardware import Hardware
from skinlab.engines.torch.network import TorchNetwork
from skinlab.engines.torch.timm_model import TimmNetwork
from skinlab.engines.torch.trained import TrainedNetwork
from skinlab.networks.timm_architecture import TimmArchitecture
from skinlab.networks.weights import Weights

if TYPE_CHECKING:
    from torch.optim import Optimizer

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed"}
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Shard:
    """A replica's part of a minibatch.

    Attributes:
        batch: its images; where the minibatch has fewer images than there are replicas, some with weight 0.
        real: images of it that count.
        total: images of the whole minibatch.
    """

    batch: Batch
    real: int
    total: int


@dataclass(frozen=True)
class Place:
    """Which replica this is.

    Attributes:
        rank: its number.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1


class Replica:
    """The network, its optimizer and, where it is declared, the running mean of its weights (EMA).

    Args:
        engine: the declaration.
        chosen: what it comes to here.
        place: which of how many replicas this is; of several, the process group was joined before.
    """

    def __init__(self, engine: schema.TorchEngine, chosen: Hardware, place: Place) -> None:
        hardware.make_repeatable(deterministic=engine.deterministic)
        torch.set_num_threads(chosen.threads)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells what run.json says
        self._engine, self._world = engine, place.world
        self._fabric = _fabric(chosen, place)
        self._narrow = torch.bfloat16 if chosen.precision == "bf16" else None

    def build(self, plan: Plan, weights: Weights) -> None:
        """Make the network with these weights and a fresh optimizer."""
        engine, fabric = self._engine, self._fabric
        network = _network(plan, channels_last=engine.channels_last)
        given = {network.prefix + name: torch.from_numpy(array) for name, array in weights.items()}
        _copy(given, network.state_dict())
        if self._world > 1 and fabric.device.type == "cuda":
            network = network.synchronised()
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self._network = network.to(fabric.device).train()
        self._plan = plan
        self._optimizer: Optimizer = optimizers.build(plan.optimizer, trained)
        self._wrapped: nn.Module = network
        self._stepper = self._optimizer
        if self._world > 1:
            self._wrapped, self._stepper = fabric.setup(network, self._optimizer)
        self._ema = {name: value.clone() for name, value in self._tensors().items()} if engine.ema else None
        self._steps = 0

    def train_step(self, shard: Shard, step: int) -> tuple[float, int]:
        """One update by the mean gradient of the whole minibatch.

        Returns:
            the sum over this shard of weight times cross-entropy, and the images classified correctly.
        """
        if not self._network.training:  # it goes through all modules
            self._network.train()
        self._network.set_statistics_share(shard.total / self._plan.optimizer.minibatch_size)
        batch = shard.batch
        images, labels, targets, weights, mask = (
            torch.from_numpy(array).to(self._fabric.device, non_blocking=True)
            for array in (batch.images, batch.labels, batch.targets, batch.weights, batch.dropout_mask)
        )
        logits = self._logits(images, mask)
        losses = functional.cross_entropy(logits, targets, reduction="none") * weights
        loss = losses.sum()
        self._stepper.zero_grad()
        # DistributedDataParallel takes the mean over the replicas; what is wanted is the sum over the minibatch.
        self._fabric.backward(loss * (self._world / shard.total))
        if self._engine.clip_norm is not None:
            self._fabric.clip_gradients(self._wrapped, self._stepper, max_norm=self._engine.clip_norm)
        optimizers.set_rate(self._optimizer, float(self._plan.rates[step]))
        self._stepper.step()
        self._average_statistics(shard)
        self._average_weights()
        correct = (logits.detach().argmax(dim=1) == labels)[: shard.real].sum()
        return loss.item(), int(correct.item())

    def _logits(self, images: Tensor, mask: Tensor) -> Tensor:
        """Those of the training step, float32 [B, classes].

        Alone, without lightning-fabric: what it wraps around a step takes longer than a step of a head.
        """
        if self._world > 1 or self._narrow is None:
            return cast("Tensor", self._wrapped(images, mask))
        given = images.to(self._narrow) if images.is_floating_point() else images
        with torch.autocast(self._fabric.device.type, dtype=self._narrow):
            logits = self._network(given, mask.to(self._narrow))
        return cast("Tensor", logits.float())

    def predict(self, images: Inputs) -> NDArray[np.float32]:
        """Logits of images, in float32 whatever training is in, by the mean weights where they are kept."""
        self._network.eval()
        given = torch.from_numpy(images).to(self._fabric.device)
        with torch.inference_mode():
            logits = torch.func.functional_call(self._network, self._ema or {}, (given,))
        return cast("NDArray[np.float32]", logits.cpu().numpy())

    def gradients(
        self, images: NDArray[np.uint8], classes: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The last feature map and the gradients of each image's class, computed as `predict` does."""
        self._network.eval()
        given, chosen = (torch.from_numpy(array).to(self._fabric.device) for array in (images, classes))
        name = agreement.require_feature_map(self._plan)
        with torch.no_grad():
            maps = torch.func.functional_call(self._network, self._ema or {}, (given,), {"end": name})
        maps.requires_grad_()
        logits = torch.func.functional_call(self._network, self._ema or {}, (maps,), {"start": name})
        (slopes,) = torch.autograd.grad(logits.gather(1, chosen[:, None]).sum(), maps)
        return _as_numpy(self._network.places(maps)), _as_numpy(self._network.places(slopes))

    def state(self) -> Arrays:
        """Everything that the next steps depend on. There is no random state: the training loop draws everything."""
        parts = {
            "weights": self._tensors(),
            "optimizer": optimizers.state(self._optimizer, self._names()),
            "ema": self._ema or {},
            "count": {"steps": torch.tensor(self._steps)},
        }
        return {
            f"{part}/{name}": value.detach().cpu().contiguous().numpy()
            for part, tensors in parts.items()
            for name, value in tensors.items()
        }

    def restore(self, arrays: Arrays) -> None:
        """Continue from what `state` told; the next steps give the same bits."""
        parts: dict[str, dict[str, Tensor]] = {"weights": {}, "optimizer": {}, "ema": {}, "count": {}}
        for key, array in arrays.items():
            part, _, name = key.partition("/")
            parts[part][name] = torch.from_numpy(array)
        _copy(parts["weights"], self._tensors())
        _copy(parts["ema"], self._ema or {})
        optimizers.restore(self._optimizer, self._names(), parts["optimizer"])
        self._steps = int(parts["count"]["steps"])

    def export(self) -> Weights:
        """The weights that `predict` uses, statistics included, by the names of torchvision, or of timm."""
        tensors, prefix = self._ema or self._tensors(), self._network.prefix
        return {name.removeprefix(prefix): value.cpu().contiguous().numpy().copy() for name, value in tensors.items()}

    def _tensors(self) -> dict[str, Tensor]:
        """The arrays of the network, without a gradient; writing to them changes it."""
        return dict(self._network.state_dict())

    def _names(self) -> dict[Tensor, str]:
        return {parameter: name for name, parameter in self._network.named_parameters()}

    def _average_statistics(self, shard: Shard) -> None:
        """Make the running statistics of all replicas their mean, each by its number of images.

        Where batch normalisation sees the whole minibatch anyway (on GPUs), it changes nothing.
        """
        statistics = self._network.moving_statistics()
        if self._world == 1 or not statistics:
            return
        own = torch.cat([value.flatten() for value in statistics]) * (shard.real / shard.total)
        summed = cast("Tensor", self._fabric.all_reduce(own, reduce_op="sum"))
        means = torch.split(summed, [value.numel() for value in statistics])
        for value, mean in zip(statistics, means, strict=True):
            value.copy_(mean.view_as(value))

    @torch.no_grad()
    def _average_weights(self) -> None:
        """Move the mean weights, if they are kept. In the first steps they follow faster, as TensorFlow's do."""
        self._steps += 1
        if self._ema is None or self._engine.ema is None:
            return
        decay = min(self._engine.ema, self._steps / (9 + self._steps))
        for name, value in self._tensors().items():
            self._ema[name].lerp_(value, 1 - decay)


def _as_numpy(maps: Tensor) -> NDArray[np.float32]:
    """Values [B, C, h, w] as they lie in no other memory layout."""
    return cast("NDArray[np.float32]", maps.detach().cpu().contiguous().numpy())


def _network(plan: Plan, *, channels_last: bool) -> TrainedNetwork:
    """The planned network, its arrays still of no meaning."""
    if isinstance(plan.architecture, TimmArchitecture):
        return TimmNetwork(plan.architecture, plan.frozen, channels_last=channels_last)
    return TorchNetwork(plan.architecture, plan.frozen, channels_last=channels_last)


def _copy(values: dict[str, Tensor], into: dict[str, Tensor]) -> None:
    """Overwrite tensors by name; each keeps its device and memory layout.

    Raises:
        RuntimeError: they are not of the same network.
    """
    if values.keys() != into.keys():
        different = ", ".join(sorted(values.keys() ^ into.keys())[:3])
        raise RuntimeError(f"the arrays are not those of this network: {different}")
    for name, value in values.items():
        into[name].copy_(value)


def _fabric(chosen: Hardware, place: Place) -> Fabric:
    """lightning-fabric for this replica's device and precision; joins the gradients where there are several."""
    on_cpu = chosen.device == "cpu"
    settings: dict[str, Any] = {
        "accelerator": "cpu" if on_cpu else "cuda",
        "devices": len(chosen.indices) if on_cpu else list(chosen.indices),
        "precision": PRECISIONS[chosen.precision],
    }
    if place.world == 1:
        return Fabric(**settings, plugins=[LightningEnvironment()])
    fabric = Fabric(
        **settings,
        strategy=DDPStrategy(gradient_as_bucket_view=True),
        num_nodes=place.world // len(chosen.indices),
        plugins=[TorchElasticEnvironment()],
    )
    fabric.launch()
    return fabric
