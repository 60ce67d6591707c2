"""What is deployed: the model as ONNX with all that serving must know, checked against the engine it came from."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.data.parallel import usable_cpus
from skinlab.errors import EngineError
from skinlab.files import json_text
from skinlab.networks import timm_export
from skinlab.networks.architecture import IMAGE, LOGITS
from skinlab.networks.classifier import Classifier
from skinlab.networks.onnx_graph import PROBABILITIES, to_onnx
from skinlab.networks.timm_architecture import TimmArchitecture
from skinlab.networks.weights import Weights
from skinlab.serving import portable

MODEL, SIGNATURE, CHECKSUMS, REPLAY = "model.onnx", "signature.json", "SHA256SUMS", "replay.json"
SIGNATURE_VERSION = 1
TOLERANCE = 1e-4
"""Largest difference in a probability between the engine and the exported model."""
CHECK_PIECE = 4
"""Images that are compared at a time: at 1024 pixels, or in 8 views, more do not fit into the memory."""


def signature(
    architecture: Classifier,
    classes: list[str],
    positive: int | None,
    operating_point: Mapping[str, Any],
    decode: dict[str, Any],
    note: str,
    tta: str = "none",
) -> dict[str, Any]:
    """What goes in and comes out, for signature.json.

    Args:
        architecture: the network.
        classes: names of the outputs in order.
        positive: index of the positive class; None: of more than two classes none is.
        operating_point: `threshold`, the probability of the positive class from which an image is called positive,
            None where the most probable class is taken; and the `rule` that chose it.
        decode: how an image file becomes pixels.
        note: what kind of data the model was trained on.
        tta: the views that the model itself averages its probabilities over, as in `evaluation.tta`.
    """
    size = architecture.image_size
    return {
        "version": SIGNATURE_VERSION,
        "note": note,
        "input": {"name": IMAGE, "dtype": "uint8", "shape": ["N", size, size, 3], "layout": "NHWC", "colour": "RGB"},
        "output": {"name": PROBABILITIES, "dtype": "float32", "shape": ["N", len(classes)]},
        "classes": classes,
        "positive_class": None if positive is None else classes[positive],
        "threshold": operating_point["threshold"],
        "threshold_rule": operating_point["rule"],
        "decode": decode,
        "tta": tta,
        "explain": _explain(architecture),
        "explain_why": _why_not(architecture),
    }


def _explain(architecture: Classifier) -> dict[str, Any] | None:
    """Where heat maps come from, if the graph has it: names of the feature map and of the logits; how the map lies."""
    if isinstance(architecture, TimmArchitecture):
        found = architecture.feature_map
        if found is None or not timm_export.has_map(architecture):
            return None
        names = {"feature_map": timm_export.PREFIX + timm_export.MAP, "classifier": timm_export.PREFIX + LOGITS}
        return {**names, "channels_last": found.channels_last, "prefix": found.prefix}
    if not architecture.has_plain_head():
        return None
    return {"feature_map": architecture.feature_map(), "classifier": architecture.classifier()}


def _why_not(architecture: Classifier) -> str | None:
    """What is known to stand in the way of heat maps from the graph; None where nothing is."""
    if not isinstance(architecture, TimmArchitecture) or timm_export.has_map(architecture):
        return None
    if architecture.feature_map is None:
        return "no values with a place in the image are known in it"
    return "it classifies a class token, in which no place of the image is told apart"


def contents(
    architecture: Classifier,
    weights: Weights,
    described: dict[str, Any],
    card: str,
    temperature: float = 1.0,
    replay: bytes | None = None,
) -> dict[str, bytes]:
    """The files of a bundle by name, checksums included; the same model gives the same bytes.

    Args:
        architecture: the network.
        weights: its arrays.
        described: the signature.
        card: the model card, Markdown.
        temperature: of probabilities that are means over views; else the classifier holds it.
        replay: the content of replay.json; None: the bundle has none.
    """
    metadata = {"classes": json.dumps(described["classes"]), "note": described["note"]}
    bundle = {
        MODEL: to_onnx(architecture, weights, metadata, tta=described["tta"], temperature=temperature),
        SIGNATURE: json_text(described).encode(),
        "labels.txt": ("\n".join(described["classes"]) + "\n").encode(),
        "MODEL_CARD.md": card.encode(),
        **portable.contents(),
        **({} if replay is None else {REPLAY: replay}),
    }
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(bundle.items()))
    return bundle | {CHECKSUMS: sums.encode()}


def check(model: bytes, images: NDArray[np.uint8], probabilities: NDArray[np.float64]) -> float:
    """Compare the exported model with its engine on real inputs.

    Args:
        model: the ONNX model.
        images: uint8 [N, H, W, 3].
        probabilities: float64 [N, classes], the engine's.

    Returns:
        the largest difference in a probability.

    Raises:
        EngineError: it is above `TOLERANCE`.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = usable_cpus()  # a trial has its share of the processors, and no more threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    starts = range(0, len(images), CHECK_PIECE)
    pieces = [session.run([PROBABILITIES], {IMAGE: images[start : start + CHECK_PIECE]})[0] for start in starts]
    served = np.concatenate(pieces)
    # An image that neither can answer is no difference; the numbers of the run say that it is there.
    unanswered = np.isnan(served) & np.isnan(probabilities)
    difference = float(np.where(unanswered, 0.0, np.abs(served - probabilities)).max())
    if not difference <= TOLERANCE:
        raise EngineError(
            f"the exported model is off the engine by {difference:.2g} in a probability (allowed: {TOLERANCE:g}); "
            "no bundle is written, please report this with the run's config"
        )
    return difference
