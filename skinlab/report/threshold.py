"""The slider of two classes: what its script must know, and the parts of the page that it moves.

Without a script, and in print, the page shows the operating point.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from skinlab.evaluation import ranking
from skinlab.evaluation.metrics import Floats, Integers
from skinlab.evaluation.summary import BINARY
from skinlab.report.facts import Scored
from skinlab.report.markup import Attribute, Html, element, paragraph
from skinlab.report.words import counted

MOST_THRESHOLDS = 20_000
"""More distinct scores are thinned to so many, evenly: about 300 kB of the page."""
RATES = ("sensitivity", "specificity", "precision", "npv")
Link = Callable[[str, str], str]
"""Where the images of a cell are, by their true class and the one that they are called."""


def movable(summary: dict[str, Any]) -> bool:
    """Whether there is a threshold to move."""
    return bool(len(summary["classes"]) == BINARY and summary["confusion_matrix"] and summary["threshold"] is not None)


def data(scored: Scored, summary: dict[str, Any], first: float | None = None) -> Html:
    """The counts by threshold, as JSON in an element that no browser executes.

    Args:
        scored: the images.
        summary: their numbers.
        first: the threshold that the page begins with; None: the operating point.
    """
    positive, negative = _names(summary)
    code = list(summary["classes"]).index(positive)
    counts = ranking.counts_by_threshold(scored.targets == code, scored.probabilities[:, code])
    kept = _kept(counts.thresholds, summary["threshold"])
    content = {
        "threshold": summary["threshold"],
        "first": summary["threshold"] if first is None else first,
        "positives": summary["classes"][positive],
        "negatives": summary["classes"][negative],
        "thresholds": counts.thresholds[kept].tolist(),
        "truePositives": counts.true_positives[kept].astype(np.int64).tolist(),
        "falsePositives": counts.false_positives[kept].astype(np.int64).tolist(),
        "why": {
            "sensitivity": f"no image is {positive}",
            "specificity": f"every image is {positive}",
            "precision": f"no image is called {positive}",
            "npv": f"every image is called {positive}",
        },
    }
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return Html(f'<script type="application/json" id="points">{text}</script>')


def _kept(falling: Floats, threshold: float) -> Integers:
    """Which thresholds the page knows: evenly many, and the last score that the operating point calls positive."""
    scores = len(falling) - 1  # the first calls no image
    evenly = np.linspace(1, scores, min(MOST_THRESHOLDS, scores)).round().astype(np.int64)
    last_called = int((falling >= threshold).sum()) - 1
    return np.union1d(evenly, [last_called] if last_called else []).astype(np.int64)


def panel(summary: dict[str, Any], scored: Scored) -> Html:
    """The slider with its label; hidden until the script has found it."""
    label = element("label", f"Call an image {summary['positive_class']} from this probability on", for_="threshold")
    value = f"{summary['threshold']:.3f}"
    slider = element("input", type="range", id="threshold", min="0", max="1", step="0.001", value=value)
    output = element("output", value, id="threshold-value", for_="threshold")
    reset = element("button", "Back to the operating point", type="button", id="reset")
    distinct = len(np.unique(scored.probabilities[:, 0]))
    thinned = paragraph("Counts between neighbouring scores are rounded: there are many images.", class_="dim")
    parts = [label, element("div", slider, output, class_="slide"), reset]
    return element("div", *parts, thinned if distinct > MOST_THRESHOLDS else "", id="panel", class_="panel", hidden="")


def matrix(summary: dict[str, Any], link: Link | None = None) -> Html:
    """Confusion matrix at the threshold, each count with a link to its images where there is a place for them."""
    positive, negative = _names(summary)
    names = list(summary["classes"])
    of = {
        (truth, called): str(summary["confusion_matrix"][names.index(truth)][names.index(called)])
        for truth in names
        for called in names
    }
    head = element(
        "tr", element("td", ""), *(element("th", f"called {name}", scope="col") for name in (positive, negative))
    )
    rows = [
        element(
            "tr",
            element("th", truth, scope="row"),
            *(_cell(of[truth, called], place, word, link and link(truth, called)) for called, place, word in cells),
        )
        for truth, cells in (
            (
                positive,
                ((positive, "true-positives", "true positives"), (negative, "false-negatives", "false negatives")),
            ),
            (
                negative,
                ((positive, "false-positives", "false positives"), (negative, "true-negatives", "true negatives")),
            ),
        )
    ]
    shown = element("span", f"{summary['threshold']:.4g}", class_="at")
    caption = element("caption", "Confusion matrix at threshold ", shown, f", {counted(summary['images'], 'image')}")
    return element("table", caption, element("thead", head), element("tbody", *rows), class_="matrix")


def rates(summary: dict[str, Any]) -> Html:
    """What the decisions are worth at the threshold; their intervals are in the table of all numbers."""
    titles = dict(zip(RATES, ("Sensitivity", "Specificity", "Precision", "Negative predictive value"), strict=True))
    parts = []
    for name, title in titles.items():
        entry = summary["metrics"][name]
        undefined = entry["value"] is None
        value = f"undefined: {entry['why']}" if undefined else f"{entry['value']:.3f}"
        look = "undefined" if undefined else None
        parts.append(element("div", element("dt", title), element("dd", value, id=f"rate-{name}", class_=look)))
    return element("dl", *parts, class_="rates", aria_live="polite")


def _cell(count: str, name: str, word: str, address: str | None) -> Html:
    right = name.startswith("true")
    return element(
        "td",
        count_of(count, address, id=name, class_="count"),
        element("small", word),
        class_="right" if right else "wrong",
    )


def count_of(count: object, address: str | None, **attributes: Attribute) -> Html:
    """A number, and the link to what was counted where there is one."""
    return element("span" if address is None else "a", count, href=address, **attributes)


def _names(summary: dict[str, Any]) -> tuple[str, str]:
    """The positive class and the other one."""
    positive = str(summary["positive_class"])
    return positive, next(name for name in summary["classes"] if name != positive)
