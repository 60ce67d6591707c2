"""The charts of sweep.html. Colours tell how good a point was, from `q0` to `q5` of page.css."""

from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.evaluation.objectives import DIRECTIONS
from skinlab.report import svg
from skinlab.report.charts import figure
from skinlab.report.markup import Html, element, paragraph, together
from skinlab.report.svg import Area
from skinlab.sweeps.axes import Axis
from skinlab.sweeps.leaderboard import Group
from skinlab.sweeps.outlook import LEVELS, Outlook, Point, fence, spread
from skinlab.sweeps.progress import assigned

Floats = NDArray[np.float64]

MARGIN = (-0.06, 1.06)
"""Of an axis whose values lie from 0 to 1."""
MOST_PAIRS = 6
MOST_CURVES = 120
LATTICE, WIDTH = 25, 0.12
"""Points of a smoothed surface along an axis, and the standard deviation of what is averaged there."""
FEWEST_NEAR = 0.3
"""A surface is drawn where the weights of the points near by add up to so much."""
GAP, TOP, BOTTOM, SIDE = 170.0, 34.0, 300.0, 60.0
NARROWEST = 600.0
"""Of parallel coordinates: of few keys they are not magnified."""


def sixths(outlook: Outlook) -> Html:
    """What the colours mean."""
    shown = [("trace q0", f"worst sixth by {outlook.objectives[0]}"), (f"trace q{LEVELS - 1}", "best sixth")]
    return svg.legend([*shown, ("trace ended", "ended early")] if outlook.pruned else shown)


# --- parallel coordinates ------------------------------------------------------------------------------------------


def parallel(outlook: Outlook) -> Html:
    """Each point as a line across all keys to its value; the best are drawn last."""
    low, high = spread([point.drawn for point in outlook.valued if point.drawn is not None])
    last = len(outlook.axes)
    own = [((value - low) / (high - low), f"{value:.4g}") for value in svg.ticks(low, high)]
    named = [*((axis.name, axis.ticks()) for axis in outlook.axes), (outlook.objectives[0], own)]
    lines = [_trace(point, point.places, "trace ended") for point in outlook.pruned if point.value is None]
    for point in reversed(outlook.valued):
        assert point.drawn is not None  # noqa: S101 - it has a value
        lines.append(_trace(point, (*point.places, (point.drawn - low) / (high - low)), f"trace q{point.level}"))
    drawn = element(
        "svg",
        *lines,
        *(_column(at, name, ticks) for at, (name, ticks) in enumerate(named)),
        viewBox=f"0 0 {max(NARROWEST, 2 * SIDE + last * GAP):g} {BOTTOM + 20:g}",
        role="img",
        aria_label=f"{len(outlook.valued)} points over {', '.join(name for name, _ in named)}",
        class_="chart wide",
    )
    return element("div", drawn, class_="scroll", tabindex=0, role="region", aria_label="Parallel coordinates")


def _column(at: int, name: str, ticks: Iterable[tuple[float, str]]) -> Html:
    x = SIDE + at * GAP
    marks = [element("text", text, x=x - 6, y=_height(place) + 4, text_anchor="end") for place, text in ticks]
    axis = element("line", x1=x, y1=TOP, x2=x, y2=BOTTOM, class_="axis")
    return together([axis, element("text", name, x=x, y=TOP - 14, text_anchor="middle", class_="name"), *marks])


def _trace(point: Point, places: Sequence[float], class_: str) -> Html:
    """A line with its point in words."""
    corners = " ".join(f"{SIDE + at * GAP:g},{_height(place):.1f}" for at, place in enumerate(places))
    return element("polyline", element("title", told(point)), points=corners, class_=class_)


def _height(place: float) -> float:
    return BOTTOM - place * (BOTTOM - TOP)


def told(point: Point) -> str:
    """A point in words."""
    value = "ended early" if point.value is None else f"{point.value:.4f}"
    return f"trial {point.trial.number}: {assigned(point.group.parameters)}: {value}"


# --- slices and contours -------------------------------------------------------------------------------------------


