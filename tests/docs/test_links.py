"""Links between pages lead somewhere, and every page can be found."""

import json
import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, ROOT, name_of

REFERENCE = ROOT / "docs" / "reference.md"
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
LINK = re.compile(r"\]\(([^)\s]+)\)")


def text_of(path: Path) -> str:
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def anchors(path: Path) -> set[str]:
    """The headings of a page, as GitHub names them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [*PAGES, REFERENCE, *NOTEBOOKS], ids=name_of)
def test_every_link_leads_to_a_file_and_to_a_heading(page: Path) -> None:
    for link in LINK.findall(text_of(page)):
        if link.startswith(("http:", "https:")):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{name_of(page)}: {link} is not there"
        assert not anchor or anchor in anchors(target), f"{name_of(page)}: {link} has no such heading"


def test_the_index_has_every_page() -> None:
    linked = set(LINK.findall(text_of(ROOT / "docs" / "README.md")))
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= linked
    assert {f"notebooks/{path.name}" for path in NOTEBOOKS} <= linked


def test_the_readme_has_every_page() -> None:
    linked = set(LINK.findall(text_of(ROOT / "README.md")))
    assert {name_of(path) for path in [*PAGES, REFERENCE, *NOTEBOOKS]} - {"README.md"} <= linked
