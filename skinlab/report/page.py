"""report.html: one file with everything in it. The same facts give the same bytes."""

from collections.abc import Callable
from dataclasses import replace

from skinlab.report import sections, threshold
from skinlab.report.document import contents, document, own_file
from skinlab.report.facts import Facts
from skinlab.report.markup import Html

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
    parts = {name: made(facts) for name, (_, made) in PARTS.items()}
    links = contents({name: PARTS[name][0] for name, part in parts.items() if part})
    main = [sections.headline(facts), links, *parts.values()]
    if not threshold.movable(facts.result["test"]):
        return document(facts.title, main)
    return document(facts.title, main, own_file("page.js"), threshold.data(facts.scored, facts.result["test"]))
