"""The pages, one module each with `router(workplace) -> APIRouter`; `skinlab.web.app` joins them.

A new page is a module here, a line in `skinlab.web.app` and, where the navigation leads to it, an entry below. Knows no
page itself.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """A link of the navigation; pages below its path belong to it."""

    title: str
    path: str


RUNS = "/runs"
ENTRIES = (Entry("Review", "/review"), Entry("Results", "/results"), Entry("Runs", RUNS))
"""In their order; the first is the front page, or where no data set is under review, that of the runs."""
