"""Whether what an engine is given is for the network that it was built for: one check for every engine.

A difference is a mistake of the calling code; frameworks would tell it late and unclearly, or broadcast, or go on.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.engines.base import Batch, Inputs, Plan
from skinlab.errors import EngineError
from skinlab.networks.architecture import Architecture, Shape
from skinlab.networks.classifier import input_of
from skinlab.networks.weights import Weights

NAMED = 3
"""Arrays that an error names at most."""


def require_feature_map(plan: Plan) -> str:
    """Name of the node whose values heat maps are of; of a network of timm, what its map is called there.

    Raises:
        EngineError: it is one of timm's that has no map.
    """
    network = plan.architecture
    if isinstance(network, Architecture):
        return network.feature_map()
    if network.feature_map is None:
        raise EngineError(f"there are no heat maps of timm's {network.name}: no values with a place are known in it")
    return network.feature_map.at


def require_weights(plan: Plan, weights: Weights) -> None:
    """Refuse arrays that are not all of the plan's network, and no others, in its shapes.

    Raises:
        EngineError: they are not.
    """
    network = plan.architecture
    expected, given = network.parameters() | network.buffers(), {name: array.shape for name, array in weights.items()}
    different = [name for name in sorted(expected | given) if expected.get(name) != given.get(name)]
    if different:
        told = [f"{name} is {_told(given.get(name))}, not {_told(expected.get(name))}" for name in different[:NAMED]]
        more = f" and {len(different) - NAMED} more" if len(different) > NAMED else ""
        raise EngineError(
            f"the arrays are not those of {network.name} with {network.classes} classes: {', '.join(told)}{more}"
        )


def require_batch(plan: Plan, batch: Batch, step: int) -> None:
    """Refuse a minibatch of another size, image size or number of classes, and a step that the plan has no rate for.

    Raises:
        EngineError: it does not fit.
    """
    network, count, most = plan.architecture, len(batch), plan.optimizer.minibatch_size
    if not 1 <= count <= most:
        raise EngineError(f"a minibatch of {count} images was given to an engine built for 1 to {most} of them")
    if not 0 <= step < len(plan.rates):
        raise EngineError(f"step {step} was asked of an engine built for {len(plan.rates)} steps, counted from 0")
    require_images(plan, batch.images)
    _require(plan, "labels", batch.labels, (count,), np.int64)
    _require(plan, "targets", batch.targets, (count, network.classes), np.float32)
    _require(plan, "weights", batch.weights, (count,), np.float32)
    _require(plan, "dropout_mask", batch.dropout_mask, (count, network.features), np.float32)


def require_images(plan: Plan, images: Inputs) -> None:
    """Refuse images that are not of the network's size; of a head, features that are not of its length.

    Raises:
        EngineError: they are not.
    """
    shape, kind = input_of(plan.architecture)
    _require(plan, "images", images, (len(images), *shape), kind)


def require_chosen(plan: Plan, images: NDArray[np.uint8], classes: NDArray[np.int64]) -> None:
    """Refuse images to explain that are none or not of the network's size, and classes that it does not have.

    Raises:
        EngineError: they do not fit.
    """
    network = plan.architecture
    if len(images) == 0:
        raise EngineError("gradients were asked of no image: give one at least")
    require_images(plan, images)
    _require(plan, "classes", classes, (len(images),), np.int64)
    unknown = classes[(classes < 0) | (classes >= network.classes)]
    if len(unknown):
        raise EngineError(
            f"gradients of class {unknown[0]} were asked of an engine for {network.classes} classes, counted from 0"
        )


def _require(plan: Plan, name: str, array: NDArray[Any], shape: Shape, kind: type[np.generic]) -> None:
    if array.shape == shape and array.dtype == kind:
        return
    network = plan.architecture
    raise EngineError(
        f"{name} are {array.dtype} {_told(array.shape)}, but an engine built for {network.name} at "
        f"{network.image_size} pixels with {network.classes} classes takes {np.dtype(kind)} {_told(shape)}"
    )


def _told(shape: Shape | None) -> str:
    """A shape in words.

    >>> _told((64, 3)), _told(()), _told(None)
    ('[64, 3]', '[]', 'missing')
    """
    return "missing" if shape is None else str(list(shape))
