"""`skinlab data preview`: a contact sheet of training images, each as training sees it epoch by epoch."""

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from skinlab.commands.arguments import declaring_parser
from skinlab.errors import ConfigError

if TYPE_CHECKING:
    from skinlab import schema
    from skinlab.data.contact_sheet import Row
    from skinlab.data.loader import Loader
    from skinlab.data.prepare import Prepared

IMAGES, CHANGES, MOST = 3, 7, 100
HELP = f"""usage: skinlab data preview [overrides] [--images N] [--changes M] [--out FILE.png]

Prepares the declared data set as training would and draws a sheet of training images: one line for each, first as it
is, then as training sees it in the first epochs (or its fixed copies, with augmentation.copies).

  --images N        images of each class (default {IMAGES})
  --changes M       epochs or copies of each (default {CHANGES})
  --out FILE.png    what is written (default preview.png)
  --config-dir DIR  a further folder of configuration

example: skinlab data preview augmentation=dermoscopy dataset=folder dataset.path=PATH
"""


def main(argv: list[str]) -> int:
    """Runs `skinlab data preview ARGV`.

    Returns:
        0: the sheet is written.

    Raises:
        SkinlabError: the declaration is wrong, the data cannot be used, or the sheet cannot be written.
    """
    parser = declaring_parser("data preview")
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--changes", type=int, default=CHANGES)
    parser.add_argument("--out", type=Path, default=Path("preview.png"))
    options = parser.parse_intermixed_args(argv)
    if options.help:
        sys.stdout.write(HELP)
        return 0
    _check(options)
    from skinlab import files
    from skinlab.config import compose

    config = compose(options.overrides, options.config_dirs).config
    files.write_bytes(options.out, sheet(config, options.images, options.changes))
    sys.stdout.write(f"written: {options.out}\n")
    return 0


def _check(options: Namespace) -> None:
    if options.multirun:
        raise ConfigError("skinlab data preview looks at one declaration: leave out -m")
    for name in ("images", "changes"):
        check_range(f"--{name}", getattr(options, name))
    if options.out.suffix.lower() != ".png":
        raise ConfigError(f"--out {options.out}: must end in .png")


def check_range(option: str, number: int) -> None:
    """Refuses a sheet without images, or with more than anyone looks at.

    Raises:
        ConfigError: names the option.
    """
    if not 1 <= number <= MOST:
        raise ConfigError(f"{option} {number}: must be 1 to {MOST}")


def sheet(config: "schema.Config", images: int, changes: int) -> bytes:
    """The contact sheet of a declaration, as PNG.

    Args:
        config: the declaration.
        images: how many of each class are shown.
        changes: how many epochs or copies of each.
    """
    from skinlab import networks
    from skinlab.data import contact_sheet
    from skinlab.data.prepare import prepare
    from skinlab.methods.finetune import make_loader

    data = prepare(config.dataset, config.split, config.network.image_size, audit=config.audit)
    loader = make_loader(config, data, networks.build(config.network, len(data.classes)).features)
    columns, rows = _rows(data, loader, images, changes)
    title = (
        f"augmentation={config.augmentation.name}, training images of dataset={config.dataset.name}, seed {config.seed}"
    )
    return contact_sheet.draw(title, columns, rows, notes(config))


def _rows(data: "Prepared", loader: "Loader", images: int, changes: int) -> tuple[list[str], list["Row"]]:
    """The captions of the columns, and the lines of the sheet."""
    from skinlab.data import preview
    from skinlab.data.contact_sheet import Row

    columns: list[str] = []
    rows: list[Row] = []
    for label, chosen in enumerate(preview.choose(loader, images)):
        for number, row in enumerate(chosen.tolist()):
            shown = preview.changes(loader, row, changes)
            columns = ["as it is", *(one.caption for one in shown)]
            targets = [preview.describe_target(one.target, data.classes) if loader.mixup else "" for one in shown]
            pictures = [loader.images[row], *(one.image for one in shown)]
            apart = number == 0 and bool(rows)
            rows.append(Row(data.classes[label], data.manifest.image_ids[row], pictures, ["", *targets], apart))
    return columns, rows


def notes(config: "schema.Config") -> list[str]:
    """What must be known of the images that are shown."""
    from skinlab import schema

    said = []
    if isinstance(config.dataset, schema.SyntheticDataset):
        said.append("These are phantoms: drawn, not images of patients.")
    if config.dataset.shuffle_labels:
        said.append("Labels were shuffled as a negative control.")
    if config.training.mixup:
        mixup = f"training.mixup={config.training.mixup:g}"
        said.append(f"{mixup}: each image is mixed with another; below it, the target it is trained towards.")
    return said
