"""What a replica asks of a network, whatever it is made of; and batch normalisation, which all treat alike."""

from abc import ABC, abstractmethod
from typing import Self

import torch
from torch import Tensor, nn

from skinlab.networks.architecture import BATCHNORM_MOMENTUM, IMAGE

NORMALISATION = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - the base of all that normalise over the batch


class TrainedNetwork(nn.Module, ABC):
    """From uint8 images to logits, with frozen parts.

    Args:
        frozen: names of the nodes that keep their arrays; their batch normalisations use running statistics always.
    """

    prefix = ""
    """What stands before the name of each array in the state dict."""

    def __init__(self, frozen: frozenset[str]) -> None:
        super().__init__()
        self._frozen = frozen

    @abstractmethod
    def forward(
        self, given: Tensor, mask: Tensor | None = None, *, start: str = IMAGE, end: str | None = None
    ) -> Tensor:
        """Logits float [B, classes] of images, or a part of the way, from or to the feature map.

        Args:
            given: uint8 [B, H, W, 3], RGB; or the values of `start`.
            mask: float32 [B, features] that dropout multiplies with; None: no dropout.
            start: where the way begins.
            end: where it ends; None: with the logits.
        """

    def places(self, values: Tensor) -> Tensor:
        """Values [B, C, h, w] of those of the feature map."""
        return values

    def synchronised(self) -> "TrainedNetwork":
        """The same network, whose batch normalisations share their statistics among processes."""
        network: TrainedNetwork = nn.SyncBatchNorm.convert_sync_batchnorm(self)  # type: ignore[no-untyped-call]
        return network

    def train(self, mode: bool = True) -> Self:
        """As torch's, but frozen nodes stay as they are in evaluation."""
        super().train(mode)
        for name, module in self.named_modules():
            if isinstance(module, NORMALISATION) and name.removeprefix(self.prefix) in self._frozen:
                module.eval()
        return self

    def set_statistics_share(self, share: float) -> None:
        """Let running statistics move by the next minibatch's share of a full one, in 0..1.

        This is what CNTK's time constant means: a full minibatch has the weight `BATCHNORM_MOMENTUM`.
        """
        for module in self._normalisations():
            module.momentum = 1 - (1 - BATCHNORM_MOMENTUM) ** share

    def moving_statistics(self) -> list[Tensor]:
        """The running means and variances that training moves: those of frozen nodes stay."""
        return [getattr(module, name) for module in self._normalisations() for name in ("running_mean", "running_var")]

    def _normalisations(self) -> list[nn.modules.batchnorm._BatchNorm]:
        """The batch normalisations in training, alone or synchronised."""
        return [module for module in self.modules() if isinstance(module, NORMALISATION) and module.training]


class Normalize(nn.Module):
    """Subtracts mean and divides by standard deviation; uint8 [B, 3, H, W] in 0..255 to float32."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean: Tensor
        self.std: Tensor
        for name, values in (("mean", mean), ("std", std)):
            self.register_buffer(name, torch.tensor(values).reshape(3, 1, 1) * 255, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """See the class."""
        return (images.float() - self.mean) / self.std
