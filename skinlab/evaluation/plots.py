"""Plots of one run, each as PNG and SVG beside each other; the same input gives the same bytes.

They show numbers that were computed elsewhere. Matplotlib's own global state (pyplot, the current figure, the user's
matplotlibrc) is left alone and not asked.
"""

import io
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from skinlab.evaluation import ranking
from skinlab.evaluation.metrics import Floats, Integers
from skinlab.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito (2008), "Color Universal Design": told apart with any colour vision. Yellow is left out: it is too pale.
BLUE, VERMILION, GREEN = "#0072B2", "#D55E00", "#009E73"
COLOURS = (BLUE, VERMILION, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.")  # for the classes after the seventh
GREY, FAINT = "#666666", "#BBBBBB"

STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a class name may hold a dollar sign
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "legend.fontsize": 9.5,
    "legend.edgecolor": "none",
    "legend.framealpha": 0.85,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "lines.linewidth": 2.0,
    "savefig.dpi": 144,
    "svg.hashsalt": "skinlab",  # otherwise the ids inside an SVG are random
}
MANY_EPOCHS = 40  # from here on markers hide the line
MANY_CLASSES = 20  # from here on the cells of a confusion matrix are too small for text
NOTE_CHARACTERS_PER_INCH = 14  # of the small print, with a margin
BINARY = 2


def learning_curve(
    records: Sequence[dict[str, Any]], stem: Path, *, best_epoch: int | None = None, note: str = ""
) -> None:
    """Loss, validation scores and learning rate by epoch.

    Args:
        records: lines of metrics.jsonl, at least one, with epoch, train_loss, validation_loss, validation_auc,
            validation_accuracy and learning_rate; a score that is None leaves a gap.
        stem: path without extension.
        best_epoch: the epoch that was chosen, which is marked.
        note: small print, e.g. "phantoms, not patients".

    Raises:
        OutputError: the files cannot be written.
    """
    from matplotlib.ticker import MaxNLocator

    with _figure(stem, (7.2, 7.2), note) as figure:
        losses, scores, rates = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.2))
        losses.set_title("Learning curve", loc="left")
        _lines(losses, records, {"train_loss": ("training", BLUE), "validation_loss": ("validation", VERMILION)})
        losses.set_ylabel("loss (nats)")
        _lines(scores, records, {"validation_auc": ("AUC", BLUE), "validation_accuracy": ("accuracy", GREEN)})
        scores.set(ylabel="validation score", ylim=(None, 1.01))
        _lines(rates, records, {"learning_rate": ("", GREY)})
        rates.set(ylabel="learning\nrate", xlabel="epoch", ylim=(0, None))
        rates.set_xlim(records[0]["epoch"] - 0.5, records[-1]["epoch"] + 0.5)
        rates.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if best_epoch is not None:
            for axes, label in ((losses, f"best epoch: {best_epoch}"), (scores, ""), (rates, "")):
                axes.axvline(best_epoch, color=GREY, linestyle=":", linewidth=1.2, zorder=0, label=label)
        for axes in (losses, scores):
            axes.legend()


def range_test(
    rates: Floats, losses: Floats, smoothed: Floats, stem: Path, *, suggestion: float | None, note: str = ""
) -> None:
    """Loss by learning rate, on a logarithmic scale.

    Args:
        rates: float64 [N], N > 0.
        losses: float64 [N], of the minibatches.
        smoothed: float64 [N], their moving average.
        stem: path without extension.
        suggestion: the rate that is marked, or None.
        note: small print, e.g. "phantoms, not patients".

    Raises:
        OutputError: the files cannot be written.
    """
    from matplotlib.ticker import StrMethodFormatter

    with _figure(stem, (7.2, 4.8), note) as figure:
        axes = figure.subplots()
        axes.set_title("Learning-rate range test", loc="left")
        axes.plot(rates, losses, color=FAINT, linewidth=1.0, label="loss of the minibatch")
        axes.plot(rates, smoothed, color=BLUE, label="smoothed")
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss (nats)", ylim=(0, 1.1 * smoothed.max()))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # matplotlib's own would need its mathematics
        if suggestion is not None:
            label = f"falls fastest at {suggestion:.2g}"
            axes.axvline(suggestion, color=VERMILION, linestyle="--", linewidth=1.2, label=label)
        axes.grid(color="#EEEEEE")
        axes.legend()


def roc(targets: Integers, probabilities: Floats, summary: dict[str, Any], stem: Path, *, note: str = "") -> None:
    """Receiver operating characteristic: of the positive class or, of more than two classes, of each against the rest.

    Args:
        targets: true classes, int64 [N].
        probabilities: float64 [N, C].
        summary: what `skinlab.evaluation.summary.summarise` returned for them; gives names, AUC and operating point.
        stem: path without extension.
        note: small print, e.g. "phantoms, not patients".

    Raises:
        OutputError: the files cannot be written.
    """
    with _figure(stem, (6.4, 6.4), note) as figure:
        axes = _unit_axes(figure, "ROC curve", "1 - specificity", "sensitivity")
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1.2, zorder=0, label="chance")
        for code, name, colour, dashes in _curves(summary):
            curve = ranking.roc_curve(targets == code, probabilities[:, code])
            label = _curve_label(summary, name, "auc", "AUC")
            axes.plot(curve.false_positive_rate, curve.true_positive_rate, dashes, color=colour, label=label)
            specificity, sensitivity = _values(summary, name, "specificity", "sensitivity")
            if specificity is not None and sensitivity is not None:
                _mark_operating_point(axes, summary, 1 - specificity, sensitivity, colour)
        _finish(axes, summary, "auc", "lower right")


