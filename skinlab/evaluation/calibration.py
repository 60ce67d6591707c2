"""Whether probabilities mean what they say: calibration error by bins, and temperature scaling.

The temperature is fitted to the validation subset alone and becomes part of the network's classifier, so that engines,
stored predictions and the bundle agree; see `scaled_classifier`.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skinlab.evaluation.metrics import Floats, Integers, ratio
from skinlab.networks.classifier import Classifier
from skinlab.networks.weights import Weights, with_classifier

BINS = 15
"""Of equal width, as in Guo et al., ICML 2017."""
HOTTEST = 20.0
"""Temperatures are sought from its inverse to this: what lies beyond is not told by any validation subset."""
BINARY = 2


# --- bins ----------------------------------------------------------------------------------------------------------


class Confidence(NamedTuple):
    """What is checked for calibration, of each image: a stated probability float64 [N] and whether it came true."""

    stated: Floats
    came_true: Floats


class Bins(NamedTuple):
    """Images by stated probability; all arrays are float64 [..., BINS], sums over the images of a bin."""

    images: Floats
    stated: Floats
    came_true: Floats


def confidence(targets: Integers, probabilities: Floats, positive: int | None) -> Confidence:
    """Of two classes the positive one's probability; of more that of the most probable class (Guo et al. 2017).

    Args:
        targets: int64 [N].
        probabilities: float64 [N, C].
        positive: index of the positive class.
    """
    if positive is not None and probabilities.shape[1] == BINARY:
        return Confidence(probabilities[:, positive], (targets == positive).astype(np.float64))
    chosen = probabilities.argmax(axis=1)
    return Confidence(probabilities.max(axis=1), (targets == chosen).astype(np.float64))


def bin_of(stated: Floats) -> Integers:
    """The bin of each probability: [k / BINS, (k + 1) / BINS), the last with its end."""
    return np.minimum((stated * BINS).astype(np.int64), BINS - 1)


def binned(of: Confidence, weights: Floats | None = None) -> Bins:
    """Sums by bin.

    Args:
        of: N images.
        weights: how often each image counts, float64 [..., N]; None: once.
    """
    weights = np.ones(len(of.stated)) if weights is None else weights
    member = np.eye(BINS)[bin_of(of.stated)]
    # einsum, not a matrix product: its sums do not depend on how many threads a library takes.
    return Bins(
        np.einsum("...n,nb->...b", weights, member),
        np.einsum("...n,nb->...b", weights, member * of.stated[:, None]),
        np.einsum("...n,nb->...b", weights, member * of.came_true[:, None]),
    )


def ece_of(bins: Bins) -> Floats:
    """`expected_calibration_error` of bins: float64 [...]."""
    return ratio(np.abs(bins.stated - bins.came_true).sum(axis=-1), bins.images.sum(axis=-1))


def expected_calibration_error(targets: Integers, probabilities: Floats, positive: int | None) -> float:
    """Mean distance of stated probability and observed fraction over 15 bins, weighted by their images.

    Naeini, Cooper, Hauskrecht, AAAI 2015; Guo et al., ICML 2017. It is above 0 even for perfect calibration, the more
    so the fewer images there are.

    Args:
        targets: int64 [N].
        probabilities: float64 [N, C].
        positive: index of the positive class; matters for two classes only, see `confidence`.

    Returns:
        The error, 0..1; nan without images.

    >>> chances = np.array([0.1, 0.1, 0.9, 0.9])
    >>> round(expected_calibration_error(np.array([0, 0, 1, 0]), np.stack([1 - chances, chances], axis=1), 1), 6)
    0.25
    """
    return float(ece_of(binned(confidence(targets, probabilities, positive))))


# --- temperature ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Temperature:
    """What logits are divided by.

    Attributes:
        value: 1 leaves probabilities as they are.
        why: why it could not be fitted and is 1; None where it was, or was not asked for.
    """

    value: float = 1.0
    why: str | None = None


def fit_temperature(targets: Integers, probabilities: Floats) -> Temperature:
    """The temperature that makes the log loss smallest (Guo et al., ICML 2017): where its derivative is zero.

    Args:
        targets: of the validation subset, int64 [N].
        probabilities: uncalibrated, float64 [N, C].

    Returns:
        The temperature; 1 and the reason where the images do not determine one.

    >>> chances = np.array([0.99, 0.99, 0.99, 0.01, 0.01, 0.01])
    >>> found = fit_temperature(np.array([1, 1, 0, 0, 0, 1]), np.stack([1 - chances, chances], axis=1))
    >>> round(found.value, 2), round(1 / (1 + math.exp(-math.log(99) / found.value)), 2)
    (6.63, 0.67)
    """
    from scipy.optimize import brentq

    if not len(targets) or not np.isfinite(probabilities).all():
        return Temperature(why="no validation image" if not len(targets) else "validation predictions are not finite")
    logits = _logits(probabilities)
    right = logits[np.arange(len(targets)), targets]

    def slope(inverse: float) -> float:
        """Derivative of the log loss by 1 / temperature; it rises."""
        return float(((_softmax(inverse * logits) * logits).sum(axis=1) - right).mean())

    coldest, hottest = slope(HOTTEST), slope(1 / HOTTEST)
    if coldest <= 0 and hottest <= 0:
        return Temperature(why="validation images are all ranked rightly or all alike: nothing bounds the confidence")
    if coldest >= 0 and hottest >= 0:
        return Temperature(why="validation predictions are no better than chance")
    inverse = float(brentq(slope, 1 / HOTTEST, HOTTEST, xtol=1e-14, rtol=1e-14))
    return Temperature(1 / inverse)


def apply_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Probabilities as the softmax of logits over the temperature: float64 [N, C]; exactly the same at 1.

    >>> apply_temperature(np.array([[0.2, 0.8]]), 0.5).round(3).tolist()
    [[0.059, 0.941]]
    """
    return probabilities if temperature == 1 else _softmax(_logits(probabilities) / temperature)


def scaled_classifier(architecture: Classifier, arrays: Weights, temperature: float) -> Weights:
    """The network whose logits are those of `arrays` over the temperature; the same arrays at 1."""
    if temperature == 1:
        return arrays
    name = architecture.classifier()
    weight, bias = (arrays[f"{name}.{part}"].astype(np.float64) / temperature for part in ("weight", "bias"))
    return with_classifier(architecture, arrays, weight, bias)


def _logits(probabilities: Floats) -> Floats:
    """Logits up to what softmax ignores; a probability that fell to 0 stays the least there is."""
    return np.log(np.maximum(probabilities, math.ulp(0.0)))


def _softmax(logits: Floats) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities
