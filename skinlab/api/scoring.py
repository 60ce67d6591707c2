"""New images scored and explained with the bundle of a run: what `skinlab predict` does, from paths or arrays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skinlab.api import frames
from skinlab.data.images import ImageError, read_bytes
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.evaluation.explain import overlay, png
from skinlab.serving.explaining import Explainer
from skinlab.serving.inputs import given
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import Answer, Scorer

if TYPE_CHECKING:
    import pandas as pd

Paths = str | PathLike[str] | Sequence[str | PathLike[str]]
Images = Paths | NDArray[np.uint8] | Sequence[NDArray[np.uint8]]
"""A path, several, folders too; or uint8 [H, W, 3] or [N, H, W, 3] or a list of these, RGB, of any size."""
GREY_OR_RGB, CHANNELS = 3, 3


@dataclass(frozen=True)
class Source:
    """An image to score.

    Attributes:
        name: its path, or its place among the arrays.
        content: of its file; empty where that is still to be read from `name`.
        problem: why there is nothing to read.
    """

    name: str
    content: bytes = field(default=b"", repr=False)
    problem: str = ""

    def read(self) -> bytes:
        """The content of its file.

        Raises:
            ImageError: it cannot be read.
        """
        if self.problem:
            raise ImageError(self.problem)
        return self.content or read_bytes(self.name)


@dataclass(frozen=True)
class Explanation:
    """Where a network saw a class in an image (Grad-CAM); shows where, not whether it is right to.

    Attributes:
        name: of the image.
        class_name: the class that is explained.
        answer: what the bundle says of the image.
        heat: float32 [h, w], the size of the last feature map.
        overlay: uint8 [side, side, 3], the image as the network saw it under the heat map.
    """

    name: str
    class_name: str
    answer: Answer
    heat: NDArray[np.float32] = field(repr=False)
    overlay: NDArray[np.uint8] = field(repr=False)

    def _repr_png_(self) -> bytes:
        return png(self.overlay)


def predict(bundle: Bundle, images: Images, threads: int | None, tta: str | None) -> "pd.DataFrame":
    """A row an image, as `skinlab predict` writes them."""
    scorer = Scorer(bundle, threads, tta)
    answers = scorer.answers(sources(images), Source.read)
    return frames.frame([_row(bundle.classes, source.name, answer) for source, answer in answers])


def _row(classes: Sequence[str], name: str, answer: Answer | ImageError) -> dict[str, Any]:
    broken = isinstance(answer, ImageError)
    probabilities = [None] * len(classes) if isinstance(answer, ImageError) else answer.probabilities
    return {
        "path": name,
        **{f"probability_{known}": value for known, value in zip(classes, probabilities, strict=True)},
        "label": None if isinstance(answer, ImageError) else answer.label,
        "decision": None if isinstance(answer, ImageError) else answer.decision,
        "error": str(answer) if broken else None,
    }


def explain(bundle: Bundle, images: Images, class_name: str | None) -> list[Explanation]:
    """Where the bundle sees a class in each image.

    Raises:
        DataError: there is no such class, or an image cannot be read.
        BundleError: the bundle cannot explain its answers.
    """
    if class_name is not None and class_name not in bundle.classes:
        raise DataError(f"there is no class {class_name}; there are: {', '.join(bundle.classes)}")
    scorer, explainer = Scorer(bundle), Explainer(bundle)
    found: dict[str, Explanation] = {}

    def one(source: Source, image: NDArray[np.uint8], answer: Answer) -> None:
        wanted = class_name or answer.decision
        heat = explainer.heat_map(image, bundle.classes.index(wanted))
        found[source.name] = Explanation(source.name, wanted, answer, heat, overlay(image, heat))

    answers = list(scorer.answers(sources(images), Source.read, one))
    if broken := [f"{source.name} ({answer})" for source, answer in answers if isinstance(answer, ImageError)]:
        raise DataError(f"{len(broken)} of {len(answers)} images cannot be read: {listed(broken)}")
    return [found[source.name] for source, _ in answers]


def sources(images: Images) -> Iterator[Source]:
    """What a user means by images.

    Raises:
        DataError: an array is of another shape or type.
    """
    if isinstance(images, str | PathLike):
        images = [images]
    if isinstance(images, np.ndarray) and images.ndim == GREY_OR_RGB:
        images = images[np.newaxis]
    for place, image in enumerate(images):
        if isinstance(image, str | PathLike):
            yield from _files(fspath(image))
        else:
            yield Source(str(place), _encoded(image, place))


def _files(path: str) -> Iterator[Source]:
    return (Source(found.path, problem=found.problem) for found in given([path], BytesIO()))


def _encoded(image: Any, place: int) -> bytes:
    """An array as a lossless file, so that one function makes pixels of everything."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.shape[2:] != (CHANNELS,):
        shape = f"{image.dtype} {list(image.shape)}" if isinstance(image, np.ndarray) else type(image).__name__
        raise DataError(f"image {place} is {shape}: give uint8 [height, width, 3] in RGB, or a path")
    return png(image)
