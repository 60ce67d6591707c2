"""What a run remembers of its parts: rows, lines and facts, ready for the run directory. Computes nothing."""

import csv
import hashlib
import io
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab import machine, schema
from skinlab.data.audit.findings import Findings
from skinlab.data.label_log.entries import NONE, SHORT
from skinlab.data.manifest import LeftAside
from skinlab.data.prepare import Prepared
from skinlab.data.split import SUBSETS, split_csv_text
from skinlab.data.splits.column import UNSEEN_LABELS
from skinlab.data.wording import listed
from skinlab.engines.base import Engine, Plan
from skinlab.errors import ConfigError, DataError
from skinlab.evaluation import looks, tables
from skinlab.networks.classifier import Classifier
from skinlab.networks.pretrained import Start
from skinlab.run import Run
from skinlab.training.loop import Fit, Record

log = logging.getLogger(__name__)

BUNDLE_CHECK_IMAGES = 64
"""Test images on which the exported model is compared with its engine."""
HEAD_CHECK_IMAGES = 8
"""As many where the exported backbone is what gave the engine its features: only the last layer is another's work."""

PHANTOM_NOTE = "trained and scored on drawn phantoms, not on images of patients: the numbers say nothing about medicine"
RESEARCH_NOTE = "research software: not a medical device, not for diagnosis"


def data_note(dataset: schema.Dataset) -> str:
    """What a reader of the numbers must know of the data; empty where there is nothing."""
    notes = [PHANTOM_NOTE] if isinstance(dataset, schema.SyntheticDataset) else []
    if dataset.shuffle_labels:
        notes.append("labels were shuffled as a negative control")
    return "; ".join(notes)


def warning(dataset: object) -> str:
    """What stands above the numbers of a data set of this name."""
    return f"{RESEARCH_NOTE}; {PHANTOM_NOTE}" if dataset == "synthetic" else RESEARCH_NOTE


def environment() -> dict[str, Any]:
    """Code and machine, for run.json."""
    return {"code": machine.code_version(), "machine": machine.describe()}


def engine(run: Run, facts: dict[str, Any], packages: dict[str, str]) -> None:
    """Record what computes, and write environment.lock; `packages` are those of a runtime of its own."""
    sections = {"environment": machine.packages(), "engine runtime": packages}
    lines = [
        line
        for name, listed_packages in sections.items()
        if listed_packages
        for line in (f"# {name}", *(f"{package}=={version}" for package, version in sorted(listed_packages.items())))
    ]
    text = "\n".join(lines) + "\n"
    run.update(engine=facts, environment_sha256=hashlib.sha256(text.encode()).hexdigest())
    run.write_text("environment.lock", text)


def data(run: Run, prepared: Prepared) -> None:
    """Record the data: split.csv, audit.json, and their hashes in run.json.

    Raises:
        DataError: the run is resumed, and its data is not what it was.
    """
    for name, now in (("dataset_fingerprint", prepared.fingerprint), ("split_hash", prepared.split_hash)):
        if run.record.get(name, now) != now:
            raise DataError(f"the data set changed since {run.path} was started ({name}): start a new run")
    run.write_text("split.csv", split_text(prepared))
    run.write_json("audit.json", prepared.audit)
    run.update(
        dataset_fingerprint=prepared.fingerprint,
        split_hash=prepared.split_hash,
        label_revision=prepared.label_revision,
        classes=prepared.classes,
    )


def look_at_test(prepared: Prepared, run: Path, purpose: str, experiment: str) -> tuple[dict[str, Any], str]:
    """Put a look at the test subset on record, before there is a number to be seen.

    Args:
        prepared: the data; its subset "test" is about to be scored.
        run: directory of the run whose model does.
        purpose: what for; a run that has had it is not counted again.
        experiment: the run's name.

    Returns:
        What run.json or evaluation.json has of it, and one line for the terminal.

    Raises:
        OutputError: it cannot be recorded.
    """
    rows = prepared.rows("test")
    subset = looks.subset_hash([prepared.sha256[row] for row in rows], [prepared.manifest.labels[row] for row in rows])
    known = looks.record(subset, looks.Look(str(run.resolve()), purpose, experiment))
    facts = {"test_subset": subset, "looks": len(known), "runs": len({look.run for look in known})}
    return facts, looks.describe(subset, known)


def weights(run: Run, first: Start) -> None:
    """Record what training begins with.

    Raises:
        ConfigError: the run is resumed, and the weights are not what they were.
    """
    before = run.record.get("weights", first.record)
    if before["sha256"] != first.record["sha256"]:
        raise ConfigError(
            f"{first.record['file']} changed since {run.path} was started: put the file back, or start a new run"
        )
    run.update(weights=first.record)


