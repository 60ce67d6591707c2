"""A finished run scored once more: its bundle on another data set, or again on its own.

The numbers are made as those of the run itself, from the answers that the bundle would serve; nothing is trained and
nothing of the run is changed.
"""

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from skinlab import files, records, schema
from skinlab.config import to_dict
from skinlab.config.resolvers import run_id
from skinlab.data.prepare import Prepared, prepare
from skinlab.data.split import LEFT_OUT
from skinlab.data.storage import new_folder
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.evaluation import final, plots, subgroups, summary
from skinlab.report.writing import report_page
from skinlab.run import Run
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import Scorer
from skinlab.training import features

SCHEMA_VERSION = 1
SEEN = ("train", "validation")
"""Subsets whose images have shaped the model: its weights, or the choice of its epoch and its threshold."""
OnOverlap = Literal["fail", "drop", "warn"]


@dataclass(frozen=True)
class Rescored:
    """What came of it.

    Attributes:
        path: the new directory under the run.
        result: the content of its summary.json.
        remarks: what must be known before the numbers are trusted.
    """

    path: Path
    result: dict[str, Any]
    remarks: list[str]


def rescore(
    run: Run,
    bundle: Bundle,
    config: schema.Config,
    split: schema.Split | None,
    on_overlap: OnOverlap,
    command: str,
    progress: Callable[[int], Any],
    threads: int | None = None,
) -> Rescored:
    """Score a run's bundle on a data set.

    Args:
        run: finished.
        bundle: its bundle.
        config: the run's declaration with the data set to score.
        split: whose test subset is scored; None: all images are.
        on_overlap: what is done about images that the run has trained on or selected with.
        command: as typed, for the record.
        progress: from the number of images, a context manager that gives what to call after each.
        threads: of the scorer.

    Raises:
        DataError: the data cannot be used, has other classes than the run, or overlaps with what the run has seen.
        OutputError: the look at the images cannot be recorded, or the result cannot be written.
    """
    clock = time.monotonic()
    scored = replace(config.dataset, positive_class=None)  # which one it is, the bundle says
    data = with_classes_of(bundle, prepare(scored, split, bundle.image_size, least_classes=1))
    overlap = find_overlap(data, run.path / "split.csv")
    data, remarks = without_overlap(data, overlap, on_overlap)
    config, absent = _with_columns_of(data, config, run)
    remarks += absent
    columns = subgroups.resolve(config.evaluation.subgroups, data.manifest.attributes)
    path = run.path / "evaluations" / f"{config.dataset.name}-{run_id()}"
    looked, said = records.look_at_test(data, run.path, f"evaluation {path.name}", run.record["experiment"])
    rows = data.rows("test")
    scorer = Scorer(bundle, threads)
    with progress(len(rows)) as advance:
        probabilities = scorer.probabilities_of(data.images, rows.tolist(), advance).astype(np.float64)
    result = {
        "experiment": run.record["experiment"],
        "dataset": config.dataset.name,
        "note": "; ".join(dict.fromkeys(filter(None, [records.data_note(config.dataset), bundle.note]))),
        "tta": bundle.tta,
        "overlap": {"rule": on_overlap, **{name: len(ids) for name, ids in overlap.items()}},
        **_numbers(config, data, bundle, probabilities, columns),
    }
    facts = {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        **_provenance(config, split, data, bundle, overlap),
        "test_looks": looked,
        "seconds": round(time.monotonic() - clock, 3),
    }
    title = f"{run.record['experiment']} on {config.dataset.name}"
    page = report_page(title, result, data, probabilities, bundle, facts, to_dict(config), remarks=remarks)
    run.folder("evaluations")
    _write(path, data, probabilities, result, facts, page)
    return Rescored(path, result, [*records.data_remarks(data.audit), *remarks, said])


def with_classes_of(bundle: Bundle, data: Prepared) -> Prepared:
    """The same images with their targets in the order of the bundle's classes, and its positive class.

    Raises:
        DataError: these are other classes; some of the bundle's may have no image.
    """
    theirs, ours = data.classes, bundle.classes
    if not set(theirs) <= set(ours):
        raise DataError(
            f"the classes of the data set are {listed(theirs)}, those of the run are {listed(ours)}: say which labels "
            f"make up the run's classes with dataset.classes, e.g. 'dataset.classes={{{ours[0]}: [LABEL, ...], ...}}'"
        )
    order = np.array([ours.index(name) for name in theirs], dtype=np.int64)
    findings = replace(data.findings, assumed_positive=None)
    return replace(data, classes=ours, positive=bundle.positive, targets=order[data.targets], findings=findings)


