"""How things of the interface look in a notebook: self-contained HTML in which everything from a run is escaped."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from skinlab.comparison import tables
from skinlab.comparison.comparing import Comparison
from skinlab.comparison.verdict import sentence
from skinlab.config.differences import flattened
from skinlab.config.wording import value_text
from skinlab.data.split import SUBSETS
from skinlab.evaluation.tables import cells, heading, labels_of, level_of
from skinlab.records import RESEARCH_NOTE
from skinlab.report.markup import Html, element, paragraph, together

PLOTS = ("learning_curve", "roc", "reliability", "confusion")
LARGEST_PLOT = 2_000_000
"""Bytes of an image that is shown; ours are far smaller, and a run may be anybody's."""
SHOWN = ("dataset", "split", "augmentation", "network", "method", "optimizer", "engine")
"""Groups of a declaration whose choice is told."""
KEYS = ("optimizer.learning_rate", "optimizer.minibatch_size", "network.image_size", "training.epochs", "seed")
NOTICE = "border-left: 4px solid #D55E00; padding-left: 0.6em"


def declaration(config: Mapping[str, Any], command: str) -> Html:
    """A declared experiment: its choices, its main numbers, and all keys behind a fold."""
    return _box(f"experiment {config.get('name')}", _choices(config), element("code", command), _all_keys(config))


def run(view: Mapping[str, Any], epochs: Sequence[Mapping[str, Any]], folder: Path) -> Html:
    """A run, whatever has come of it so far.

    Args:
        view: `title`, `status`, `error`, `config` and `summary`; the last is None where there is none yet.
        epochs: lines of metrics.jsonl.
        folder: the run directory.
    """
    config, summary = view["config"], view["summary"]
    parts: list[object] = [_status(view["status"], view["error"])]
    if summary:
        parts += [*_note(summary["note"]), _numbers(summary["test"]), _research()]
    elif epochs:
        parts.append(_epoch(epochs[-1], config.get("training", {}).get("epochs")))
    parts += [_plots(folder / "plots"), _choices(config), _all_keys(config)]
    return _box(view["title"], *parts)


def evaluation(title: str, summary: Mapping[str, Any], folder: Path) -> Html:
    """A run scored on another data set."""
    return _box(title, *_note(summary["note"]), _numbers(summary["test"]), _research(), _plots(folder / "plots"))


def comparison(found: Comparison) -> Html:
    """Experiments beside each other, and the verdicts."""
    head, *rows = tables.experiment_rows(found, tables.number)
    said = [element("li", f"{sentence(pair)}.") for pair in found.pairs]
    causes = [element("li", cause) for cause in found.causes]
    refused = [paragraph(element("b", "Not comparable:")), element("ul", *causes)] if causes else []
    verdicts = [element("ul", *said)] if said else []
    remarks = [paragraph(f"{remark}.") for remark in [*found.remarks, *filter(None, [tables.looked(found)])]]
    return _box(
        tables.heading(found), *_note(found.note), _table(head, rows), *refused, *verdicts, *remarks, _research()
    )


def data(
    title: str, notes: Sequence[str], counts: Sequence[Sequence[object]], findings: Sequence[Sequence[object]]
) -> Html:
    """A data set: images by class and subset, and what an audit found."""
    found = [_table(["finding", "count", "first"], findings)] if findings else [paragraph("The audit found nothing.")]
    said = [element("p", note, style=NOTICE) for note in notes]
    return _box(title, *said, _table(["", *SUBSETS], counts), *found)


def rows(title: str, head: Sequence[str], body: Iterable[Sequence[object]], *remarks: str) -> Html:
    """A plain table with a title."""
    return _box(title, _table(head, body), *(paragraph(remark) for remark in remarks))


def image(png: bytes, width: int) -> Html:
    """A picture inside the page."""
    return element("img", src=f"data:image/png;base64,{base64.b64encode(png).decode()}", style=f"max-width: {width}px")


def _box(title: str, *parts: object) -> Html:
    return element("div", element("h4", title, style="margin: 0 0 0.4em"), *parts, style="max-width: 64em")


def _status(status: str, error: str | None) -> Html:
    return paragraph(element("b", status), f": {error}" if error else "")


def _note(note: str) -> list[Html]:
    return [element("p", f"{note[:1].upper()}{note[1:]}.", style=NOTICE)] if note else []


def _research() -> Html:
    return paragraph(element("small", f"{RESEARCH_NOTE[:1].upper()}{RESEARCH_NOTE[1:]}."))


def _numbers(summary: Mapping[str, Any]) -> Html:
    found = dict(summary)
    labels, level = labels_of(found), level_of(found)
    body = [[labels[name], *cells(entry, level)] for name, entry in found["metrics"].items()]
    return together([paragraph(heading(found, "test")), _table(["", "value", "interval", "method"], body)])


def _epoch(record: Mapping[str, Any], of: object) -> Html:
    numbers = ", ".join(
        f"{name} {value:.4g}" for name, value in record.items() if name != "epoch" and value is not None
    )
    return paragraph(f"epoch {record['epoch']} of {of}: {numbers}")


def _choices(config: Mapping[str, Any]) -> Html:
    flat = flattened(config)
    named = {group: config[group].get("name") for group in SHOWN if isinstance(config.get(group), dict)}
    values = named | {key: flat[key] for key in KEYS if key in flat}
    return paragraph(together([f"{key}={value_text(value)}" for key, value in values.items()], " · "))


def _all_keys(config: Mapping[str, Any]) -> Html:
    body = [[key, value_text(value)] for key, value in flattened(config).items()]
    return element("details", element("summary", "all keys"), _table(["key", "value"], body))


def _plots(folder: Path) -> Html:
    files = [folder / f"{name}.png" for name in PLOTS]
    whole = [file for file in files if file.is_file() and file.stat().st_size <= LARGEST_PLOT]
    return together(image(file.read_bytes(), 380) for file in whole)


def _table(head: Sequence[object], body: Iterable[Sequence[object]]) -> Html:
    left = "text-align: left"
    columns = element("tr", *(element("th", cell, style=left) for cell in head))
    lines = (element("tr", *(element("td", cell, style=left) for cell in row)) for row in body)
    return element("table", element("thead", columns), element("tbody", *lines))
