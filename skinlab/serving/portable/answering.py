"""What a request in JSON may look like, and what is answered: the same for every server of a bundle.

Needs the standard library and numpy only, and imports nothing of skinlab: a bundle carries this very file. Decodes no
image and runs no model.

    {"image": BASE64}
    {"images": [BASE64, ...]}
    [{"image_in_base64": BASE64, "parameters": {"softmax": true}}, ...]

The last is the form of Microsoft's computer vision package, whose clients get a list back.
"""

import base64
import binascii
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RESEARCH_NOTE = "research software: not a medical device, not for diagnosis"
FORMS = (
    'send {"image": BASE64}, {"images": [BASE64, ...]} or a list of '
    '{"image_in_base64": BASE64, "parameters": {"softmax": true}}'
)
SOFTMAX_NAMES = frozenset({"softmax", "addsoftmax", "applysoftmax"})
"""A parameter's name without underscores and capitals."""
DEFAULT_THRESHOLD = 0.5


class RequestError(Exception):
    """A request that cannot be answered, with the HTTP status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Asked:
    """The images of a request.

    Attributes:
        images: the content of each image file.
        softmax: of the list form, whether the scores of each image are wanted behind the softmax; None: another form.
    """

    images: list[bytes]
    softmax: list[bool] | None = None


def asked(body: bytes | str, most: int, most_bytes: int = sys.maxsize) -> Asked:
    """The images that a JSON body holds.

    Args:
        body: of the request.
        most: images that a request may have.
        most_bytes: size that the body may have.

    Raises:
        RequestError: 400 is no JSON, 413 too large or too many images, 422 another form.

    Example:
        >>> asked('{"image": "QUI="}', 8).images
        [b'AB']
        >>> asked('[{"image_in_base64": "QUI=", "parameters": {"add_softmax": true}}]', 8).softmax
        [True]
    """
    if len(body) > most_bytes:
        raise RequestError(413, f"the body is larger than {most_bytes / 1e6:g} MB")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
        raise RequestError(400, f"the body is not JSON; {FORMS}") from error
    if isinstance(value, list):
        require_count(len(value), most)
        return Asked(
            [_image(_member(item, "image_in_base64", row), row) for row, item in enumerate(value)],
            [_softmax(item.get("parameters"), row) for row, item in enumerate(value)],
        )
    if isinstance(value, dict) and value.keys() == {"image"}:
        return Asked([_image(value["image"], 0)])
    if isinstance(value, dict) and value.keys() == {"images"} and isinstance(value["images"], list):
        require_count(len(value["images"]), most)
        return Asked([_image(item, row) for row, item in enumerate(value["images"])])
    raise RequestError(422, FORMS)


def require_count(images: int, most: int) -> None:
    """Refuse a request without images, or with too many.

    Raises:
        RequestError: 422 there are none, 413 there are more than `most`.
    """
    if images == 0:
        raise RequestError(422, f"there is no image in the request; {FORMS}")
    if images > most:
        raise RequestError(413, f"{images} images are more than the {most} that a request may have")


def _member(item: Any, name: str, row: int) -> Any:
    if not isinstance(item, dict) or name not in item:
        raise RequestError(422, f"image {row}: is no object with {name}; {FORMS}")
    return item[name]


def _image(text: Any, row: int) -> bytes:
    """The bytes behind base64, also where Python's notation of bytes is around it: the original clients send that."""
    if not isinstance(text, str):
        raise RequestError(422, f"image {row}: base64 text was expected")
    if text[:2] in ("b'", 'b"') and text[-1:] == text[1]:
        text = text[2:-1]
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(422, f"image {row}: is not base64") from error


def _softmax(parameters: Any, row: int) -> bool:
    if parameters is None:
        return False
    if not isinstance(parameters, dict):
        raise RequestError(422, f"image {row}: parameters must be an object")
    for name, value in parameters.items():
        if name.replace("_", "").lower() not in SOFTMAX_NAMES:
            raise RequestError(422, f"image {row}: there is no parameter {name[:40]!r}; there is: softmax")
        if not isinstance(value, bool):
            raise RequestError(422, f"image {row}: softmax must be true or false")
    return any(parameters.values())


def result(probabilities: npt.NDArray[np.float32], signature: dict[str, Any]) -> dict[str, Any]:
    """What is said of one image.

    Args:
        probabilities: float32 [classes].
        signature: of the bundle.

    Returns:
        `probabilities` by class, the shortest numbers that stand for these float32; `label`, the most probable class;
        `decision`, of two classes the one that the bundle's threshold calls, of more the most probable.
    """
    classes = signature["classes"]
    label = classes[int(probabilities.argmax())]
    return {
        "probabilities": named(probabilities, classes),
        "label": label,
        "decision": _decision(probabilities, signature),
    }


def _decision(probabilities: npt.NDArray[np.float32], signature: dict[str, Any]) -> str:
    classes: list[str] = signature["classes"]
    if len(classes) != len(("negative", "positive")):
        return classes[int(probabilities.argmax())]
    positive = classes.index(signature["positive_class"])
    threshold = float(signature["threshold"] or DEFAULT_THRESHOLD)
    return classes[positive if float(probabilities[positive]) >= threshold else 1 - positive]


def named(values: npt.NDArray[np.float32], classes: Sequence[str]) -> dict[str, float]:
    """Numbers by class, each the shortest that stands for its float32."""
    return {name: float(str(value)) for name, value in zip(classes, values, strict=True)}


def with_scores(
    found: dict[str, Any], logits: npt.NDArray[np.float32] | None, softmax: bool, signature: dict[str, Any], row: int
) -> dict[str, Any]:
    """A result in the list form: with the scores that were asked for.

    Raises:
        RequestError: 422 the model averages probabilities over views and has no scores before the softmax.
    """
    if softmax:
        return found | {"scores": found["probabilities"]}
    if logits is None:
        raise RequestError(
            422,
            f"image {row}: this model averages over views and has no scores before the softmax; "
            'ask with "parameters": {"softmax": true}',
        )
    return found | {"scores": named(logits, signature["classes"])}


def reply(results: list[dict[str, Any]], of: Asked, model: str, request: str, note: str) -> Any:
    """The body of the answer: an object, or of the list form a list of objects.

    Args:
        results: one an image.
        of: what was asked.
        model: the beginning of the model's SHA-256.
        request: id of the request.
        note: what a reader must know of the training data; may be empty.
    """
    said = {"model": model, "request_id": request, "note": "; ".join(filter(None, (RESEARCH_NOTE, note)))}
    if of.softmax is not None:
        return [found | said for found in results]
    return {"results": results, **said}
