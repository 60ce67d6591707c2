"""From what a run has to the facts of its page: the one place that knows the run's own objects."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab import records
from skinlab.data.prepare import Prepared
from skinlab.report.facts import Facts, Scored
from skinlab.report.galleries import galleries
from skinlab.report.page import page
from skinlab.serving.loading import Bundle


def report_page(
    title: str,
    result: dict[str, Any],
    data: Prepared,
    probabilities: NDArray[np.float64],
    bundle: Bundle,
    record: Mapping[str, Any],
    config: dict[str, Any],
    *,
    epochs: Sequence[dict[str, Any]] = (),
    remarks: Sequence[str] = (),
) -> str:
    """The page of scored images.

    Args:
        title: what was scored.
        result: the content of summary.json.
        data: the images; its subset "test" was scored.
        probabilities: float64 [N, C] of these.
        bundle: of the model.
        record: the content of run.json, or of evaluation.json.
        config: what was declared.
        epochs: lines of metrics.jsonl.
        remarks: what there is to say beside what the audit says.

    Returns:
        HTML.
    """
    ids, targets, _ = data.known("test")
    scored = Scored(ids, targets, probabilities)
    facts = Facts(
        title=title,
        warning="; ".join(filter(None, [records.RESEARCH_NOTE, result["note"]])),
        remarks=[*records.data_remarks(data.audit), *_seen(result), *remarks],
        result=result,
        scored=scored,
        galleries=galleries(scored, data.images, data.rows("test"), bundle),
        audit=data.audit,
        config=config,
        command=record["command"],
        origin=_origin(record, config, bundle),
        epochs=epochs,
        looks=record.get("test_looks"),
    )
    return page(facts)


def _seen(result: dict[str, Any]) -> list[str]:
    """That model selection has used the test subset, where it has."""
    if not (seen := result.get("test_images_seen_in_validation")):
        return []
    said = (
        f"model selection used the test subset: {seen} of its {result['test']['images']} images are in validation too"
    )
    return [f"{said}, as a copy or of one lesion"]


def _origin(record: Mapping[str, Any], config: Mapping[str, Any], bundle: Bundle) -> list[tuple[str, str]]:
    """What the numbers come from, by name."""
    code, engine, machine = record["code"], record["engine"], record["machine"]
    changed = ", with files that differ from it" if code.get("dirty") else ""
    commit = f", commit {code['commit']}{changed}" if code.get("commit") else ""
    return [
        ("code", f"skinlab {code['version']}{commit}"),
        ("seed", str(config["seed"])),
        ("data set", str(config["dataset"]["name"])),
        ("data fingerprint", record["dataset_fingerprint"]),
        ("split hash", record["split_hash"]),
        ("label revision", record.get("label_revision") or "no corrections"),
        ("model (SHA-256)", bundle.sha256),
        ("engine", ", ".join(_said(*fact) for fact in engine.items())),
        ("Python", machine["python"]),
        ("processor", f"{machine['cpu']}, {machine['cores']} cores"),
        ("system", machine["system"]),
    ]


def _said(name: str, value: object) -> str:
    return str(value) if name == "name" else f"{name} {value}"