def precision_recall(
    targets: Integers, probabilities: Floats, summary: dict[str, Any], stem: Path, *, note: str = ""
) -> None:
    """Precision by sensitivity; dotted: the precision of chance, which is the prevalence. Arguments as for `roc`."""
    with _figure(stem, (6.4, 6.4), note) as figure:
        axes = _unit_axes(figure, "Precision-recall curve", "sensitivity (recall)", "precision")
        for code, name, colour, dashes in _curves(summary):
            curve = ranking.precision_recall_curve(targets == code, probabilities[:, code])
            label = _curve_label(summary, name, "average_precision", "AP")
            axes.plot(curve.recall, curve.precision, dashes, color=colour, drawstyle="steps-pre", label=label)
            if summary["images"]:
                prevalence = summary["classes"][name] / summary["images"]
                axes.axhline(prevalence, color=colour, linestyle=":", linewidth=1.2, zorder=0)
            sensitivity, precision = _values(summary, name, "sensitivity", "precision")
            if sensitivity is not None and precision is not None:
                _mark_operating_point(axes, summary, sensitivity, precision, colour)
        axes.plot([], [], color=GREY, linestyle=":", linewidth=1.2, label="chance (prevalence)")
        _finish(axes, summary, "average_precision", "lower left")


def confusion(summary: dict[str, Any], stem: Path, *, note: str = "") -> None:
    """Confusion matrix: images, and their fraction of the true class, which also is the shade.

    Args:
        summary: what `skinlab.evaluation.summary.summarise` returned.
        stem: path without extension.
        note: small print, e.g. "phantoms, not patients".

    Raises:
        OutputError: the files cannot be written.
    """
    classes = len(summary["classes"])
    undefined = summary["confusion_matrix"] is None
    counts = np.zeros((classes, classes), dtype=np.int64) if undefined else np.array(summary["confusion_matrix"])
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    side = 3.2 + 0.75 * min(len(counts), MANY_CLASSES)
    with _figure(stem, (side + 0.6, side), note) as figure:
        axes = figure.subplots()
        image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        figure.colorbar(image, ax=axes, shrink=0.8, label="fraction of the true class")
        axes.set_title(f"Confusion matrix ({summary['images']} images)", loc="left")
        axes.set(xlabel="decision", ylabel="truth")
        axes.spines[:].set_visible(False)
        _name_ticks(axes, list(summary["classes"]))
        if undefined:
            _say_why(axes, summary["metrics"]["accuracy"]["why"])
        elif len(counts) < MANY_CLASSES:
            _write_cells(axes, counts, shares)


def reliability(summary: dict[str, Any], stem: Path, *, note: str = "") -> None:
    """Calibration plot: by bin the stated probability and the fraction that came true, with its interval.

    Args:
        summary: what `skinlab.evaluation.summary.summarise` returned.
        stem: path without extension.
        note: small print, e.g. "phantoms, not patients".

    Raises:
        OutputError: the files cannot be written.
    """
    points, ece = summary["reliability"], summary["metrics"]["ece"]
    what = summary["positive_class"] if len(summary["classes"]) == BINARY else "the most probable class"
    with _figure(stem, (6.4, 6.4), note) as figure:
        axes = _unit_axes(
            figure, "Calibration", textwrap.fill(f"stated probability of {what}", 60), "observed fraction"
        )
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle="--", linewidth=1.2, zorder=0, label="perfect calibration")
        for point in points:
            if point["low"] is not None and point["high"] is not None:
                axes.plot([point["stated"]] * 2, [point["low"], point["high"]], color=GREY, linewidth=1.0)
        if not points:
            _say_why(axes, ece["why"])
            return
        stated, observed = ([point[key] for point in points] for key in ("stated", "observed"))
        axes.plot(stated, observed, "o-", color=BLUE, markersize=5, label=f"error {_with_interval(summary, 'ece')}")
        axes.legend(loc="upper left")


# --- parts ---------------------------------------------------------------------------------------------------------


def _lines(axes: "Axes", records: Sequence[dict[str, Any]], series: dict[str, tuple[str, str]]) -> None:
    """One line a key of the records: its label and colour."""
    epochs = [record["epoch"] for record in records]
    marker = "o" if len(records) < MANY_EPOCHS else ""
    for key, (label, colour) in series.items():
        values = [np.nan if record[key] is None else record[key] for record in records]
        axes.plot(epochs, values, color=colour, marker=marker, markersize=4, label=label, clip_on=False)
    axes.grid(axis="y", color="#EEEEEE")


