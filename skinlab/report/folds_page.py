"""folds.html: a cross-validation, or several of one sweep, as a page that looks like that of a run."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skinlab import records
from skinlab.evaluation import tables
from skinlab.evaluation.folds import MOST_COLUMNS, folds_of, reading, undefined
from skinlab.evaluation.summary import BINARY
from skinlab.folds.experiment import Experiment, mixed_code
from skinlab.folds.reading import FoldRun
from skinlab.report import charts, sections
from skinlab.report.document import contents, document
from skinlab.report.facts import Scored
from skinlab.report.markup import Html, element, paragraph, section, table, together
from skinlab.report.words import bounds, number, sentence, with_interval

Result = Mapping[str, Any]
"""An entry of folds.json."""


@dataclass(frozen=True)
class CrossValidation:
    """One experiment on the page.

    Attributes:
        result: its entry of folds.json.
        runs: its finished runs by fold.
    """

    result: Result
    runs: Sequence[FoldRun]

    @property
    def title(self) -> str:
        """Its name, and in what it differs from the others of its sweep."""
        differs = (f"{key}={value}" for key, value in self.result["differs"].items())
        return " ".join([self.result["experiment"], *differs])


def folds_page(found: Sequence[tuple[Experiment, Result]], folder: Path, faults: Sequence[str] = ()) -> str:
    """The page.

    Args:
        found: the experiments that are whole with their results, at least one.
        folder: where the page will lie: it links to the pages of the runs.
        faults: why others are not on it.

    Returns:
        HTML, with everything in it.
    """
    shown = [CrossValidation(result, experiment.by_fold()) for experiment, result in found]
    several = len(shown) > 1
    parts: list[Html] = []
    links: dict[str, str] = {}
    for at, one in enumerate(shown):
        suffix, of = (f"-{at}", f": {one.title}") if several else ("", "")
        made = {
            f"numbers{suffix}": (f"Numbers{of}", _numbers(one)),
            f"decisions{suffix}": ("Ranking and decisions", _ranking(one)),
            f"calibration{suffix}": ("Calibration", _calibration(one)),
            f"runs{suffix}": ("Runs", _runs(one, folder)),
        }
        links |= {name: title for name, (title, _) in made.items() if title.startswith("Numbers") or not several}
        parts += [section(name, title, *content) for name, (title, content) in made.items()]
    said = dict.fromkeys([*(remark for one in shown for remark in mixed_code(one.result)), *faults])
    title = shown[0].result["experiment"] if several else shown[0].title
    return document(f"{title}: cross-validation", [_headline(title, shown, list(said)), contents(links), *parts])


def _headline(title: str, shown: Sequence[CrossValidation], said: Sequence[str]) -> Html:
    """What it is and what must be known; of a single experiment also a few numbers."""
    notes = dict.fromkeys(one.result["note"] for one in shown)
    warning = sentence("; ".join(filter(None, [records.RESEARCH_NOTE, *notes])))
    folds = ", ".join(dict.fromkeys(f"{one.result['folds']} folds" for one in shown))
    parts = [
        element("h1", f"{title}: cross-validation, {folds}"),
        paragraph(warning, class_="warning"),
        element("ul", *(element("li", remark) for remark in said), class_="remarks") if said else "",
    ]
    if len(shown) == 1:
        parts.append(paragraph("Numbers ", tables.heading(shown[0].result["pooled"], "out-of-fold"), "."))
        parts.append(_cards(shown[0].result))
    else:
        parts.append(_overview(shown))
    return together(parts)


def _cards(result: Result) -> Html:
    level, labels = tables.level_of(result["pooled"]), tables.labels_of(result["pooled"])
    shown = {labels[name]: result["metrics"][name] for name in sections.headline_of(result["pooled"])}
    return element("dl", *(_card(label, entry, level) for label, entry in shown.items()), class_="headline")


def _card(label: str, entry: Mapping[str, Any], level: str) -> Html:
    pooled = entry["pooled"]
    if pooled["value"] is None:
        return element("div", element("dt", label), element("dd", with_interval(pooled), class_="undefined"))
    interval = f"pooled; {level} {bounds(pooled)}" if pooled["interval"] else f"pooled; {pooled['why']}"
    spread = f"folds: mean {number(entry['mean'])}, SD {number(entry['sd'])}"
    value = element("dd", number(pooled["value"]), element("small", interval), element("small", spread))
    return element("div", element("dt", label), value)


def _overview(shown: Sequence[CrossValidation]) -> Html:
    """The experiments of a sweep beside each other, in its order: which is better is another question."""
    pooled = shown[0].result["pooled"]
    labels, level, names = tables.labels_of(pooled), tables.level_of(pooled), sections.headline_of(pooled)
    rows = [(one.title, *(_mean(one.result["metrics"][name], level) for name in names)) for one in shown]
    head = ("Experiment", *(labels[name] for name in names))
    caption = f"Mean and SD over the folds; pooled value with its {level} interval"
    return table(caption, head, rows)


def _mean(entry: Mapping[str, Any], level: str) -> Html:
    pooled = " ".join(cell for cell in tables.cells(entry["pooled"], level)[:2])
    return together([f"{number(entry['mean'])} (SD {number(entry['sd'])})", element("small", f"pooled {pooled}")])


def _numbers(one: CrossValidation) -> list[Html]:
    """Each metric by fold, its mean and SD, and pooled; how the columns are read; what is not defined and why."""
    metrics, pooled = one.result["metrics"], one.result["pooled"]
    folds, labels, level = folds_of(metrics), tables.labels_of(pooled), tables.level_of(pooled)
    columns = [f"Fold {fold}" for fold in range(folds)] if folds <= MOST_COLUMNS else ["Lowest", "Highest"]
    rows = [(labels[name], *_columns(entry), *sections.with_method(entry["pooled"])) for name, entry in metrics.items()]
    head = ("Number", *columns, "Mean", "SD", "Pooled", "Interval")
    missing = [element("li", line) for line in undefined(metrics, labels)]
    parts = [
        table(f"Numbers of the test images of each fold, and of all together; {level} intervals", head, rows),
        element("ul", *missing, class_="undefined") if missing else Html(""),
        paragraph(reading(folds), class_="dim"),
    ]
    if len(pooled["classes"]) > BINARY:
        parts.append(sections.per_class(pooled))
    return parts


def _columns(entry: Mapping[str, Any]) -> list[str]:
    values = entry["folds"]
    if len(values) > MOST_COLUMNS:
        defined = [value for value in values if value is not None]
        values = [min(defined), max(defined)] if defined else [None, None]
    return [number(value) for value in (*values, entry["mean"], entry["sd"])]


def _ranking(one: CrossValidation) -> list[Html]:
    """ROC and precision-recall of all test predictions and of each fold; the pooled confusion matrix."""
    pooled, folds = one.result["pooled"], [scored(run) for run in one.runs]
    pooled_images = Scored(
        [name for fold in folds for name in fold.image_ids],
        np.concatenate([fold.targets for fold in folds]),
        np.concatenate([fold.probabilities for fold in folds]),
    )
    curves = [charts.roc(pooled_images, pooled, folds), charts.precision_recall(pooled_images, pooled, folds)]
    return [element("div", *curves, class_="charts"), sections.confusion(pooled)]


def scored(run: FoldRun) -> Scored:
    """The test images of a fold."""
    index = {name: code for code, name in enumerate(run.summary["classes"])}
    tested = run.tested
    targets = np.array([index[label] for label in tested.labels], dtype=np.int64)
    return Scored(tested.image_ids, targets, np.array(tested.probabilities, dtype=np.float64))


def _calibration(one: CrossValidation) -> list[Html]:
    said = "All test predictions together; each model may be calibrated in another way."
    return [paragraph(said), element("div", charts.calibration(one.result["pooled"]), class_="charts")]


def _runs(one: CrossValidation, folder: Path) -> list[Html]:
    """A line a fold: where its run lies, and what it was called at."""
    rows = [_run(run, folder) for run in one.runs]
    head = ("Fold", "Test images", "Threshold", "Best epoch", "Looks at its test subset", "Run")
    facts = [
        ("code", "; ".join(one.result["code"])),
        ("data fingerprint", one.result["dataset_fingerprint"]),
        ("label revision", one.result["label_revision"] or "no corrections"),
    ]
    return [
        table("The run of each fold", head, rows),
        table(
            "Where the numbers come from",
            ("What", "Value"),
            [(name, element("span", value, class_="hash")) for name, value in facts],
        ),
    ]


def _run(run: FoldRun, folder: Path) -> tuple[object, ...]:
    place, threshold = Path(os.path.relpath(run.path, folder)), run.summary["threshold"]
    link = element("a", place.as_posix(), href=(place / "report.html").as_posix())
    return (
        run.fold,
        run.summary["images"],
        "most probable class" if threshold is None else f"{threshold:.4g}",
        run.result.get("best_epoch") or "-",
        run.run.record.get("test_looks", {}).get("looks", "-"),
        link,
    )
