"""Charts as SVG that takes its colours from the page: light, dark and print. Draws what it is given, no more."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skinlab.report.markup import Html, element, together

WIDTH, HEIGHT = 360.0, 320.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 12.0, 12.0, 46.0
WIDEST_LEFT, TITLE, CHARACTER = 150.0, 26.0, 7.2
"""How far the left margin grows with the names of the ticks; the room of the axis' title; the width of a character."""
COLOURS, DASHES = 6, 3
"""Classes `c0` ... and `d0` ... of page.css: told apart with any colour vision, and by their dashes after that."""

MARKER = 6.0
"""Radius of the point where the decisions lie."""

Point = tuple[float, float]
UNIT = (0.0, 1.0)
UNIT_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Area:
    """The plane of a chart: the range of the data on both axes, and what these are called; ticks may have names."""

    x_label: str
    y_label: str
    x: Point = UNIT
    y: Point = UNIT
    x_ticks: Sequence[float] = UNIT_TICKS
    y_ticks: Sequence[float] = UNIT_TICKS
    x_names: Sequence[str] | None = None
    y_names: Sequence[str] | None = None

    @property
    def left(self) -> float:
        """The left margin: the names of the ticks do not reach the title of the axis."""
        longest = max(map(len, _names(self.y_ticks, self.y_names)), default=0)
        return min(WIDEST_LEFT, max(LEFT, TITLE + CHARACTER * longest))

    def at(self, x: float, y: float) -> Point:
        """Where a point of the data lies, in units of the view box."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return self.left + across * (WIDTH - self.left - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def chart(area: Area, alternative: str, *parts: object) -> Html:
    """A chart with its axes; `alternative` says what is to be seen to who does not see it."""
    grid = together([*_across(area), *_up(area)])
    names = together(
        [
            element("text", area.x_label, x=(area.left + WIDTH - RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle"),
            element("text", area.y_label, transform=f"translate(13 {(HEIGHT - BOTTOM + TOP) / 2:g}) rotate(-90)",
                    text_anchor="middle"),
        ]
    )  # fmt: skip
    return element(
        "svg",
        grid,
        *parts,
        names,
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
        aria_label=alternative,
        class_="chart",
    )


def _across(area: Area) -> Iterable[Html]:
    """The ticks of the horizontal axis."""
    low, high = area.y
    for value, name in zip(area.x_ticks, _names(area.x_ticks, area.x_names), strict=True):
        (x, bottom), (_, top) = area.at(value, low), area.at(value, high)
        yield element("line", x1=x, y1=bottom, x2=x, y2=top, class_="grid")
        yield element("text", name, x=x, y=bottom + 16, text_anchor="middle")


def _up(area: Area) -> Iterable[Html]:
    """The ticks of the vertical axis."""
    low, high = area.x
    for value, name in zip(area.y_ticks, _names(area.y_ticks, area.y_names), strict=True):
        (left, y), (right, _) = area.at(low, value), area.at(high, value)
        yield element("line", x1=left, y1=y, x2=right, y2=y, class_="grid")
        yield element("text", name, x=left - 6, y=y + 4, text_anchor="end")


def _names(values: Sequence[float], given: Sequence[str] | None) -> Sequence[str]:
    return [f"{value:g}" for value in values] if given is None else given


def look(number: int) -> str:
    """The classes of the n-th line: its colour, and its dashes once the colours are used up."""
    return f"line c{number % COLOURS} d{number // COLOURS % DASHES}"


def line(area: Area, points: Iterable[Point], class_: str) -> Html:
    """A line through points, without those that lie between two others on the way, so that its length is bounded."""
    drawn: list[Point] = []
    for x, y in (area.at(*point) for point in points):
        place = (round(x, 1), round(y, 1))
        if len(drawn) > 1 and _between(drawn[-2], drawn[-1], place):
            drawn.pop()
        if not drawn or drawn[-1] != place:
            drawn.append(place)
    return element("polyline", points=" ".join(f"{x:g},{y:g}" for x, y in drawn), class_=class_)


def _between(first: Point, middle: Point, last: Point) -> bool:
    """Whether the middle one lies on the way, upright or level."""
    return any(
        first[1 - axis] == middle[1 - axis] == last[1 - axis]
        and min(first[axis], last[axis]) <= middle[axis] <= max(first[axis], last[axis])
        for axis in (0, 1)
    )


def dots(area: Area, points: Iterable[Point], class_: str, radius: float = 3) -> Html:
    """A dot at each point."""
    places = (area.at(*point) for point in points)
    return together(element("circle", cx=x, cy=y, r=radius, class_=class_) for x, y in places)


def marker(area: Area, name: str, point: Point | None) -> Html:
    """The point that a slider moves; `None`: it has no place as yet. It carries the plane, for whoever moves it."""
    (left, bottom), (right, top) = area.at(0, 0), area.at(1, 1)
    x, y = area.at(0, 0) if point is None else area.at(*point)
    plane = {"data_left": left, "data_bottom": bottom, "data_width": right - left, "data_height": bottom - top}
    hidden = None if point else "hidden"
    return element("circle", id=name, cx=x, cy=y, r=MARKER, class_="marker", visibility=hidden, **plane)


def upright(area: Area, x: float, low: float, high: float, class_: str) -> Html:
    """A line straight up, e.g. an interval."""
    return line(area, [(x, low), (x, high)], class_)


def legend(entries: Iterable[tuple[str, object]]) -> Html:
    """What the lines mean: their classes and what is said of each."""
    return element("ul", *(element("li", _sample(class_), said) for class_, said in entries), class_="legend")


def _sample(class_: str) -> Html:
    if class_.startswith(("marker", "dot", "spot")):
        drawn = element("circle", cx=14, cy=6, r=5, class_=class_)
    else:
        drawn = element("line", x1=0, y1=6, x2=28, y2=6, class_=class_)
    return element("svg", drawn, viewBox="0 0 28 12", class_="sample", aria_hidden="true")


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between two others, at most `most` + 1 of them.

    >>> ticks(0, 0.7), ticks(1, 15)
    ([0.0, 0.2, 0.4, 0.6], [5.0, 10.0, 15.0])
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]
