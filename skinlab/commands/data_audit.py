"""`skinlab data audit`: what is wrong with the declared data set, as a table, audit.json and a page with the images."""

import dataclasses
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import declaring_parser
from skinlab.errors import ConfigError
from skinlab.logs import visible

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinlab import schema
    from skinlab.data.audit.page import Section
    from skinlab.data.prepare import Prepared

HELP = """usage: skinlab data audit [overrides] [--out DIR]

Prepares the declared data set as training would, and prints what is found: leaks between subsets, corrupt files,
duplicates, near-duplicates, conflicting labels, outliers, small classes.

  --out DIR         where audit.json and audit.html are written (default: audit-<data set>)
  --config-dir DIR  a further folder of configuration

Exit status: 0, or 1 if images leak from one subset into another.
"""
_EXAMPLES = 3


def main(argv: list[str]) -> int:
    """Runs `skinlab data audit ARGV`.

    Returns:
        1 if there are leaks, else 0.

    Raises:
        SkinlabError: the declaration is wrong, the data cannot be used, or the results cannot be written.
    """
    parser = declaring_parser("data audit")
    parser.add_argument("--out", type=Path)
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    if options.multirun:
        raise ConfigError("skinlab data audit looks at one data set: leave out -m")
    from skinlab.config import compose

    config = compose(options.overrides, options.config_dirs).config
    prepared = examined(config)
    out = options.out or Path(f"audit-{config.dataset.name}")
    write(prepared, config.dataset.name, out)
    _print(prepared, out)
    return 1 if prepared.findings.leaks else 0


def examined(config: "schema.Config") -> "Prepared":
    """The data set as training would have it, but for leaks: here they are shown, not acted on.

    Raises:
        DataError: it cannot be used.
    """
    from skinlab.data.prepare import prepare

    rules = dataclasses.replace(config.audit, on_leak="warn")
    return prepare(config.dataset, config.split, config.network.image_size, audit=rules)


def write(prepared: "Prepared", name: str, out: Path) -> None:
    """Writes audit.json and audit.html.

    Raises:
        OutputError: the folder cannot be written.
    """
    from skinlab import files
    from skinlab.data.audit.page import audit_page

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.output_error(out, error) from error
    files.write_json(out / "audit.json", prepared.audit)
    files.write_text(out / "audit.html", audit_page(name, prepared.findings, _Images(prepared)))


class _Images(Mapping[str, "npt.NDArray[np.uint8]"]):
    """The decoded images by id, read when they are asked for."""

    def __init__(self, prepared: "Prepared") -> None:
        self._images = prepared.images
        self._rows = {name: row for row, name in enumerate(prepared.manifest.image_ids)}

    def __getitem__(self, image_id: str) -> "npt.NDArray[np.uint8]":
        image: npt.NDArray[np.uint8] = self._images[self._rows[image_id]]
        return image

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def _print(prepared: "Prepared", out: Path) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from skinlab.data.audit.page import sections

    table = Table("finding", "count", "first", box=None, pad_edge=False)
    for section in sections(prepared.findings):
        style = "red" if section.bad and section.entries else ""
        table.add_row(
            Text(section.title, style=style), str(len(section.entries)), Text(visible(first(section)), overflow="fold")
        )
    found = prepared.findings
    table.add_row("Images without a group", str(found.images_without_group), f"of {found.images}")
    Console().print(table)
    sys.stdout.write(f"written: {out / 'audit.json'}, {out / 'audit.html'}\n")


def first(section: "Section") -> str:
    """The first examples in one line."""
    said = [
        f"{', '.join(name for name, _ in entry.images[:2])} ({entry.why})" if entry.images else entry.why
        for entry in section.entries[:_EXAMPLES]
    ]
    return "; ".join(said)
