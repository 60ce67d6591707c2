"""A model of timm among our own: uint8 images in, our dropout before its classifier. Does not train."""

from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from skinlab.engines.torch.trained import Normalize, TrainedNetwork
from skinlab.networks import timm_map, timm_network
from skinlab.networks.architecture import IMAGE
from skinlab.networks.timm_architecture import TimmArchitecture

if TYPE_CHECKING:
    from skinlab.networks.timm_map import At


class TimmNetwork(TrainedNetwork):
    """Runs one of timm's models, in which nothing is random.

    Args:
        architecture: the model.
        frozen: names of its modules whose arrays stay; their batch normalisations use running statistics always.
        channels_last: compute on feature maps whose channels lie side by side in memory.
    """

    prefix = "model."

    def __init__(self, architecture: TimmArchitecture, frozen: frozenset[str], *, channels_last: bool = False) -> None:
        super().__init__(frozen)
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self._head, self._map = architecture.head, architecture.feature_map
        self.normalize = Normalize(list(architecture.mean), list(architecture.std))
        self.model: Any = timm_network.create(architecture.name, architecture.image_size, architecture.classes)
        for name, parameter in self.model.named_parameters():
            if name.rpartition(".")[0] in frozen:
                parameter.requires_grad_(False)  # noqa: FBT003 - torch's name for it
        self.to(memory_format=self._layout)

    def forward(
        self, given: Tensor, mask: Tensor | None = None, *, start: str = IMAGE, end: str | None = None
    ) -> Tensor:
        """See `TrainedNetwork.forward`; `start` and `end` may be where its feature map is (`FeatureMap.at`)."""
        if start == IMAGE:
            pixels = self.normalize(given.permute(0, 3, 1, 2)).contiguous(memory_format=self._layout)
            if end is not None:
                return timm_map.values(self.model, cast("At", end), pixels)
            features = timm_network.features(self.model, pixels)
        else:
            features = timm_map.features(self.model, cast("At", start), given)
        logits: Tensor = self.model.get_submodule(self._head)(features if mask is None else features * mask)
        return logits

    def places(self, values: Tensor) -> Tensor:
        """See `TrainedNetwork.places`."""
        return cast("Tensor", self._map.places(values)) if self._map else values

    def synchronised(self) -> TrainedNetwork:
        """See `TrainedNetwork.synchronised`; timm's joins normalisation and activation in one module."""
        from timm.layers.norm_act import convert_sync_batchnorm

        network: TrainedNetwork = convert_sync_batchnorm(self)  # type: ignore[no-untyped-call]
        return network
