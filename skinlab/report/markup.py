"""HTML and SVG as strings in which whatever is not markup already is escaped. Knows no page."""

from collections.abc import Iterable
from html import escape

VOID = frozenset({"br", "img", "input", "link", "meta"})
"""Elements of HTML that have no end."""

Attribute = str | int | float | None


class Html(str):
    """Text that is markup: it was escaped, or written by us."""

    __slots__ = ()


def text(value: object) -> Html:
    """Markup as it is, anything else escaped.

    >>> text("<script>"), text(Html("<b>"))
    ('&lt;script&gt;', '<b>')
    """
    return value if isinstance(value, Html) else Html(escape(str(value)))


def element(tag: str, *children: object, **attributes: Attribute) -> Html:
    """An element with its children and attributes.

    Args:
        tag: its name.
        children: markup, or text that is escaped.
        attributes: a trailing underscore is dropped, others become hyphens; None leaves one out, "" needs no value.

    >>> element("td", "a < b", class_="wrong", data_row=1)
    '<td class="wrong" data-row="1">a &lt; b</td>'
    """
    given = ((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items() if value is not None)
    inside = "".join(f" {name}" if value == "" else f' {name}="{escape(_number(value))}"' for name, value in given)
    end = "" if tag in VOID else f"{together(children)}</{tag}>"
    return Html(f"<{tag}{inside}>{end}")


def together(parts: Iterable[object], between: str = "") -> Html:
    """Parts one after another, each escaped unless it is markup."""
    return Html(text(between).join(text(part) for part in parts))


def _number(value: str | int | float) -> str:
    """Two digits behind the point are a hundredth of a pixel."""
    return f"{round(value, 2):g}" if isinstance(value, float) else str(value)


def table(caption: str, head: Iterable[object], rows: Iterable[Iterable[object]]) -> Html:
    """A table that names its columns, and each row by its first cell; it scrolls sideways where it does not fit."""
    columns = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = together(_row(list(cells)) for cells in rows)
    title = element("caption", element("span", caption))
    whole = element("table", title, element("thead", columns), element("tbody", body))
    return element("div", whole, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _row(cells: list[object]) -> Html:
    return element("tr", element("th", cells[0], scope="row"), *(element("td", cell) for cell in cells[1:]))


def section(name: str, title: str, *parts: object) -> Html:
    """A part of the page with its heading; `name` is what links to it."""
    return element(
        "section", element("h2", title, id=f"{name}-title"), *parts, id=name, aria_labelledby=f"{name}-title"
    )


def paragraph(*parts: object, class_: str | None = None) -> Html:
    """A paragraph."""
    return element("p", *parts, class_=class_)
