"""The last values of a model of timm that still have a place in the image, and the way from there to the logits.

Most models end in a map that is pooled and classified. Where a class token is classified instead, no place of that map
matters any more: there it is what the last block reads, of which the token takes what it needs.
"""

from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from torch import Tensor, nn

At = Literal["features", "last block"]
PLACES: tuple[At, ...] = ("features", "last block")
AGREEMENT = 1e-4
TOKENS, PLANES = 3, 4
"""Dimensions of values: images, tokens, channels; or images, channels, height, width in either order."""
PREFIXES = (0, 1, 2)
"""How many tokens stand before those with a place, where the model does not tell."""


@dataclass(frozen=True)
class FeatureMap:
    """Where the map is and how it lies in memory.

    Attributes:
        at: what the head reads ("features"), or what the last block reads.
        channels_last: [N, h, w, C] or [N, tokens, C] rather than [N, C, h, w].
        prefix: of tokens, how many have no place.
    """

    at: At
    channels_last: bool
    prefix: int

    def places(self, values: Any) -> Any:
        """Values [N, C, h, w], of torch or numpy, of those of the model."""
        if values.ndim == TOKENS:
            values = values[:, self.prefix :]
            side = isqrt(values.shape[1])
            values = values.reshape(len(values), side, side, values.shape[2])
        return values.swapaxes(1, 3).swapaxes(2, 3) if self.channels_last else values


def find(model: "nn.Module", head: str, pixels: "Tensor") -> FeatureMap | None:
    """Look for the map of a model in evaluation; None where none is known.

    Args:
        model: of timm.
        head: name of its last layer.
        pixels: float [N, 3, H, W] to try it with.
    """
    for at in PLACES:
        if (found := _laid_out(model, at, head, pixels)) is not None:
            return found
    return None


def values(model: Any, at: At, pixels: "Tensor") -> "Tensor":
    """The values of the map, as the model has them."""
    if at == "features":
        return cast("Tensor", model.forward_features(pixels))
    seen: list[Tensor] = []
    hook = model.blocks[-1].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        model.forward_features(pixels)
    finally:
        hook.remove()
    return seen[0]


def features(model: Any, at: At, reached: "Tensor") -> "Tensor":
    """From these values to the features before the classifier: [N, features]."""
    if at == "last block":
        reached = model.norm(model.blocks[-1](reached))
    return cast("Tensor", model.forward_head(reached, pre_logits=True))


def _laid_out(model: Any, at: At, head: str, pixels: "Tensor") -> FeatureMap | None:
    """The map there, if the logits follow from it and its places matter to them."""
    import torch

    try:
        with torch.no_grad():
            logits, reached = model(pixels), values(model, at, pixels)
        lies = _layout(reached, at, model)
        if lies is None:
            return None
        reached = reached.detach().clone().requires_grad_()
        found = features(model, at, reached)
        same = torch.allclose(model.get_submodule(head)(found), logits, atol=AGREEMENT)
        # The classifier of an untrained model may be all zeros: any other weights tell as much.
        chance = torch.rand(found.shape, generator=torch.Generator().manual_seed(0))
        (slopes,) = torch.autograd.grad((found * chance).sum(), reached)
    except (RuntimeError, ValueError, TypeError, AttributeError, LookupError):  # what it lacks, others have
        return None
    return lies if same and lies.places(slopes).abs().max() > 0 else None


def _layout(reached: "Tensor", at: At, model: Any) -> FeatureMap | None:
    """How the values lie; None where they have no places."""
    if reached.ndim == PLANES:
        channels_last = reached.shape[1] != model.num_features
        known = reached.shape[-1 if channels_last else 1] == model.num_features
        return FeatureMap(at, channels_last, 0) if known else None
    if reached.ndim != TOKENS:
        return None
    told = getattr(model, "num_prefix_tokens", None)
    for prefix in PREFIXES if told is None else (told,):
        if isqrt(reached.shape[1] - prefix) ** 2 == reached.shape[1] - prefix > 0:
            return FeatureMap(at, channels_last=True, prefix=prefix)
    return None
