"""report.html: one file with everything in it. The same facts give the same bytes.

A page forbids itself all but its own style and its own script, which are named by their hashes.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from skinlab.report import sections, threshold
from skinlab.report.facts import Facts
from skinlab.report.markup import Html, element, together

PARTS: dict[str, tuple[str, Callable[[Facts], Html]]] = {
    "numbers": ("All numbers", sections.all_numbers),
    "decisions": ("Ranking and decisions", sections.ranking),
    "calibration": ("Calibration", sections.calibration),
    "subgroups": ("Subgroups", sections.subgroups),
    "images": ("Images", sections.pictures),
    "learning": ("Learning", sections.learning),
    "data": ("Data", sections.data),
    "configuration": ("Configuration", sections.configuration),
    "reproduce": ("Reproduce", sections.reproduction),
}
"""What follows the headline, by the name that links to it; a part that has nothing to say is empty."""


def page(facts: Facts) -> str:
    """The page.

    Args:
        facts: everything on it.

    Returns:
        HTML, with everything in it.
    """
    facts = replace(facts, scored=facts.scored.of_known_label())
    script = Html(_file("page.js")) if threshold.movable(facts.result["test"]) else None
    parts = {name: made(facts) for name, (_, made) in PARTS.items()}
    named = {name: title for name, (title, _) in PARTS.items() if parts[name]}
    body = [sections.headline(facts), contents(named), *parts.values()]
    given = threshold.data(facts.scored, facts.result["test"]) if script else None
    return document(facts.title, body, given, script)


def document(title: str, body: Iterable[object], given: Html | None = None, script: Html | None = None) -> str:
    """A whole page.

    Args:
        title: of the window.
        body: what is on it.
        given: data for the script.
        script: the only one that may run; None: none may.

    Returns:
        HTML, with everything in it.
    """
    scripts = [given or "", element("script", script)] if script else []
    whole = element("html", _head(title, script), element("body", element("main", *body), *scripts), lang="en")
    return f"<!doctype html>\n{whole}\n"


def contents(parts: Mapping[str, str]) -> Html:
    """Links to the parts of a page: their titles by the names that link to them."""
    entries = together(element("li", element("a", title, href=f"#{name}")) for name, title in parts.items())
    return element("nav", element("ul", entries), aria_label="Sections")


def _head(title: str, script: Html | None) -> Html:
    style = Html(_file("page.css"))
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


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
