"""timm's models: found by name, built without any randomness of their own, examined, and drawn from a seed.

Randomness comes from the training loop alone, so that a resumed run repeats: dropout and stochastic depth inside a
model are switched off, and one that draws numbers in training all the same is refused. timm and torch are imported
where they are used; nothing is fetched.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from skinlab.errors import ConfigError
from skinlab.networks import timm_map
from skinlab.networks.timm_architecture import TimmArchitecture
from skinlab.networks.weights import Weights
from skinlab.randomness import stream

if TYPE_CHECKING:
    from torch import Tensor, nn

FAILURES = (RuntimeError, ValueError, TypeError, AssertionError, AttributeError, LookupError)
"""What models raise where a size does not fit, or where they lack what the others have."""
CHANCES = ("drop_rate", "drop_prob", "drop_path_rate", "attn_drop_rate", "prob")
"""What timm's modules call the probability with which something is dropped."""
EXAMINED_IMAGES = 2
AGREEMENT = 1e-4


def names() -> list[str]:
    """All models that timm can build."""
    import timm

    return timm.list_models()


def describe(name: str, image_size: int, classes: int, mean: list[float], std: list[float]) -> TimmArchitecture:
    """Sizes and names of one of timm's models.

    Raises:
        ConfigError: it cannot be built at this size, or is not what the training loop needs.
    """
    return _described(name, image_size, classes, tuple(mean), tuple(std))


def create(name: str, image_size: int, classes: int, *, exportable: bool = False) -> "nn.Module":
    """A model with weights of no meaning.

    Args:
        name: timm's.
        image_size: height and width of its input.
        classes: number of its outputs.
        exportable: of operations that ONNX has.
    """
    import timm

    with _own_randomness():
        configured = timm.models.get_pretrained_cfg(name)
        fixed = configured is not None and configured.fixed_input_size
        sized: dict[str, Any] = {"img_size": image_size} if fixed else {}
        model = timm.create_model(name, pretrained=False, num_classes=classes, exportable=exportable, **sized)
    for module in model.modules():
        _make_certain(module)
    return model


def load(architecture: TimmArchitecture, weights: Weights, *, exportable: bool = False) -> "nn.Module":
    """A model with these weights, in evaluation."""
    import torch

    model = create(architecture.name, architecture.image_size, architecture.classes, exportable=exportable)
    for name, value in model.state_dict().items():  # torch's load_state_dict would miss the counters
        value.copy_(torch.from_numpy(weights[name]))
    return model.eval()


def features(model: Any, pixels: "Tensor") -> "Tensor":
    """Features [N, features] before the classifier, of normalised float [N, 3, H, W]."""
    return cast("Tensor", model.forward_head(model.forward_features(pixels), pre_logits=True))


def draw(architecture: TimmArchitecture, seed: int) -> Weights:
    """Random weights as timm draws them, the same on every machine with this torch and timm."""
    import torch

    with _own_randomness():
        torch.manual_seed(int(stream(seed, "weights", architecture.name).integers(2**63)))
        model = create(architecture.name, architecture.image_size, architecture.classes)
    return {name: value.numpy().copy() for name, value in model.state_dict().items()}


@contextmanager
def _own_randomness() -> Iterator[None]:
    """Whatever is drawn inside, torch's generator goes on as if nothing had been."""
    import torch

    with torch.random.fork_rng(devices=[]):
        yield


def _make_certain(module: Any) -> None:
    """Switch off what a module draws in training, and the counter that only torch's cumulative average needs."""
    from torch import nn

    if isinstance(module, nn.modules.dropout._DropoutNd):  # noqa: SLF001 - the base of all
        module.p = 0.0
    for name in CHANCES:
        if isinstance(getattr(module, name, None), float):
            setattr(module, name, 0.0)
    if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - the base of all
        module.num_batches_tracked = None


@lru_cache(maxsize=8)
def _described(
    name: str, image_size: int, classes: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> TimmArchitecture:
    try:
        model = create(name, image_size, classes)
        head = _classifier(model, name)
        smallest = _smallest_map(model, image_size)
        found = timm_map.find(model.eval(), head, _pixels(image_size))
        separable, certain = _is_separable(model, head, image_size), _is_certain(model, image_size)
    except FAILURES as error:
        raise _refused(name, f"at network.image_size={image_size}: {_first_line(error)}") from error
    if not separable:
        raise _refused(name, "its last layer is not all that follows its features")
    if not certain:
        raise _refused(name, "it draws random numbers of its own in training, and a resumed run would not repeat")
    trained = {key: tuple(value.shape) for key, value in model.named_parameters()}
    kept = {key: value for key, value in model.state_dict().items() if key not in trained}
    if whole := [key for key, value in kept.items() if not value.is_floating_point()]:
        raise _refused(name, f"its state holds {whole[0]}, which are no floating-point numbers")
    layer: Any = model.get_submodule(head)
    shapes = tuple((key, tuple(value.shape)) for key, value in kept.items())
    sizes = (name, image_size, classes, layer.in_features, mean, std, head)
    return TimmArchitecture(*sizes, tuple(trained.items()), shapes, smallest, found)


def _classifier(model: Any, name: str) -> str:
    """Name of the layer that gives the logits."""
    from torch import nn

    layer = model.get_classifier()
    if not isinstance(layer, nn.Linear):
        raise _refused(name, "it does not end in one linear layer")
    return next(str(key) for key, module in model.named_modules() if module is layer)


def _pixels(image_size: int) -> "Tensor":
    import torch

    shape = (EXAMINED_IMAGES, 3, image_size, image_size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def _smallest_map(model: "nn.Module", image_size: int) -> int:
    """Height and width of the smallest map that is normalised over the batch; `image_size` where none is."""
    import torch
    from torch import nn

    sizes = [image_size]
    kind = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - the base of all

    def note(_module: "nn.Module", _given: Any, result: "Tensor") -> None:
        sizes.append(min(result.shape[2:], default=1))

    hooks = [module.register_forward_hook(note) for module in model.modules() if isinstance(module, kind)]
    with torch.inference_mode():
        model.eval()(_pixels(image_size))
    for hook in hooks:
        hook.remove()
    return min(sizes)


def _is_separable(model: "nn.Module", head: str, image_size: int) -> bool:
    """Whether the classifier of the features gives the model's own logits."""
    import torch

    with torch.inference_mode():
        own = model.eval()(_pixels(image_size))
        joined = model.get_submodule(head)(features(model, _pixels(image_size)))
    return own.shape == joined.shape and torch.allclose(own, joined, atol=AGREEMENT)


def _is_certain(model: "nn.Module", image_size: int) -> bool:
    """Whether a forward pass in training leaves torch's random state as it was."""
    import torch

    with _own_randomness(), torch.no_grad():
        before: torch.Tensor = torch.get_rng_state()
        features(model.train(), _pixels(image_size))
        return torch.equal(before, torch.get_rng_state())


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def _refused(name: str, why: str) -> ConfigError:
    return ConfigError(f"network.name={name}: timm's model of this name cannot be used: {why}; choose another")
