"""A page in one file that forbids itself all but its own style and its own script, which are named by their hashes."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from skinlab.look import colours
from skinlab.report.markup import Html, element, together


def document(title: str, main: Sequence[Html], script: Html | None = None, data: Html | None = None) -> str:
    """The page; the same arguments give the same bytes.

    Args:
        title: of the page.
        main: its parts.
        script: JavaScript of ours, or None.
        data: an element that the script reads.

    Returns:
        HTML, with everything in it.
    """
    scripts = [data or "", element("script", script)] if script else []
    whole = element("html", _head(title, script), element("body", element("main", *main), *scripts), lang="en")
    return f"<!doctype html>\n{whole}\n"


def contents(titles: Mapping[str, str]) -> Html:
    """Links to the sections of these names."""
    entries = together(element("li", element("a", title, href=f"#{name}")) for name, title in titles.items())
    return element("nav", element("ul", entries), aria_label="Sections")


def _head(title: str, script: Html | None) -> Html:
    style = Html(colours() + own_file("page.css"))
    allowed = [
        "default-src 'none'",
        "img-src data:",
        f"style-src {_hash(style)}",
        "script-src " + (_hash(script) if script else "'none'"),
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content="; ".join(allowed)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        element("style", style),
    )


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def own_file(name: str) -> Html:
    """The style or the script that lies beside this module."""
    return Html(_file(name))


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
