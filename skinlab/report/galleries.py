"""The images of the page: which are worth a look, as small JPEG files, with what the network looked at.

Their number is bounded, and so is the time: heat maps cost as much as predicting these images once more. A limit in
seconds would make the page depend on how busy the machine is.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from skinlab.data.parallel import usable_cpus
from skinlab.evaluation.explain import Maps, overlay
from skinlab.evaluation.metrics import decide
from skinlab.evaluation.summary import BINARY, UNSEEN
from skinlab.kept import Kept
from skinlab.report.facts import Galleries, Picture, Scored
from skinlab.serving.explaining import Explainer, NoExplanationError
from skinlab.serving.loading import Bundle

SHOWN = 12
"""Images of each kind."""
SIDE, QUALITY = 176, 80
HeatMap = Callable[[NDArray[np.uint8], int], Maps]

_shown: Kept[bytes] = Kept(2**22, len)
"""JPEG files of the images: many are shown by several trials of a sweep."""


def galleries(scored: Scored, images: NDArray[np.uint8], rows: NDArray[np.int64], bundle: Bundle) -> Galleries:
    """The images that were called wrongly with most confidence, and those nearest to another decision.

    Args:
        scored: what was predicted.
        images: uint8 [M, S, S, 3], maybe memory-mapped.
        rows: int64 [N], where the scored images are in it.
        bundle: of the model; tells classes, threshold and heat maps.
    """
    decisions = decide(scored.probabilities, bundle.positive, bundle.threshold)
    heat_map, why = _heat_maps(bundle)
    shapes: set[tuple[int, ...]] = set()

    def picture(place: int) -> Picture:
        decision, image = int(decisions[place]), np.ascontiguousarray(images[rows[place]])
        heat = None
        if heat_map is not None:
            found = heat_map(image, decision)
            shapes.add(found.shape)
            heat = jpeg(overlay(image, found))
        truth, probability = bundle.classes[scored.targets[place]], float(scored.probabilities[place, decision])
        return Picture(scored.image_ids[place], truth, bundle.classes[decision], probability, _small(image), heat)

    wrong, uncertain = most_wrong(scored, decisions), most_uncertain(scored, bundle.positive, bundle.threshold)
    places = list(dict.fromkeys([*wrong, *uncertain]))
    with ThreadPoolExecutor(usable_cpus()) as pool:
        made = dict(zip(places, pool.map(picture, places), strict=True))
    shown, unsure = ([made[place] for place in chosen] for chosen in (wrong, uncertain))
    return Galleries(shown, unsure, why, min(shapes, default=None))


def _heat_maps(bundle: Bundle) -> tuple[HeatMap | None, str | None]:
    """What gives heat maps, or why there are none."""
    try:
        return Explainer(bundle).heat_map, None
    except NoExplanationError as error:
        return None, f"the bundle cannot explain itself: {error.why}"


def most_wrong(scored: Scored, decisions: NDArray[np.int64]) -> list[int]:
    """Places of the images that are called what they are not, those with the least probable truth first."""
    truth = np.take_along_axis(scored.probabilities, scored.targets[:, np.newaxis], axis=1)[:, 0]
    return _first(scored, truth, (decisions != scored.targets).tolist())


def most_uncertain(scored: Scored, positive: int | None, threshold: float) -> list[int]:
    """Places of the images that are nearest to the threshold or, of more than two classes, to a tie."""
    probabilities = scored.probabilities
    if positive is not None and probabilities.shape[1] == BINARY:
        distance = np.abs(probabilities[:, positive] - threshold)
    else:
        ordered = np.sort(probabilities, axis=1)
        distance = ordered[:, -1] - ordered[:, -2]
    return _first(scored, distance, [True] * len(distance))


def _first(scored: Scored, measure: NDArray[np.float64], of: Sequence[bool]) -> list[int]:
    """Places of the smallest, at most `SHOWN`; of equal ones the first by name; none without truth or answer."""
    known = np.isfinite(scored.probabilities.sum(axis=1)) & (scored.targets != UNSEEN)
    places = [at for at, taken in enumerate(of) if taken and known[at]]
    return sorted(places, key=lambda at: (measure[at], scored.image_ids[at]))[:SHOWN]


def _small(image: NDArray[np.uint8]) -> bytes:
    return _shown.get((image.shape, hashlib.sha256(image.tobytes()).digest()), lambda: jpeg(image))


def jpeg(image: NDArray[np.uint8]) -> bytes:
    """A small JPEG file of uint8 [H, W, 3]; the same image gives the same bytes."""
    from PIL import Image

    stream = BytesIO()
    small = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    small.save(stream, "JPEG", quality=QUALITY)
    return stream.getvalue()
