"""The page of a comparison: one file with everything in it, in the look of report.html. Computes nothing but curves."""

import base64
from collections.abc import Iterator, Sequence

import numpy as np

from skinlab import records
from skinlab.comparison import tables
from skinlab.comparison.arms import Arm, best_first
from skinlab.comparison.comparing import Comparison, Standing
from skinlab.comparison.disagreement import Answer, Disagreement, Disputed, disagreements
from skinlab.comparison.verdict import Pair, sentence
from skinlab.evaluation import ranking
from skinlab.evaluation.metrics import Floats
from skinlab.evaluation.summary import BINARY
from skinlab.evaluation.tables import labels_of
from skinlab.report import svg
from skinlab.report.charts import figure
from skinlab.report.document import contents, document
from skinlab.report.galleries import SIDE
from skinlab.report.markup import Html, element, paragraph, section, table, together
from skinlab.report.svg import Area
from skinlab.report.words import counted

CURVES = svg.COLOURS
"""Experiments that are drawn; more lines are not told apart."""
HEAT = """Beside an image: where each network sees the class that it called (Grad-CAM, yellow is most). It shows what
was used, not whether that is right."""
READING = """The verdicts are by Holm's procedure over all pairs; each interval is of its pair alone. SD by images is
how much the difference would vary with other test images, SD by seeds with other seeds of training. Other hospitals,
cameras and populations are in neither."""


def comparison_page(comparison: Comparison) -> str:
    """The page.

    Args:
        comparison: what is said; one that is not ranked has a page too, with the reasons.

    Returns:
        HTML.
    """
    return document(title(comparison), content(comparison))


def content(comparison: Comparison) -> list[Html]:
    """What the page says, for a page with a head of its own."""
    disputed = disagreements(comparison)
    parts: dict[str, tuple[str, list[Html]]] = {
        "experiments": ("Experiments", list(_experiments(comparison))),
        "differences": ("Differences", list(_differences(comparison)) if comparison.pairs else []),
        "roc": ("ROC curves", list(_curves(comparison)) if comparison.ranked else []),
        "numbers": ("All numbers", [_all_numbers(comparison)]),
        "images": ("Images on which they disagree", list(_galleries(disputed)) if disputed else []),
    }
    kept = {name: (title, inside) for name, (title, inside) in parts.items() if inside}
    sections = [section(name, title, *inside) for name, (title, inside) in kept.items()]
    links = contents({name: title for name, (title, _) in kept.items()})
    return [_headline(comparison), links, *sections]


def title(comparison: Comparison) -> str:
    """What is compared, in a few words."""
    return f"{comparison.label} of {counted(len(comparison.standings), 'experiment')}"


# --- what is said --------------------------------------------------------------------------------------------------


def _headline(comparison: Comparison) -> Html:
    warning = "; ".join(filter(None, [records.RESEARCH_NOTE, comparison.note]))
    looked = tables.looked(comparison)
    remarks = [*comparison.remarks, *([looked] if looked else [])]
    return together(
        [
            element("h1", title(comparison)),
            paragraph(f"{warning[0].upper()}{warning[1:]}.", class_="warning"),
            paragraph(tables.heading(comparison), "."),
            _causes(comparison),
            element("ul", *(_verdict(pair) for pair in comparison.pairs), class_="verdicts"),
            element("ul", *(element("li", f"{remark}.") for remark in remarks), class_="remarks"),
        ]
    )


def _verdict(pair: Pair) -> Html:
    said = f"{sentence(pair)}."
    return element("li", element("strong", said) if pair.better else said)


def _causes(comparison: Comparison) -> Html:
    """Why the runs are not comparable, and what was done about it."""
    if not comparison.causes:
        return Html("")
    done = {
        "all": "Not ranked, because the runs are not comparable:",
        "common": "The runs are not comparable as they are; compared on the images that are the same (--common):",
        "forced": "The runs are not comparable, and were compared all the same (--force):",
    }
    listed = element("ul", *(element("li", cause) for cause in comparison.causes))
    return together([paragraph(done[comparison.question.mode], class_="warning"), listed])


def _experiments(comparison: Comparison) -> Iterator[Html]:
    (_, *names), *rows = tables.experiment_rows(comparison, _number)
    caption = "The declared keys in which the experiments differ, and the number that decides"
    yield table(caption, ["Experiment", *names], rows)  # a head without words is none to a screen reader
    yield element("ul", *(element("li", element("code", place)) for place in tables.places(comparison)))
    if comparison.left_out:
        yield paragraph("Left out:")
        yield element("ul", *(element("li", f"{one.path}: {one.why}") for one in comparison.left_out))


def _differences(comparison: Comparison) -> Iterator[Html]:
    yield paragraph(READING, class_="dim")
    head = ("Pair", *(name[0].upper() + name[1:] for name in tables.PAIR_COLUMNS[1:]))
    yield table(comparison.label, head, [tables.pair_cells(pair) for pair in comparison.pairs])