def _unit_axes(figure: "Figure", title: str, horizontal: str, vertical: str) -> "Axes":
    axes = figure.subplots()
    axes.set(xlabel=horizontal, ylabel=vertical, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.set_title(title, loc="left")
    axes.grid(color="#EEEEEE")
    return axes


def _curves(summary: dict[str, Any]) -> Iterator[tuple[int, str, str, str]]:
    """Code, name, colour and dashes of each class that has a curve: the positive one of two, else all."""
    names = list(summary["classes"]) if summary["confusion_matrix"] else []
    for code, name in enumerate(names):
        if len(names) > BINARY:
            yield code, name, COLOURS[code % len(COLOURS)], DASHES[code // len(COLOURS) % len(DASHES)]
        elif name == summary["positive_class"]:
            yield code, name, BLUE, "-"


def _curve_label(summary: dict[str, Any], name: str, metric: str, short: str) -> str:
    """The number first: matplotlib leaves a label out that begins with an underscore, as a class name may."""
    if len(summary["classes"]) > BINARY:
        (value,) = _values(summary, name, metric)
        return f"{short} " + ("undefined" if value is None else f"{value:.3f}") + f"  {name}"
    return f"{short} {_with_interval(summary, metric)}"


def _with_interval(summary: dict[str, Any], metric: str) -> str:
    entry = summary["metrics"][metric]
    if entry["value"] is None:
        return "undefined"
    if entry["interval"] is None:
        return f"{entry['value']:.3f}"
    level = f"{100 * summary['confidence']:.10g} %"
    return f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}], {level} {entry['interval']}"


def _mark_operating_point(axes: "Axes", summary: dict[str, Any], x: float, y: float, colour: str) -> None:
    """Where the decisions lie; of more than two classes one legend line, below, speaks for all."""
    threshold = summary["threshold"]
    label = "" if threshold is None else f"operating point: probability at least {threshold:g}"
    axes.plot([x], [y], "o", color=colour, markersize=8, markeredgecolor="white", clip_on=False, zorder=3, label=label)


def _finish(axes: "Axes", summary: dict[str, Any], metric: str, place: Literal["lower right", "lower left"]) -> None:
    """Legend, and a sentence in place of a curve that does not exist."""
    if summary["threshold"] is None:
        axes.plot([], [], "o", color=GREY, markersize=8, markeredgecolor="white", label="most probable class")
    title = f"macro AUC {_with_interval(summary, metric)}" if metric == "auc" and summary["threshold"] is None else None
    axes.legend(loc=place, title=title, title_fontsize=9.5, alignment="left")
    # Without a positive class the mean of all is the only one there.
    entry = summary["metrics"].get(metric, summary["metrics"]["auc"])
    if entry["value"] is None:
        _say_why(axes, entry["why"])


def _values(summary: dict[str, Any], name: str, *metrics: str) -> list[float | None]:
    """Numbers of one class against the rest; None where not defined."""
    return [summary["per_class"][name][metric]["value"] for metric in metrics]


def _say_why(axes: "Axes", why: str) -> None:
    """A sentence in place of what does not exist."""
    sentence = textwrap.fill(f"undefined: {why}", 40)
    axes.text(0.5, 0.6, sentence, ha="center", va="center", color=GREY, transform=axes.transAxes)


def _name_ticks(axes: "Axes", names: list[str]) -> None:
    wrapped = ["\n".join(textwrap.wrap(name, 16)) or name for name in names]
    few = len(names) <= 3  # noqa: PLR2004 - as many as fit beside each other
    axes.set_xticks(range(len(names)), wrapped)
    axes.tick_params(axis="x", rotation=0 if few else 90)
    axes.set_yticks(range(len(names)), wrapped)
    axes.tick_params(length=0)


def _write_cells(axes: "Axes", counts: Integers, shares: Floats) -> None:
    size = max(7.0, 14 - 0.7 * len(counts))
    for (row, column), share in np.ndenumerate(shares):
        # White text from the shade on which black would no longer be told apart from it.
        colour = "white" if share > 0.55 else "#222222"  # noqa: PLR2004
        text = f"{counts[row, column]}\n{100 * share:.0f} %" if counts[row].sum() else "0"
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


# --- files ---------------------------------------------------------------------------------------------------------


@contextmanager
def _figure(stem: Path, size: tuple[float, float], note: str) -> Iterator["Figure"]:
    """A figure to draw on, written as PNG and SVG at the end."""
    import matplotlib as mpl
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style.context("default"), mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        if note:
            lines = textwrap.fill(note, int(size[0] * NOTE_CHARACTERS_PER_INCH))
            figure.supxlabel(lines, fontsize=8.5, color=GREY, style="italic")
        # Rendered in memory first: what was drawn wrongly leaves no file, and the bytes hold no date and no version.
        write_bytes(stem.with_name(stem.name + ".png"), _render(figure, "png", {"Software": None}))
        figure.set_layout_engine("none")  # what was placed for one form stays there for the other
        write_bytes(stem.with_name(stem.name + ".svg"), _render(figure, "svg", {"Date": None, "Creator": None}))


def _render(figure: "Figure", form: str, metadata: dict[str, None]) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, metadata=metadata)
    return buffer.getvalue()