def split_text(prepared: Prepared) -> str:
    """Text of split.csv."""
    rows = prepared.manifest
    return split_csv_text(rows.image_ids, prepared.sha256, rows.labels, rows.groups, prepared.subsets)


def describe_data(dataset: schema.Dataset, prepared: Prepared) -> str:
    """One line: how many images of what in which subset, and where no class is the positive one, that none is."""
    kind = "phantoms" if isinstance(dataset, schema.SyntheticDataset) else "images"
    rows = {subset: prepared.rows(subset) for subset in SUBSETS}
    used = np.concatenate(list(rows.values()))
    counts = np.bincount(prepared.targets[used], minlength=len(prepared.classes))
    classes = ", ".join(f"{count} {name}" for name, count in zip(prepared.classes, counts, strict=True))
    subsets = ", ".join(f"{len(of_subset)} {subset}" for subset, of_subset in rows.items())
    none = f"; {tables.NO_POSITIVE} (dataset.positive_class=NAME singles one out)" if prepared.positive is None else ""
    return f"data: {len(used)} {kind} ({classes}); {subsets}; split {prepared.split_hash[:12]}{none}"


def data_remarks(audit: dict[str, Any]) -> list[str]:
    """What a researcher must know of the data before trusting a score: one line each, none where all is well.

    >>> data_remarks({"images": 2, "corrupt": [{"image_id": "a", "reason": "zero bytes"}], "images_without_group": 0})
    ['1 image cannot be read and is left out: a (zero bytes)']
    """
    remarks = []
    if assumed := audit.get("assumed_positive"):
        other = next(name for name in audit["classes"] if name != assumed)
        remarks.append(
            f"positive class: {assumed} (of two classes neither is known as the positive one: set "
            f"dataset.positive_class={other} to turn it round)"
        )
    remarks += _left_out_remarks(audit)
    remarks += [*_list_remarks(audit), *_label_remarks(audit.get("label_log", {}))]
    if unseen := audit.get("split", {}).get(UNSEEN_LABELS):
        named = listed([f"{n} x {label}" for label, n in unseen.items()])
        remarks.append(f"test images left out, their labels are unseen in training: {named}")
    if conflicts := audit.get("duplicates_with_conflicting_labels"):
        remarks.append("the same image with different labels: " + listed([" = ".join(same) for same in conflicts]))
    return remarks + _group_remarks(audit)


def _left_out_remarks(audit: dict[str, Any]) -> list[str]:
    """What is not among the images that are used, and why."""
    remarks = []
    if broken := audit.get("corrupt"):
        named = listed([f"{image['image_id']} ({image['reason']})" for image in broken])
        remarks.append(
            f"{len(broken)} image{'s' if len(broken) > 1 else ''} cannot be read and "
            f"{'are' if len(broken) > 1 else 'is'} left out: {named}"
        )
    if without := audit.get("without_image"):
        remarks.append(f"rows without an image are left out: {len(without)}: {listed(without)}")
    left_out = audit.get("left_out_labels", {})
    if unlabelled := left_out.get(""):
        remarks.append(f"images without a label are left out: {unlabelled}")
    if other := [f"{n} x {label}" for label, n in left_out.items() if label]:
        remarks.append("left out, not in dataset.classes: " + listed(other))
    if aside := audit.get("ignored_files"):
        remarks.append(f"files that are not read: {LeftAside(aside, audit.get('unread_pictures', ()))}")
    return remarks


def _group_remarks(audit: dict[str, Any]) -> list[str]:
    """Groups that may be none, and images without one."""
    remarks = [
        f"group {large['group']!r} holds {large['images']} images, {large['share']:.0%} of those with a group: if it "
        'stands for "unknown", add it to dataset.missing_values'
        for large in audit.get("large_groups", ())
    ]
    if unknown := audit.get("images_without_group"):
        remarks.append(f"lesion or patient unknown for {unknown} of {audit['images']} images: {_of_one_lesion(audit)}")
    return remarks


def _list_remarks(audit: dict[str, Any]) -> list[str]:
    """What published lists changed, and what they name beside the data."""
    remarks = [f"{path}: {n} rows name no images of the data" for path, n in audit.get("absent_in_lists", {}).items()]
    if wrong := audit.get("known_errors"):
        remarks.append(f"left out by audit.known_errors: {len(wrong)}: {listed(wrong)}")
    if copies := audit.get("known_duplicates"):
        remarks.append(f"copies by audit.known_duplicates: {len(copies)} sets of images")
    return remarks