def find_overlap(data: Prepared, split_csv: Path) -> dict[str, list[str]]:
    """Ids of test images whose content the run has seen, by the subset that it was in there.

    Args:
        data: images to score.
        split_csv: of the run.

    Raises:
        DataError: the file cannot be read.
    """
    try:
        with split_csv.open(newline="", encoding="utf-8") as stream:
            seen = {row["sha256"]: row["subset"] for row in csv.DictReader(stream) if row["subset"] in SEEN}
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{split_csv} cannot be read ({error}): what the run was trained on is not known") from error
    found: dict[str, list[str]] = {name: [] for name in SEEN}
    for row in data.rows("test"):
        if (subset := seen.get(data.sha256[row])) is not None:
            found[subset].append(data.manifest.image_ids[row])
    return found


def without_overlap(data: Prepared, overlap: dict[str, list[str]], on_overlap: OnOverlap) -> tuple[Prepared, list[str]]:
    """What the rule says about images that the run has seen: refused, left out, or scored with a remark.

    Raises:
        DataError: there are some and the rule is fail, or all images are.
    """
    known = {name for ids in overlap.values() for name in ids}
    if not known:
        return data, []
    total = len(data.rows("test"))
    counts = " and ".join(f"{len(ids)} in its {name} subset ({listed(ids)})" for name, ids in overlap.items() if ids)
    said = f"the run has seen {len(known)} of these {total} images: {counts}"
    if on_overlap == "warn":
        return data, [f"{said}: the numbers are too good (--on-overlap warn)"]
    if on_overlap == "fail" or len(known) == total:
        raise DataError(
            f"{said}; a score on them says nothing: leave them out with --on-overlap drop, or score them with "
            "--on-overlap warn"
        )
    named = zip(data.manifest.image_ids, data.subsets, strict=True)
    kept = [LEFT_OUT if name in known else subset for name, subset in named]
    return replace(data, subsets=kept), [f"{said}; they are left out (--on-overlap drop)"]


def _with_columns_of(data: Prepared, config: schema.Config, run: Run) -> tuple[schema.Config, list[str]]:
    """Other data may lack a column of the run's subgroups: a remark. Columns that were declared anew must be there."""
    evaluation = config.evaluation
    if evaluation.subgroups != run.record["config"]["evaluation"]["subgroups"]:
        return config, []
    edges = subgroups.edges_of(evaluation.subgroups)
    absent = [column for column in edges if column not in data.manifest.attributes]
    if not absent:
        return config, []
    kept = {column: None if found is None else list(found) for column, found in edges.items() if column not in absent}
    remark = f"no subgroups by {listed(absent)}, which the run has: the data set has no such column"
    return replace(config, evaluation=replace(evaluation, subgroups=kept)), [remark]


def _numbers(
    config: schema.Config,
    data: Prepared,
    bundle: Bundle,
    probabilities: NDArray[np.float64],
    columns: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """The whole and its subgroups; `columns` has the subgroup of each image."""
    rows, evaluation = data.rows("test"), config.evaluation
    groups = [data.manifest.groups[row] for row in rows]
    scored = (data.targets[rows], probabilities, data.classes, data.positive, groups)
    settings = final.settings_of(evaluation, config.seed, bundle.threshold)
    return {
        "test": summary.summarise(*scored, settings, [data.manifest.image_ids[row] for row in rows]),
        "subgroups": subgroups.summarise_subgroups(
            {column: [names[row] for row in rows] for column, names in columns.items()},
            evaluation.subgroups,
            *scored,
            settings,
            evaluation.smallest_subgroup,
        ),
    }


def _provenance(
    config: schema.Config, split: schema.Split | None, data: Prepared, bundle: Bundle, overlap: dict[str, list[str]]
) -> dict[str, Any]:
    """What was scored with what, for evaluation.json."""
    return {
        "dataset": asdict(config.dataset),
        "split": None if split is None else asdict(split),
        "dataset_fingerprint": data.fingerprint,
        "split_hash": data.split_hash,
        "classes": data.classes,
        "overlap": overlap,
        "bundle": {"model_sha256": bundle.sha256, "threshold": bundle.threshold, "tta": bundle.tta},
        "engine": features.describe(),
        **records.environment(),
    }


def _write(
    path: Path,
    data: Prepared,
    probabilities: NDArray[np.float64],
    result: dict[str, Any],
    facts: dict[str, Any],
    page: str,
) -> None:
    """All files, under a temporary name until the last is there."""
    targets, numbers, note = data.targets[data.rows("test")], result["test"], result["note"]
    try:
        with new_folder(path) as folder:
            (folder / "plots").mkdir()
            files.write_json(folder / "evaluation.json", facts)
            files.write_json(folder / "audit.json", data.audit)
            files.write_text(folder / "predictions.csv", records.predictions_csv(data, {"test": probabilities}))
            plots.roc(targets, probabilities, numbers, folder / "plots" / "roc", note=note)
            plots.precision_recall(targets, probabilities, numbers, folder / "plots" / "precision_recall", note=note)
            plots.confusion(numbers, folder / "plots" / "confusion", note=note)
            plots.reliability(numbers, folder / "plots" / "reliability", note=note)
            files.write_text(folder / "report.html", page)
            files.write_json(folder / "summary.json", result)
    except OSError as error:
        raise files.output_error(path, error) from error
