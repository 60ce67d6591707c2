"""Soft targets: label smoothing and mixup. Pure functions; knows neither the order of images nor an engine.

Mixup is that of Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, but that partners come from the
whole training subset and not from the minibatch: what an image becomes does not depend on its neighbours.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from skinlab.engines.base import Batch


def soft_targets(labels: NDArray[np.int64], classes: int, smoothing: float) -> NDArray[np.float32]:
    """Target distributions float32 [B, classes]: one-hot, of which `smoothing` is spread evenly over all classes.

    Label smoothing (Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016).

    >>> soft_targets(np.array([1, 0]), 2, 0.2)
    array([[0.1, 0.9],
           [0.9, 0.1]], dtype=float32)
    """
    targets = np.full((len(labels), classes), smoothing / classes)
    targets[np.arange(len(labels)), labels] += 1 - smoothing
    return targets.astype(np.float32)


def mix(own: Batch, partners: Batch, shares: NDArray[np.float64]) -> Batch:
    """Each image with its partner: images, targets and weights in the same proportion.

    Args:
        own: the minibatch.
        partners: as long; its dropout masks are not used.
        shares: float64 [B], of `own`, 0 to 1.

    Returns:
        `own` with mixed images (rounded to uint8), targets and weights. The label is that of the larger share, the
        image's own where both are equal.
    """
    import cv2

    images = [
        cv2.addWeighted(image, share, other, 1 - share, 0)
        for image, other, share in zip(own.images, partners.images, shares.tolist(), strict=True)
    ]
    share = shares.astype(np.float32)
    return replace(
        own,
        images=np.stack(images).astype(np.uint8, copy=False),
        labels=np.where(shares >= 1 / 2, own.labels, partners.labels),
        targets=share[:, None] * own.targets + (1 - share[:, None]) * partners.targets,
        weights=share * own.weights + (1 - share) * partners.weights,
    )