def _all_numbers(comparison: Comparison) -> Html:
    labels = labels_of(comparison.standings[0].arm.runs[0].result["test"])
    first, *others = comparison.standings
    names = [name for name in first.numbers if all(name in one.numbers for one in others)]
    rows = [(labels[name], *(_number(one, name) for one in comparison.standings)) for name in names]
    caption = "Numbers of the test images; that of several runs is their mean. Only the differences above are tested"
    return table(caption, ("Number", *(one.arm.name for one in comparison.standings)), rows)


def _number(standing: Standing, metric: str) -> Html:
    """As on the terminal, an interval in one piece."""
    value, bracket, rest = tables.number(standing, metric).partition(" [")
    bounds, closing, spread = rest.partition("]")
    return together(
        [value, " ", element("span", f"[{bounds}{closing}", class_="nowrap"), spread] if bracket else [value]
    )


# --- curves --------------------------------------------------------------------------------------------------------


def _curves(comparison: Comparison) -> Iterator[Html]:
    """A chart for the positive class, or for each of more than two."""
    ranked = best_first([one.arm for one in comparison.standings], comparison.question.metric)
    drawn = [arm for arm in (one.arm for one in comparison.standings) if arm in ranked[:CURVES]]
    said = ["A curve of several runs is their mean at each specificity (Fawcett 2006)."]
    if len(ranked) > CURVES:
        said.append(f"Drawn are the {CURVES} best on validation.")
    yield paragraph(" ".join(said), class_="dim")
    images, names = comparison.folds[0].images, comparison.folds[0].runs[0].record["classes"]
    codes = range(images.classes) if images.positive is None or images.classes > BINARY else [images.positive]
    yield element("div", *(_curve(comparison, drawn, code, names[code]) for code in codes), class_="charts")


def _curve(comparison: Comparison, drawn: Sequence[Arm], code: int, name: str) -> Html:
    area = Area("1 - specificity", "sensitivity")
    parts, entries = [svg.line(area, [(0, 0), (1, 1)], "chance")], []
    for place, arm in enumerate(drawn):
        points = _mean_curve(comparison, arm, code)
        if np.isfinite(points).all():
            parts.append(svg.line(area, [(float(x), float(y)) for x, y in points], svg.look(place)))
            entries.append((svg.look(place), _entry(comparison, arm)))
    title = f"ROC curves, {name}"
    told = f"{title}: {', '.join(arm.name for arm in drawn)}"
    return figure(title, svg.chart(area, told, *parts), svg.legend([*entries, ("chance", "chance")]))


def _entry(comparison: Comparison, arm: Arm) -> str:
    """What the legend says of an experiment: the AUC where it is the one of the curve."""
    standing = next(one for one in comparison.standings if one.arm is arm)
    if comparison.folds[0].images.classes > BINARY:
        return arm.name
    return f"{arm.name}: AUC {tables.number(standing, 'auc')}"


def _mean_curve(comparison: Comparison, arm: Arm, code: int) -> Floats:
    """The curve of an experiment, float64 [points, 2]: of one run as it is, of several their vertical mean."""
    curves = [
        ranking.roc_curve(fold.images.targets == code, fold.images.probabilities[model][:, code])
        for fold in comparison.folds
        for model in fold.models(arm)
    ]
    if len(curves) == 1:
        return np.stack([curves[0].false_positive_rate, curves[0].true_positive_rate], axis=1)
    grid = np.unique(np.concatenate([curve.false_positive_rate for curve in curves]))
    heights = [np.interp(grid, curve.false_positive_rate, curve.true_positive_rate) for curve in curves]
    return np.stack([np.append(0.0, grid), np.append(0.0, np.mean(heights, axis=0))], axis=1)


# --- images --------------------------------------------------------------------------------------------------------


def _galleries(found: Sequence[Disagreement]) -> Iterator[Html]:
    yield paragraph(HEAT, class_="dim")
    for one in found:
        yield element("h3", f"{one.one} and {one.other}")
        yield paragraph(
            f"{counted(one.one_right, 'image')} called rightly by {one.one} alone, {one.other_right} by {one.other} "
            f"alone (seeds {one.seeds[0]} and {one.seeds[1]}); below are those on which they are farthest apart.",
            class_="dim",
        )
        if one.missing:
            yield paragraph(f"{one.missing[0].upper()}{one.missing[1:]}.", class_="dim")
        yield element("div", *(_disputed(one, shown) for shown in one.shown), class_="gallery wide")


def _disputed(pair: Disagreement, shown: Disputed) -> Html:
    images = [_image(shown.image, f"image {shown.image_id}")]
    images += [
        _image(answer.heat, f"heat map of {name} for {answer.decision} over image {shown.image_id}")
        for name, answer in ((pair.one, shown.one), (pair.other, shown.other))
    ]
    caption = element(
        "figcaption",
        _said(pair.one, shown.one),
        "; ",
        _said(pair.other, shown.other),
        f"; it is {shown.truth}",
        element("br"),
        shown.image_id,
    )
    return element("figure", element("div", *images, class_="pair"), caption)


def _said(name: str, answer: Answer) -> Html:
    return together([element("b", f"{name}: {answer.decision}"), f" ({answer.probability:.3f})"])


def _image(jpeg: bytes | None, alternative: str) -> Html:
    if jpeg is None:
        return Html("")
    source = "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()
    return element("img", src=source, alt=alternative, width=SIDE, height=SIDE)
