"""report.html: one file with everything in it. The same facts give the same bytes.

The page forbids itself all but its own style and its own script, which are named by their hashes.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from skinlab.report import sections, threshold
from skinlab.report.facts import Facts
from skinlab.report.markup import Html, element, together

LINKS = {
    "numbers": "All numbers",
    "threshold-section": "Ranking and decisions",
    "calibration": "Calibration",
    "subgroups": "Subgroups",
    "images": "Images",
    "learning": "Learning",
    "data": "Data",
    "configuration": "Configuration",
    "reproduce": "Reproduce",
}


def page(facts: Facts) -> str:
    """The page.

    Args:
        facts: everything on it.

    Returns:
        HTML, with everything in it.
    """
    script = Html(_file("page.js")) if threshold.movable(facts.result["test"]) else None
    body = [
        sections.headline(facts),
        _contents(),
        sections.all_numbers(facts),
        sections.ranking(facts),
        sections.calibration(facts),
        sections.subgroups(facts),
        sections.pictures(facts),
        sections.learning(facts),
        sections.data(facts),
        sections.configuration(facts),
        sections.reproduction(facts),
    ]
    scripts = [threshold.data(facts.scored, facts.result["test"]), element("script", script)] if script else []
    whole = element("html", _head(facts.title, script), element("body", element("main", *body), *scripts), lang="en")
    return f"<!doctype html>\n{whole}\n"


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


def _contents() -> Html:
    entries = together(element("li", element("a", said, href=f"#{name}")) for name, said in LINKS.items())
    return element("nav", element("ul", entries), aria_label="Sections")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
