"""The replay set of a bundle: a few test images as they were, with the probabilities that the run stored for them.

Whatever serves the bundle is asked for these images before it is trusted. They are images of the data set: they travel
with the bundle, and `bundle.replay_images=0` leaves them out.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab import files
from skinlab.errors import BundleError
from skinlab.files import json_text
from skinlab.serving.loading import Bundle

REPLAY_BYTES = 8_000_000
"""A larger file is not taken: a bundle should stay small, and a request as well."""


@dataclass(frozen=True)
class Replayed:
    """One image of the set.

    Attributes:
        name: its id in the data set.
        content: of the image file.
        probabilities: that the run stored, in the order of the classes.
    """

    name: str
    content: bytes
    probabilities: tuple[float, ...]


def rows(probabilities: NDArray[np.float64], positive: int | None, count: int) -> list[int]:
    """Which images: evenly from the least to the most suspicious, so that a shifted or swapped answer shows.

    Args:
        probabilities: float64 [N, classes].
        positive: index of the positive class; None: the images are taken evenly from class to class that they are
            called, from the least to the most sure.
        count: how many; fewer where there are fewer images.

    >>> rows(np.array([[0.1, 0.9], [0.9, 0.1], [0.5, 0.5]]), 1, 2)
    [1, 0]
    """
    by_class = [probabilities.max(axis=1), probabilities.argmax(axis=1)]
    order = np.lexsort(by_class if positive is None else [probabilities[:, positive]])
    places = np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)
    return [int(order[place]) for place in places]


def text(
    names: Sequence[str],
    probabilities: NDArray[np.float64],
    positive: int | None,
    count: int,
    read: Callable[[int], bytes],
) -> bytes:
    """The content of replay.json.

    Args:
        names: ids of the test images.
        probabilities: float64 [N, classes], as in predictions.csv.
        positive: index of the positive class; None: there is none.
        count: how many images are wanted.
        read: from a row, the content of its file.
    """
    images = []
    for row in rows(probabilities, positive, count):
        content = read(row)
        if len(content) <= REPLAY_BYTES:
            stored = [float(value) for value in probabilities[row]]
            images.append(
                {"name": names[row], "probabilities": stored, "image": base64.b64encode(content).decode("ascii")}
            )
    return json_text({"subset": "test", "images": images}).encode()


def of(bundle: Bundle) -> list[Replayed]:
    """The replay set of a bundle; empty where it was left out, or where an older skinlab wrote the bundle.

    Raises:
        BundleError: it is not one that skinlab writes.
    """
    if bundle.replay is None:
        return []
    try:
        return [_replayed(image, len(bundle.classes)) for image in files.json_object(bundle.replay)["images"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"the replay set of {bundle.path} is not one that skinlab writes: {error!r}") from error


def _replayed(image: dict[str, Any], classes: int) -> Replayed:
    stored = tuple(float(value) for value in image["probabilities"])
    if len(stored) != classes:
        raise ValueError(f"{len(stored)} probabilities for {classes} classes")
    return Replayed(str(image["name"]), base64.b64decode(image["image"]), stored)


def difference(stored: Sequence[float], served: Sequence[float]) -> float:
    """The largest difference of a probability; infinite where they are not of the same classes, or no numbers.

    >>> difference([0.25, 0.75], [0.25, 0.5]), difference([1.0], [])
    (0.25, inf)
    """
    if len(stored) != len(served):
        return float("inf")
    worst = float(np.abs(np.asarray(stored, dtype=np.float64) - np.asarray(served, dtype=np.float64)).max())
    return worst if np.isfinite(worst) else float("inf")
