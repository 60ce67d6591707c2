"""The bundle behind Azure ML's `init()` and `run()`; needs what requirements.txt beside it names, and no skinlab.

The model is looked for beside this file, else in the folder that AZUREML_MODEL_DIR names, and is not used before its
checksum was compared. What may be asked and what is answered is in answering.py, how a file becomes pixels in
decoding.py. Nothing that is sent is kept or logged.
"""

import hashlib
import importlib.util
import json
import os
import sys
import uuid
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent
MOST_IMAGES = 32
PIXEL_LIMIT = 50_000_000
BODY_LIMIT = 64 << 20
SIGNATURE, CHECKSUMS = "signature.json", "SHA256SUMS"
STATE: dict[str, Any] = {}


def init() -> None:
    """Load the bundle; called once, before the first request.

    Raises:
        RuntimeError: there is none, or a file is not the one that was written.
        ValueError: the model names a file beside it.
    """
    folder = _folder()
    files = _verified(folder)
    _beside(folder, "closed").require_closed(files["model.onnx"])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(files["model.onnx"], options, providers=["CPUExecutionProvider"])
    signature = json.loads(files[SIGNATURE])
    STATE.update(
        session=session,
        signature=signature,
        model=hashlib.sha256(files["model.onnx"]).hexdigest()[:12],
        answering=_beside(folder, "answering"),
        decoding=_beside(folder, "decoding"),
    )
    size = signature["input"]["shape"][1]
    session.run(None, {signature["input"]["name"]: np.zeros((1, size, size, 3), np.uint8)})


def run(raw_data: bytes | str) -> Any:
    """Answer one request.

    Args:
        raw_data: the body, JSON.

    Returns:
        the reply, or `{"error": ...}` with the status that fits where the server lets one be set.
    """
    answering, request = STATE["answering"], uuid.uuid4().hex
    try:
        found = answering.asked(raw_data, MOST_IMAGES, BODY_LIMIT)
        results = [_result(image, found, row) for row, image in enumerate(found.images)]
    except answering.RequestError as error:
        return _refusal(error.status, {"error": str(error), "request_id": request})
    return answering.reply(results, found, STATE["model"], request, STATE["signature"]["note"])


def _result(content: bytes, found: Any, row: int) -> dict[str, Any]:
    answering, signature = STATE["answering"], STATE["signature"]
    size, names = signature["input"]["shape"][1], [output.name for output in STATE["session"].get_outputs()]
    try:
        image = STATE["decoding"].decode(content, size, PIXEL_LIMIT, signature["decode"]["colour_profile"])
    except STATE["decoding"].DecodingError as error:
        raise answering.RequestError(422, f"image {row}: {error}") from error
    outputs = STATE["session"].run(names, {signature["input"]["name"]: image[np.newaxis]})
    by_name = dict(zip(names, outputs, strict=True))
    said: dict[str, Any] = answering.result(by_name[signature["output"]["name"]][0], signature)
    if found.softmax is None:
        return said
    logits = by_name["logits"][0] if "logits" in by_name else None
    scored: dict[str, Any] = answering.with_scores(said, logits, found.softmax[row], signature, row)
    return scored


def _folder() -> Path:
    """The folder of the bundle."""
    named = os.environ.get("AZUREML_MODEL_DIR")
    below = sorted(Path(named).rglob(SIGNATURE)) if named else []
    for folder in (HERE, *(path.parent for path in below)):
        if (folder / SIGNATURE).is_file():
            return folder
    raise RuntimeError(f"there is no bundle: no {SIGNATURE} beside {__file__} or below AZUREML_MODEL_DIR={named}")


def _verified(folder: Path) -> dict[str, bytes]:
    """The bundle's files, each the one whose checksum was written with it."""
    files = {}
    for line in (folder / CHECKSUMS).read_text().splitlines():
        digest, name = line.split("  ", 1)
        if Path(name).name != name:
            raise RuntimeError(f"{folder / CHECKSUMS} names {name}, which is no file of the bundle")
        files[name] = (folder / name).read_bytes()
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise RuntimeError(f"{folder / name} is not the file whose checksum is in {CHECKSUMS}")
    return files


def _beside(folder: Path, name: str) -> ModuleType:
    """A module beside this file, else of the bundle, whatever else goes by that name."""
    place = HERE if (HERE / f"{name}.py").is_file() else folder
    found = importlib.util.spec_from_file_location(f"skinlab_bundle_{name}", place / f"{name}.py")
    if found is None or found.loader is None:
        raise RuntimeError(f"{folder / name}.py cannot be loaded")
    module = importlib.util.module_from_spec(found)
    sys.modules[found.name] = module
    found.loader.exec_module(module)
    return module


def _refusal(status: int, body: dict[str, str]) -> Any:
    """A reply with a status, where Microsoft's server is there to give one."""
    try:
        from azureml_inference_server_http.api.aml_response import AMLResponse
    except ImportError:
        return body
    return AMLResponse(body, status, json_str=True)