def slices(outlook: Outlook) -> Html:
    """For each key the values of all points by it; where values are listed, also their mean."""
    return element("div", *(_slice(outlook, at, axis) for at, axis in enumerate(outlook.axes)), class_="charts")


def _slice(outlook: Outlook, at: int, axis: Axis) -> Html:
    area = _beside(axis, outlook)
    dots = [_spot(area, point.places[at], point.drawn, point) for point in reversed(outlook.valued)]
    rug = [svg.upright(area, point.places[at], area.y[0], area.y[0] + 0.03 * (area.y[1] - area.y[0]), "trace ended")
           for point in outlook.pruned]  # fmt: skip
    means = _means(outlook.valued, at) if axis.listed else []
    line = svg.line(area, means, "line mean") if axis.is_ordered and len(means) > 1 else ""
    bars = [svg.line(area, [(x - 0.04, y), (x + 0.04, y)], "line mean") for x, y in means]
    best = outlook.valued[0]
    entries: list[tuple[str, object]] = [("marker", f"best: trial {best.trial.number}")]
    entries += [("line mean", "mean of the points with this value")] if means else []
    entries += [("trace ended", "ended early")] if rug else []
    marker = svg.dots(area, [(best.places[at], best.drawn or 0.0)], "marker", svg.MARKER)
    alternative = f"{outlook.objectives[0]} of {len(outlook.valued)} points by {axis.name}"
    return figure(axis.name, svg.chart(area, alternative, line, *bars, *rug, *dots, marker), svg.legend(entries))


def _beside(axis: Axis, outlook: Outlook) -> Area:
    """The plane of a key and the first objective."""
    y = spread([point.drawn for point in outlook.valued if point.drawn is not None])
    places, names = zip(*axis.ticks(), strict=True)
    return Area(axis.name, outlook.objectives[0], MARGIN, y, places, svg.ticks(*y), names)


def _spot(area: Area, x: float, y: float | None, point: Point, class_: str = "") -> Html:
    """A dot with its point in words; in the colour of its sixth, unless a class says otherwise."""
    across, up = area.at(x, y if y is not None else area.y[0])
    looks = class_ or f"q{point.level}"
    return element("circle", element("title", told(point)), cx=across, cy=up, r=3.5, class_=f"spot {looks}")


def _means(points: Sequence[Point], at: int) -> list[svg.Point]:
    places = sorted({point.places[at] for point in points})
    return [(x, float(np.mean([p.drawn for p in points if p.places[at] == x and p.drawn is not None]))) for x in places]


def contours(outlook: Outlook) -> Html:
    """For each pair of keys with numbers the value over their plane, the most important pairs first."""
    ordered = [at for at, axis in enumerate(outlook.axes) if axis.is_ordered]
    shares = outlook.importance.shares or [0.0] * len(outlook.axes)
    pairs = sorted(combinations(ordered, 2), key=lambda pair: -shares[pair[0]] - shares[pair[1]])[:MOST_PAIRS]
    drawn = [_contour(outlook, *pair) for pair in pairs]
    if not drawn:
        return paragraph("There are no two swept keys with numbers.", class_="dim")
    return element("div", *drawn, class_="charts")


def _contour(outlook: Outlook, x: int, y: int) -> Html:
    across, up = outlook.axes[x], outlook.axes[y]
    (x_ticks, x_names), (y_ticks, y_names) = (zip(*axis.ticks(), strict=True) for axis in (across, up))
    area = Area(across.name, up.name, MARGIN, MARGIN, x_ticks, y_ticks, x_names, y_names)
    places = np.array([(point.places[x], point.places[y]) for point in outlook.valued])
    values = np.array([point.drawn for point in outlook.valued], dtype=np.float64)
    listed = bool(across.listed and up.listed)
    xs, ys, surface = at_nodes(places, values) if listed else smoothed(places, values)
    bands = _bands(area, xs, ys, surface, maximize=outlook.directions[0] == "maximize")
    dots = [_spot(area, point.places[x], point.places[y], point, "seat") for point in outlook.valued]
    how = "mean of all points with both values" if listed else "mean of the points near by"
    title = f"{across.name} and {up.name}"
    known = surface[np.isfinite(surface)]
    said = f"{outlook.objectives[0]}, {how}" + (f": {known.min():.4f} to {known.max():.4f}" if known.size else "")
    return figure(title, svg.chart(area, f"Contours: {title}; {said}", *bands, *dots), said)


