"""The declared update rules as PyTorch's, and their state as named arrays."""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from skinlab import schema


def build(declared: schema.Optimizer, parameters: Iterable[Parameter]) -> Optimizer:
    """The optimizer, as `skinlab.schema` defines each; its learning rate is set at every step.

    Args:
        declared: which, with its settings.
        parameters: what is trained.
    """
    trained, rate, decay = list(parameters), declared.learning_rate, declared.weight_decay
    match declared:
        case schema.SGD():
            return torch.optim.SGD(trained, rate, weight_decay=decay)
        case schema.MomentumSGD():
            return torch.optim.SGD(trained, rate, momentum=declared.momentum, weight_decay=decay)
        case schema.Nesterov():
            # torch refuses Nesterov's form without momentum, where it is plain descent.
            forward = declared.momentum > 0
            return torch.optim.SGD(trained, rate, momentum=declared.momentum, weight_decay=decay, nesterov=forward)
        case schema.Adam() | schema.AdamW():
            kind = torch.optim.AdamW if isinstance(declared, schema.AdamW) else torch.optim.Adam
            return kind(trained, rate, betas=(declared.beta1, declared.beta2), eps=declared.epsilon, weight_decay=decay)
        case schema.RMSprop():
            return torch.optim.RMSprop(trained, rate, alpha=declared.alpha, eps=declared.epsilon, weight_decay=decay)
        case schema.Adagrad():
            return torch.optim.Adagrad(trained, rate, eps=declared.epsilon, weight_decay=decay)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def state(optimizer: Optimizer, names: dict[Tensor, str]) -> dict[str, Tensor]:
    """What the optimizer remembers, as tensors by `parameter/quantity`."""
    return {
        f"{names[parameter]}/{quantity}": value
        for parameter, quantities in optimizer.state.items()
        for quantity, value in quantities.items()
        if isinstance(value, Tensor)
    }


def restore(optimizer: Optimizer, names: dict[Tensor, str], saved: dict[str, Tensor]) -> None:
    """Give back what `state` has told.

    Tensors of a weight's shape are laid out as the weight is: on another layout the same arithmetic may round
    differently.
    """
    by_name = {name: parameter for parameter, name in names.items()}
    optimizer.state.clear()
    for key, value in saved.items():
        name, _, quantity = key.rpartition("/")
        parameter = by_name[name]
        alike = value.shape == parameter.shape
        optimizer.state[parameter][quantity] = torch.empty_like(parameter).copy_(value) if alike else value.clone()
