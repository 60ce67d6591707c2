"""What the pages show: their blocks, and the commands in them. Runs nothing."""

import ast
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "experiments" / "README.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name != "reference.md"),
]
WORDS = (
    "skinlab",
    "make",
    "pip",
    "source",
    "python",
    "pyenv",
    "conda",
    "torchrun",
    "curl",
    "az",
    "docker",
    "git",
    "ssh",
    "sudo",
)
"""What a line of a shell begins with; a block that begins with anything else is of another kind, or not known."""

Kind = Literal["shell", "python", "yaml", "unknown"]


@dataclass(frozen=True)
class Block:
    """An indented or fenced block of a page.

    Attributes:
        page: its path below the checkout.
        line: of its beginning, from 1.
        text: without its indentation.
    """

    page: str
    line: int
    text: str

    @property
    def kind(self) -> Kind:
        """What it is, by how it begins."""
        first = self.text.split(maxsplit=1)[0]
        if first in (*WORDS, "$") or re.match(r"[A-Z_]+=", first):
            return "shell"
        if self.text.startswith(("# conf/", "# @package")):
            return "yaml"
        return "python" if _is_python(self.text) else "unknown"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in its order."""
    found, lines = [], page.read_text(encoding="utf-8").splitlines()
    place = 0
    while place < len(lines):
        begin = place
        if fence := re.match(r"\s*(```+)", lines[place]):
            place += 1
            while place < len(lines) and not lines[place].strip().startswith(fence[1]):
                place += 1
            text = lines[begin + 1 : place]
            place += 1
        elif lines[place].startswith("    ") and (begin == 0 or not lines[begin - 1].strip()):
            while place < len(lines) and (lines[place].startswith("    ") or not lines[place].strip()):
                place += 1
            text = lines[begin:place]
        else:
            place += 1
            continue
        found.append(Block(name_of(page), begin + 1, textwrap.dedent("\n".join(text)).strip("\n")))
    return found


def commands(block: Block) -> list[str]:
    """The lines of a shell block, each with what continues it; of a block with prompts, what follows a prompt."""
    lines = re.sub(r"\s*\\\n\s*", " ", block.text).splitlines()
    if block.text.startswith("$ "):
        return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    return [line for line in lines if line.strip()]


def inline(page: Path) -> list[str]:
    """The commands of skinlab in the text and the tables of a page."""
    prose = "\n".join(line for line in page.read_text(encoding="utf-8").splitlines() if not line.startswith("    "))
    return [re.sub(r"\s+", " ", found).replace("\\|", "|") for found in re.findall(r"`(skinlab [a-z][^`]*)`", prose)]


def _is_python(text: str) -> bool:
    try:
        return any(
            not isinstance(one, ast.Expr) or isinstance(one.value, ast.Call | ast.Attribute)
            for one in ast.parse(text).body
        )
    except SyntaxError:
        return False
