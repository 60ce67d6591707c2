"""What the review page's script is told, as plain values: of the data set, of a row, of an image, of an entry."""

from dataclasses import asdict
from typing import Any

from skinlab.data.hashes import sha256_of_files
from skinlab.data.label_log.edit import current_user
from skinlab.data.label_log.entries import Entry
from skinlab.errors import DataError
from skinlab.web.review import uses
from skinlab.web.review.desk import Desk
from skinlab.web.review.table import BY_LOSS, CONFLICT, DOUBTED, ORDERS, Snapshot, Table


def facts(desk: Desk) -> dict[str, Any]:
    """What it begins with.

    Raises:
        DataError: no data set is open, or it cannot be read.
    """
    table, entries = desk.table, desk.entries()
    evidence = table.evidence
    table.snapshot(entries)  # labels that others have entered have a name by now
    kinds = [CONFLICT] if evidence.audited else []
    kinds += [DOUBTED] if evidence.predictions else []
    try:
        user = current_user()
    except DataError:
        user = ""
    return {
        "key": table.opened.key,
        "images": len(table),
        "entries": len(entries),
        "labels": list(table.names),
        "subsets": sorted({*(evidence.subsets or [])} - {""}),
        "findings": [*kinds, *evidence.findings],
        "attributes": table.facets(),
        "orders": list(ORDERS) if evidence.predictions else [one for one in ORDERS if one != BY_LOSS],
        "judged": evidence.predictions is not None,
        "log": None if desk.log is None else str(desk.log.path),
        "user": user,
    }


def row_said(table: Table, at: Snapshot, row: int) -> dict[str, Any]:
    """An image in the grid."""
    manifest = table.opened.manifest
    place = int(at.labels[row])
    said: dict[str, Any] = {
        "id": manifest.image_ids[row],
        "label": table.names[place] if place >= 0 else "",
        "source": manifest.labels[row],
        "last": at.last.get(row, 0),
        "conflict": bool(at.conflicting[row]),
    }
    if at.suspicion is not None and table.evidence.predictions is not None and at.suspicion.loss[row] >= 0:
        said["loss"] = round(float(at.suspicion.loss[row]), 3)
        if at.suspicion.doubted[row]:
            said["suggested"] = table.evidence.predictions.classes[int(at.suspicion.suggested[row])]
    return said


def image(desk: Desk, row: int) -> dict[str, Any]:
    """Everything that is known of an image."""
    table, entries = desk.table, desk.entries()
    manifest, evidence = table.opened.manifest, table.evidence
    image_id, source = manifest.image_ids[row], manifest.labels[row]
    (sha256,), _ = sha256_of_files([manifest.paths[row]])
    chances: dict[str, float] = {}
    if evidence.predictions is not None and evidence.predictions.probabilities[row, 0] >= 0:
        given = evidence.predictions.probabilities[row].tolist()
        chances = dict(zip(evidence.predictions.classes, given, strict=True))
    current = table.snapshot(entries)
    return row_said(table, current, row) | {
        "group": manifest.groups[row],
        "subset": evidence.subsets[row] if evidence.subsets else "",
        "attributes": {name: column[row] for name, column in manifest.attributes.items() if column[row]},
        "probabilities": chances,
        "findings": [said[row] for said in evidence.findings.values() if row in said],
        "copies": [
            row_said(table, current, other) | {"similarity": likeness} for other, likeness in evidence.copies.of(row)
        ],
        "history": [told(entry) for entry in entries if entry.image_id == image_id],
        "uses": [asdict(use) for use in uses.of_image(desk.workplace.output, entries, image_id, sha256, source)],
    }


def told(entry: Entry) -> dict[str, Any]:
    """An entry of the log."""
    return {
        "number": entry.number,
        "id": entry.image_id,
        "old": entry.old_label,
        "new": entry.new_label,
        "who": entry.who,
        "why": entry.why,
        "when": entry.when,
    }
