"""What the service says of itself: the OpenAPI description of its paths, and that as a page without foreign scripts."""

from html import escape
from typing import Any

from skinlab.serving.http.settings import Settings
from skinlab.serving.portable.answering import RESEARCH_NOTE

Schema = dict[str, Any]
BASE64 = {"type": "string", "contentEncoding": "base64", "description": "content of an image file"}
REFUSALS = {
    400: "the body is not what its type says",
    401: "no key, or none that is known",
    408: "not read and answered in time",
    413: "too large, or too many images",
    415: "another content type",
    421: "asked under another name (where no key is needed)",
    422: "an image or a form that cannot be used",
    429: "too many requests at a time",
}
ERROR: Schema = {
    "type": "object",
    "properties": {"error": {"type": "string"}, "request_id": {"type": "string"}},
    "required": ["error", "request_id"],
}
RESULT: Schema = {
    "type": "object",
    "properties": {
        "probabilities": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
        "label": {"type": "string", "description": "the most probable class"},
        "decision": {"type": "string", "description": "the class at the model's operating point"},
        "explanation": {"type": "string", "description": "with explain=true: a PNG as a data address"},
    },
    "required": ["probabilities", "label", "decision"],
}
SAID: Schema = {name: {"type": "string"} for name in ("model", "request_id", "note")}
REPLY: Schema = {
    "oneOf": [
        {
            "type": "object",
            "properties": {"results": {"type": "array", "items": RESULT}, **SAID},
            "required": ["results", *SAID],
        },
        {"type": "array", "items": RESULT},
    ]
}


def description(note: str) -> str:
    """The first words."""
    return f"Probabilities for images of skin lesions. {RESEARCH_NOTE[0].upper()}{RESEARCH_NOTE[1:]}. {note}".strip()


def security(*, secured: bool) -> Schema:
    """That a path needs a key."""
    if not secured:
        return {}
    return {"security": [{"key": []}]}


def with_keys(described: Schema) -> Schema:
    """The description with what `security` refers to."""
    described.setdefault("components", {})["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return described


def score(settings: Settings, *, secured: bool) -> Schema:
    """The request of /score."""
    images = {"type": "array", "items": BASE64, "minItems": 1, "maxItems": settings.images}
    listed = {
        "type": "object",
        "properties": {
            "image_in_base64": BASE64,
            "parameters": {
                "type": "object",
                "properties": {"softmax": {"type": "boolean"}},
                "additionalProperties": False,
            },
        },
        "required": ["image_in_base64"],
    }
    json = {
        "oneOf": [
            {"type": "object", "properties": {"image": BASE64}, "required": ["image"], "additionalProperties": False},
            {"type": "object", "properties": {"images": images}, "required": ["images"], "additionalProperties": False},
            {"type": "array", "items": listed, "minItems": 1, "maxItems": settings.images},
        ]
    }
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"image": {"type": "array", "items": file}}, "required": ["image"]}
    content = {"application/json": json, "multipart/form-data": form, "application/octet-stream": file}
    content |= {"application/dicom": file, "image/*": file}
    explain = {
        "name": "explain",
        "in": "query",
        "required": False,
        "schema": {"type": "boolean"},
        "description": "of one image: with a heat map of where the decision was seen",
    }
    return {
        "summary": "Score one image or several",
        "parameters": [explain],
        "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in content.items()}},
        **security(secured=secured),
    }


def answers() -> dict[int | str, Schema]:
    """The answers of /score."""
    found: dict[int | str, Schema] = {200: _json("the results, in the order of the images", REPLY)}
    return found | {status: _json(meaning, ERROR) for status, meaning in REFUSALS.items()}


def state(*others: int) -> dict[int | str, Schema]:
    """The answers of /health and /ready."""
    told = {"type": "object", "properties": {"status": {"type": "string"}}, "required": ["status"]}
    return {status: _json("its state", told) for status in (200, *others)} | _refusals(400, 413, 421)


def metrics() -> dict[int | str, Schema]:
    """The answers of /metrics."""
    text = {"description": "counts", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {200: text, **_refusals(400, 401, 413, 421)}


def _refusals(*statuses: int) -> dict[int | str, Schema]:
    return {status: _json(REFUSALS[status], ERROR) for status in statuses}


def _json(meaning: str, schema: Schema) -> Schema:
    return {"description": meaning, "content": {"application/json": {"schema": schema}}}


def page(described: Schema) -> str:
    """The description as HTML."""
    sections = "".join(
        _section(path, method, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    )
    info = described["info"]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}</title>"
        "<meta name=viewport content='width=device-width'><link rel=stylesheet href=/page.css>"
        f"<main><h1>{escape(info['title'])}</h1><p>{escape(info['description'])}</p>"
        f"<p>The description for programs: <a href=/openapi.json>/openapi.json</a>. "
        f"A page to try it: <a href=/>/</a>.</p>{sections}</main></html>"
    )


def _section(path: str, method: str, operation: Schema) -> str:
    types = ", ".join(operation.get("requestBody", {}).get("content", {}))
    rows = "".join(
        f"<tr><th scope=row>{status}<td>{escape(answer['description'])}"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<h2>{method.upper()} {escape(path)}</h2><p>{escape(operation['summary'])}"
        f"{'. Needs a key: <code>Authorization: Bearer KEY</code>' if operation.get('security') else ''}"
        f"{f'. Takes {escape(types)}' if types else ''}.</p><table>{rows}</table>"
    )
