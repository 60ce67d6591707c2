"""Answers as text: a header and a row each of CSV, or a JSON object a line. The same answers give the same bytes."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Literal

from skinlab.data.images import ImageError
from skinlab.serving.scoring import Answer

Format = Literal["csv", "jsonl"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl")


def header(form: Format, classes: Sequence[str], *, explained: bool = False) -> bytes:
    r"""What comes before the first row: the names of the columns in CSV, nothing in JSON lines.

    Args:
        form: csv or jsonl.
        classes: names of the probabilities.
        explained: whether the rows name overlays.

    >>> header("csv", ["benign", "malignant"])
    b'path,probability_benign,probability_malignant,label,decision,error\n'
    """
    if form == "jsonl":
        return b""
    names = ["path", *(f"probability_{name}" for name in classes), "label", "decision", "error"]
    return _csv([*names, "explanation"] if explained else names)


def row(
    form: Format, classes: Sequence[str], path: str, answer: Answer | ImageError, explanation: str | None = None
) -> bytes:
    r"""One image.

    Args:
        form: csv or jsonl.
        classes: names of the probabilities.
        path: as the image was named; bytes that are no text are shown as escapes.
        answer: what the bundle says of it, or why it says nothing.
        explanation: the file of its overlay, empty where there is none; None: rows name no overlays.

    >>> row("csv", ["benign", "malignant"], "a.jpg", Answer((0.25, 0.75), "malignant", "malignant"))
    b'a.jpg,0.25,0.75,malignant,malignant,\n'
    >>> row("jsonl", ["benign", "malignant"], "b.jpg", ImageError("the file is empty"))
    b'{"path": "b.jpg", "probabilities": null, "label": null, "decision": null, "error": "the file is empty"}\n'
    """
    if form == "csv":
        return _csv([path, *_cells(classes, answer), *([] if explanation is None else [explanation])])
    named = {} if explanation is None else {"explanation": explanation or None}
    return _encoded(json.dumps({"path": path, **_values(classes, answer), **named}, ensure_ascii=False) + "\n")


def _cells(classes: Sequence[str], answer: Answer | ImageError) -> list[str | float]:
    if isinstance(answer, ImageError):
        return [*[""] * (len(classes) + 2), str(answer)]
    return [*answer.probabilities, answer.label, answer.decision, ""]


def _values(classes: Sequence[str], answer: Answer | ImageError) -> dict[str, object]:
    if isinstance(answer, ImageError):
        return {"probabilities": None, "label": None, "decision": None, "error": str(answer)}
    probabilities = dict(zip(classes, answer.probabilities, strict=True))
    return {"probabilities": probabilities, "label": answer.label, "decision": answer.decision, "error": None}


def _csv(values: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return _encoded(text.getvalue())


def _encoded(text: str) -> bytes:
    """UTF-8; a file name may hold bytes that are no text, and must not stop the other rows."""
    return text.encode("utf-8", "backslashreplace")