def at_nodes(places: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Means at the crossings of listed values; NaN where nothing was tried."""
    xs, ys = (np.unique(column) for column in places.T)
    surface = np.full((len(ys), len(xs)), np.nan)
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            here = values[(places == (x, y)).all(axis=1)]
            surface[row, column] = here.mean() if here.size else np.nan
    return xs, ys, surface


def smoothed(places: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Means of what is near by (Nadaraya-Watson, Gaussian); NaN where nothing is."""
    along = np.linspace(0, 1, LATTICE)
    nodes = np.stack(np.meshgrid(along, along), axis=-1)
    distances = ((nodes[:, :, None, :] - places) ** 2).sum(axis=-1)
    weights = np.exp(-distances / (2 * WIDTH**2))
    near = weights.sum(axis=-1)
    return along, along, np.where(near > FEWEST_NEAR, (weights * values).sum(axis=-1) / np.maximum(near, 1e-12), np.nan)


def _bands(area: Area, xs: Floats, ys: Floats, surface: Floats, *, maximize: bool) -> list[Html]:
    """The surface in steps, as areas."""
    from contourpy import contour_generator

    known = surface[np.isfinite(surface)]
    if min(surface.shape) < 2 or not known.size:  # noqa: PLR2004 - a plane has two sides
        return []
    steps = np.linspace(known.min(), known.max(), LEVELS + 1)
    if not np.all(np.diff(steps) > 0):  # flat, but for rounding
        return []
    made: Any = contour_generator(xs, ys, np.ma.masked_invalid(surface), fill_type="OuterOffset")
    bands = []
    for step in range(LEVELS):
        top = steps[step + 1] if step < LEVELS - 1 else np.inf  # the largest value belongs to the last
        polygons, offsets = made.filled(steps[step], top)
        level = step if maximize else LEVELS - 1 - step
        rings = [corners[a:b] for corners, at in zip(polygons, offsets, strict=True) for a, b in pairwise(at)]
        if rings:
            path = "".join(_ring(area, ring) for ring in rings)
            said = element("title", f"{steps[step]:.4f} to {steps[step + 1]:.4f}")
            bands.append(element("path", said, d=path, fill_rule="evenodd", class_=f"band q{level}"))
    return bands


def _ring(area: Area, corners: Floats) -> str:
    return "M" + "L".join("{:.1f},{:.1f}".format(*area.at(x, y)) for x, y in corners.tolist()) + "Z"


# --- over time -----------------------------------------------------------------------------------------------------


def learning(outlook: Outlook) -> Html:
    """The monitored metric of the runs by epoch."""
    order = sorted(outlook.curves, key=lambda one: -1 if one[1] is None else one[1])
    shown = order[:: -(-len(order) // MOST_CURVES)]
    values = [value for _, _, curve in shown for _, value in curve]
    limit = fence(values, DIRECTIONS[outlook.monitor])
    y = spread([limit, max(values) if DIRECTIONS[outlook.monitor] == "maximize" else min(values)])
    most = max(curve[-1][0] for _, _, curve in shown)
    whole = [tick for tick in svg.ticks(0.5, most + 0.5) if tick == int(tick)]
    area = Area("epoch", f"validation {outlook.monitor}", (0.5, most + 0.5), y, whole, svg.ticks(*y))
    lines = [
        svg.line(area, [(epoch, min(max(value, y[0]), y[1])) for epoch, value in curve], _look(trial.status, level))
        for trial, level, curve in shown
    ]
    few = "" if len(shown) == len(order) else f"{len(shown)} of {len(order)} runs, evenly from worst to best. "
    said = f"Validation {outlook.monitor} of {len(shown)} runs by epoch"
    return figure(said, svg.chart(area, said, *lines), few, sixths(outlook))


def _look(status: str, level: int | None) -> str:
    return f"trace q{level}" if status == "finished" and level is not None else "trace ended"


def progress(outlook: Outlook) -> Html:
    """The value of each point by the time that was spent until then, and the best so far."""
    drawn = {point.group.number: point for point in outlook.valued}
    spent = np.cumsum([sum(trial.seconds or 0.0 for trial in group.trials) for group in outlook.groups])
    unit, name = _unit(float(spent[-1]))
    pairs = zip(spent / unit, outlook.groups, strict=True)
    dots = [(float(when), drawn[group.number]) for when, group in pairs if group.number in drawn]
    values = [point.drawn for _, point in dots if point.drawn is not None]
    best = (np.maximum if outlook.directions[0] == "maximize" else np.minimum).accumulate(values)
    ends = [when for when, _ in dots[1:]] + [float(spent[-1]) / unit]
    steps = [(when, float(best[at])) for at, (start, _) in enumerate(dots) for when in (start, ends[at])]
    x, y = (0.0, max(float(spent[-1]) / unit, 1e-9)), spread(values)
    area = Area(f"{name} spent in trials", outlook.objectives[0], x, y, svg.ticks(*x), svg.ticks(*y))
    spots = [_spot(area, when, point.drawn, point) for when, point in dots]
    said = f"The best {outlook.objectives[0]} so far, by time: {values[0]:.4f} to {best[-1]:.4f}"
    drawing = svg.chart(area, said, *spots, svg.line(area, steps, "line mean"))
    return figure("Best so far", drawing, svg.legend([("line mean", "best so far"), ("spot q5", "a point")]))


def durations(outlook: Outlook) -> Html:
    """The time of each run."""
    took = [(trial, trial.seconds) for trial in outlook.sweep.trials if trial.seconds is not None]
    unit, name = _unit(max(seconds for _, seconds in took))
    x, y = (-0.5, len(outlook.sweep.trials) - 0.5), (0.0, 1.05 * max(seconds for _, seconds in took) / unit)
    whole = [tick for tick in svg.ticks(*x) if tick == int(tick)]
    area = Area("trial", name, x, y, whole, svg.ticks(*y))
    looks = {True: "bar whole", False: "bar short"}
    bars = [svg.upright(area, one.number, 0.0, s / unit, looks[one.status == "finished"]) for one, s in took]
    said = f"Time of {len(took)} trials"
    entries = [("bar whole", "finished"), ("bar short", "pruned, failed or interrupted")]
    return figure("Time of each trial", svg.chart(area, said, *bars), svg.legend(entries))


def _unit(seconds: float) -> tuple[float, str]:
    """What time is counted in."""
    for unit, name in ((3600.0, "hours"), (60.0, "minutes")):
        if seconds > 2 * unit:
            return unit, name
    return 1.0, "seconds"


def front(outlook: Outlook, x: int, y: int) -> Html:
    """Two objectives against each other, with Pareto's front of all objectives."""
    best = {group.number for group in outlook.front}
    points = [(group.means[x], group.means[y], group) for group in outlook.ranked]
    xs, ys = spread([point[0] for point in points]), spread([point[1] for point in points])
    one, other = outlook.objectives[x], outlook.objectives[y]
    area = Area(one, other, xs, ys, svg.ticks(*xs), svg.ticks(*ys))
    drawn = [_in_two(area, *point, "spot q1") for point in points if point[2].number not in best]
    drawn += [_in_two(area, *point, "marker") for point in points if point[2].number in best]
    entries = [("marker", "Pareto front"), ("spot q1", "another point is as good in all and better in one")]
    title = f"{one} and {other}"
    alternative = f"{title}: {len(best)} of {len(points)} points on the front"
    return figure(title, svg.chart(area, alternative, *drawn), svg.legend(entries))


def _in_two(area: Area, x: float, y: float, group: Group, class_: str) -> Html:
    across, up = area.at(x, y)
    said = f"trial {group.trials[0].number}: {assigned(group.parameters)}: {x:.4f}, {y:.4f}"
    return element("circle", element("title", said), cx=across, cy=up, r=5, class_=class_)
