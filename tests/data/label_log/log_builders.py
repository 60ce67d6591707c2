"""Changes to enter, as tests write them."""

from pathlib import Path
from typing import Any

from skinlab.data.label_log.entries import Change, Entry
from skinlab.data.label_log.store import LabelLog


def change(image_id: str = "a", **facts: str) -> Change:
    known: dict[str, Any] = {
        "image_id": image_id,
        "old_label": "benign",
        "new_label": "malignant",
        "source_label": "benign",
        "sha256": "0" * 64,
        "who": "ada",
        "why": "histology",
    }
    return Change(**(known | facts))


def log_with(path: Path, *changes: Change) -> tuple[LabelLog, list[Entry]]:
    log = LabelLog(path)
    return log, [log.append(lambda _, one=one: [one])[0] for one in changes]