def _of_one_lesion(audit: dict[str, Any]) -> str:
    """What follows if images of unknown lesion are of one: where nothing was trained on, only the intervals suffer."""
    counts = audit.get("counts")
    if counts and not any(images["train"] for images in counts.values()):
        return "if some are of one lesion, the intervals are too narrow"
    return "if some are of one lesion, they may lie in different subsets, and the test score is too good"


def _label_remarks(log: dict[str, Any]) -> list[str]:
    """What the label log changed, and what it could not."""
    remarks = []
    if applied := log.get("applied"):
        named = listed([f"{one['image_id']} ({one['source_label']} -> {one['label']})" for one in applied])
        remarks.append(f"labels corrected by the label log at {log['revision'][:SHORT]}: {len(applied)}: {named}")
    if absent := log.get("absent"):
        remarks.append(f"corrected by the label log but not in the data set: {len(absent)}: {listed(absent)}")
    return remarks


def pinned(dataset: schema.Dataset, run: Run) -> schema.Dataset:
    """The data set at the label revision that the run was started with, if it has come so far: the log may grow."""
    if "label_revision" not in run.record:
        return dataset
    return replace(dataset, label_revision=run.record["label_revision"] or NONE)


def of_unseen_label(findings: Findings) -> int:
    """How many test images are left out because training has none of their label."""
    return sum(findings.split.get(UNSEEN_LABELS, {}).values())


def seen_in_validation(findings: Findings) -> list[str]:
    """Ids of test images of which validation holds a copy, or another image of the same lesion or patient."""
    gone = set(findings.left_out)
    seen = set()
    for leak in findings.leaks:
        subsets = dict(zip(leak.subsets, leak.images, strict=True))
        if subsets.keys() == {"validation", "test"} and not gone & set(leak.images):
            seen.add(subsets["test"])
    return sorted(seen)


def describe_training(config: schema.Config, plan: Plan, images: int, started: Engine) -> str:
    """One line: what is trained on what."""
    size = config.network.image_size
    millions, copies = plan.architecture.parameter_count() / 1e6, config.augmentation.copies
    also = f" and {copies} fixed cop{'ies' if copies > 1 else 'y'} of each" if copies else ""
    return (
        f"training: {config.network.name}, {millions:.1f} million parameters, at {size} x {size} on "
        f"{images} images{also}, {config.training.epochs} epochs; {_computing(started)}"
    )


def describe_features(method: schema.Featurize, architecture: Classifier, computed: NDArray[np.float32]) -> str:
    """One line: what is fitted to what."""
    images, width = computed.shape
    return f"training: {method.classifier} on {width} features of {architecture.name}; {images} images featurized"


def describe_head(config: schema.Config, architecture: Classifier, images: int, started: Engine) -> str:
    """One line: what is trained on what, where the backbone is not."""
    return (
        f"training: the last layer of {architecture.name} on its {architecture.features} features of {images} images, "
        f"{config.training.epochs} epochs; {_computing(started)}"
    )


def _computing(started: Engine) -> str:
    facts = started.describe()
    processes = facts.get("processes", facts.get("workers", 1))
    return f"engine {facts['name']} on {facts['device']}" + (f", {processes} processes" if processes > 1 else "")


def training(run: Run, fitted: Fit) -> None:
    """Record the end and the speed of training, and all of metrics.jsonl: a kill may have come before its last line."""
    position = fitted.position
    run.write_metrics(position.records)
    rate = round(fitted.images / fitted.seconds, 2) if fitted.seconds else None
    run.update(images_per_second=rate, epochs=position.epoch, stopped_early=position.stopped_early)
    if position.stopped_early:
        log.info("stopped early after epoch %d: no improvement for %d epochs", position.epoch, position.waited)


class MetricsFile:
    """Keeps metrics.jsonl: an observer of the training loop."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def advanced(self, epoch: int, images: int, of: int) -> None:
        """Nothing is written within an epoch."""

    def epoch_ended(self, records: list[Record], seconds: float) -> None:
        """Write the lines of all epochs so far."""
        self._run.write_metrics(records)


def predictions_csv(prepared: Prepared, predictions: dict[str, NDArray[np.float64]]) -> str:
    """Text of predictions.csv: image_id, subset, label, then the probability of each class at full precision."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image_id", "subset", "label", *(f"probability_{name}" for name in prepared.classes)])
    for subset, probabilities in predictions.items():
        for row, values in zip(prepared.rows(subset), probabilities, strict=True):
            name, label = prepared.manifest.image_ids[row], prepared.classes[prepared.targets[row]]
            writer.writerow([name, subset, label, *(repr(float(value)) for value in values)])
    return text.getvalue()
