"""The charts of the page: learning curves, ROC, precision-recall, calibration. They compute nothing but the curves."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from skinlab.evaluation import ranking
from skinlab.evaluation.summary import BINARY
from skinlab.report import svg
from skinlab.report.facts import Scored
from skinlab.report.markup import Html, element, paragraph, together
from skinlab.report.svg import Area, Point
from skinlab.report.words import number, with_interval

FOLD = "line fold"
"""Look of the curves of single folds."""
MANY_EPOCHS = 40  # from here on dots hide the line


def figure(title: str, drawn: Html, *below: object) -> Html:
    """A chart with its title above and its legend below."""
    return element("figure", element("h3", title), drawn, element("figcaption", *below))


# --- learning ------------------------------------------------------------------------------------------------------


def learning_curves(epochs: Sequence[dict[str, Any]], best_epoch: int | None) -> Html:
    """Loss, and scores of the validation subset, by epoch."""
    losses = {"train_loss": "training", "validation_loss": "validation"}
    scores = {"validation_auc": "AUC", "validation_accuracy": "accuracy"}
    drawn = [
        _learning_curve("Loss", "loss (nats)", epochs, losses, best_epoch),
        _learning_curve("Validation scores", "score", epochs, scores, best_epoch),
    ]
    return element("div", *drawn, class_="charts")


def _learning_curve(
    title: str, y_label: str, epochs: Sequence[dict[str, Any]], series: dict[str, str], best_epoch: int | None
) -> Html:
    known = [record[key] for record in epochs for key in series if record[key] is not None]
    if not known:
        return figure(title, paragraph("undefined: the validation subset does not define it", class_="undefined"))
    area = _by_epoch(y_label, epochs, known)
    parts = [_line_of(area, epochs, key, svg.look(place)) for place, key in enumerate(series)]
    entries: list[tuple[str, object]] = [(svg.look(place), label) for place, label in enumerate(series.values())]
    if best_epoch is not None:
        parts.append(svg.upright(area, best_epoch, *area.y, "chance"))
        entries.append(("chance", f"best epoch: {best_epoch}"))
    first, last = epochs[0], epochs[-1]
    told = "; ".join(f"{label} from {number(first[key])} to {number(last[key])}" for key, label in series.items())
    alternative = f"{title} over epochs {first['epoch']} to {last['epoch']}: {told}"
    return figure(title, svg.chart(area, alternative, *parts), svg.legend(entries))


def _by_epoch(y_label: str, epochs: Sequence[dict[str, Any]], known: Sequence[float]) -> Area:
    """The plane: a little more than the values, with whole epochs below."""
    low, high = min(known), max(known)
    room = 0.05 * (high - low) or 0.05 * abs(high) or 0.05
    first, last = epochs[0]["epoch"], epochs[-1]["epoch"]
    x = (first - 0.5, last + 0.5)
    whole = [tick for tick in svg.ticks(*x) if tick == int(tick)]
    return Area("epoch", y_label, x, (low - room, high + room), whole, svg.ticks(low - room, high + room))


def _line_of(area: Area, epochs: Sequence[dict[str, Any]], key: str, class_: str) -> Html:
    """The line of one key; a value that is not defined leaves a gap."""
    pieces: list[list[Point]] = [[]]
    for record in epochs:
        if record[key] is None:
            pieces.append([])
        else:
            pieces[-1].append((record["epoch"], record[key]))
    drawn = [svg.line(area, piece, class_) for piece in pieces if len(piece) > 1]
    if len(epochs) < MANY_EPOCHS:
        drawn += [svg.dots(area, piece, f"dot {class_}") for piece in pieces]
    return together(drawn)


# --- ranking -------------------------------------------------------------------------------------------------------


def roc(scored: Scored, summary: dict[str, Any], folds: Sequence[Scored] = ()) -> Html:
    """Receiver operating characteristic, with the point where the decisions lie.

    Args:
        scored: the images.
        summary: their numbers.
        folds: of two classes, the parts of the images that one model each has scored; they get curves of their own, and
            the point does not move.
    """
    area = Area("1 - specificity", "sensitivity")
    parts = [svg.line(area, [(0, 0), (1, 1)], "chance")]
    entries: list[tuple[str, object]] = []
    for code, name, class_ in _curves(summary):
        parts += [svg.line(area, points, FOLD) for points in _of_folds(_roc_points, folds, code, summary)]
        if np.isfinite(points := _roc_points(scored, code)).all():
            parts.append(svg.line(area, points, class_))
        entries.append((class_, _told(summary, name, "auc", "AUC")))
        point = _values(summary, name, "specificity", "sensitivity")
        place = None if None in point else (1 - float(point[0] or 0), float(point[1] or 0))
        parts.append(_operating_point(area, "" if folds else "roc-marker", class_, place, summary))
    entries += [*_fold_legend(folds, summary), ("chance", "chance")]
    return _ranking(area, "ROC curve", summary, "auc", parts, entries)


def precision_recall(scored: Scored, summary: dict[str, Any], folds: Sequence[Scored] = ()) -> Html:
    """Precision by sensitivity; chance is the prevalence. Arguments as for `roc`."""
    area = Area("sensitivity (recall)", "precision")
    parts: list[Html] = []
    entries: list[tuple[str, object]] = []
    for code, name, class_ in _curves(summary):
        if prevalence := summary["classes"][name] / max(summary["images"], 1):
            parts.append(svg.line(area, [(0, prevalence), (1, prevalence)], "chance"))
            parts += [svg.line(area, points, FOLD) for points in _of_folds(_precision_points, folds, code, summary)]
            parts.append(svg.line(area, _precision_points(scored, code), class_))
        entries.append((class_, _told(summary, name, "average_precision", "average precision")))
        point = _values(summary, name, "sensitivity", "precision")
        place = None if None in point else (float(point[0] or 0), float(point[1] or 0))
        parts.append(_operating_point(area, "" if folds else "precision-marker", class_, place, summary))
    entries += [*_fold_legend(folds, summary), ("chance", "chance (prevalence)")]
    return _ranking(area, "Precision-recall curve", summary, "average_precision", parts, entries)


def _roc_points(scored: Scored, code: int) -> list[Point]:
    curve = ranking.roc_curve(scored.targets == code, scored.probabilities[:, code])
    return list(zip(curve.false_positive_rate.tolist(), curve.true_positive_rate.tolist(), strict=True))


def _precision_points(scored: Scored, code: int) -> list[Point]:
    curve = ranking.precision_recall_curve(scored.targets == code, scored.probabilities[:, code])
    return _steps(curve.recall.tolist(), curve.precision.tolist())


def _of_folds(
    curve: Callable[[Scored, int], list[Point]], folds: Sequence[Scored], code: int, summary: dict[str, Any]
) -> Iterator[list[Point]]:
    """The curve of each fold that has one; none of more than two classes, where they would hide each other."""
    for fold in folds if len(summary["classes"]) == BINARY else ():
        if np.isfinite(points := curve(fold, code)).all():
            yield points


def _fold_legend(folds: Sequence[Scored], summary: dict[str, Any]) -> list[tuple[str, object]]:
    return [(FOLD, "each fold by itself")] if folds and len(summary["classes"]) == BINARY else []


def _steps(recall: Sequence[float], precision: Sequence[float]) -> list[Point]:
    """Each precision holds for the recall up to it; lines between the points would be too good."""
    corners = [(recall[0], precision[0])]
    for before, after, value in zip(recall, recall[1:], precision[1:], strict=False):
        corners += [(before, value), (after, value)]
    return corners


def _curves(summary: dict[str, Any]) -> Iterator[tuple[int, str, str]]:
    """Code, name and look of each class that has a curve: the positive one of two, else all."""
    names = list(summary["classes"]) if summary["confusion_matrix"] else []
    for code, name in enumerate(names):
        if len(names) > BINARY or name == summary["positive_class"]:
            yield code, name, svg.look(code if len(names) > BINARY else 0)


def _operating_point(area: Area, name: str, class_: str, place: Point | None, summary: dict[str, Any]) -> Html:
    """Where the decisions lie: of two classes a marker, which moves if it has a name; of more a dot for each."""
    there = [place] if place else []
    if len(summary["classes"]) > BINARY:
        return svg.dots(area, there, f"dot {class_}")
    return svg.marker(area, name, place) if name else svg.dots(area, there, "marker", svg.MARKER)


def _ranking(
    area: Area, title: str, summary: dict[str, Any], metric: str, parts: list[Html], entries: list[tuple[str, object]]
) -> Html:
    """The chart, or why there is none; of two classes with the meaning of the marker."""
    entry = summary["metrics"].get(metric, summary["metrics"]["auc"])
    several = len(summary["classes"]) > BINARY
    if entry["value"] is None and (not several or summary["confusion_matrix"] is None):
        return figure(title, paragraph(with_interval(entry), class_="undefined"))
    at = "at the threshold" if summary["threshold"] is not None else "at the threshold of each model"
    last: tuple[str, object] = ("dot line c5", "where the most probable class is taken") if several else ("marker", at)
    what = " of each class against the rest" if several else f"; {metric.replace('_', ' ')} {with_interval(entry)}"
    return figure(title, svg.chart(area, f"{title}{what}", *parts), svg.legend([*entries, last]))


def _told(summary: dict[str, Any], name: str, metric: str, short: str) -> str:
    """What the legend says of a curve."""
    if len(summary["classes"]) == BINARY:
        return f"{short} {with_interval(summary['metrics'][metric])}"
    return f"{name}: {short} {number(summary['per_class'][name][metric]['value'])}"


def _values(summary: dict[str, Any], name: str, *metrics: str) -> list[float | None]:
    return [summary["per_class"][name][metric]["value"] for metric in metrics]


# --- calibration ---------------------------------------------------------------------------------------------------


def calibration(summary: dict[str, Any]) -> Html:
    """Stated probability against what came true, with the intervals of the bins."""
    what = summary["positive_class"] if len(summary["classes"]) == BINARY else "the most probable class"
    title, ece = "Calibration", f"expected calibration error {with_interval(summary['metrics']['ece'])}"
    points = summary["reliability"]
    if not points:
        return figure(title, paragraph(with_interval(summary["metrics"]["ece"]), class_="undefined"))
    area = Area(f"stated probability of {what}", "observed fraction")
    parts = [svg.line(area, [(0, 0), (1, 1)], "chance")]
    parts += [
        svg.upright(area, point["stated"], point["low"], point["high"], "whisker")
        for point in points
        if point["low"] is not None and point["high"] is not None
    ]
    places = [(point["stated"], point["observed"]) for point in points]
    parts += [svg.line(area, places, svg.look(0)), svg.dots(area, places, f"dot {svg.look(0)}")]
    entries: list[tuple[str, object]] = [(svg.look(0), ece), ("chance", "perfect calibration")]
    return figure(title, svg.chart(area, f"{title} in {len(points)} bins; {ece}", *parts), svg.legend(entries))
