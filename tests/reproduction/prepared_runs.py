"""Run directories up to where training would begin: data, environment.lock and record, as training writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from skinlab import records, schema
from skinlab.config import compose, to_dict
from skinlab.data.prepare import Prepared, prepare
from skinlab.run import Run

LABELS = ("benign", "malignant")


def photographs(root: Path, each: int = 8) -> Path:
    """A folder of small images with a table of their labels, images.csv."""
    root.mkdir()
    rows = ["image,label"]
    for label in LABELS:
        for number in range(each):
            pixels = np.random.default_rng([number, len(label)]).integers(0, 256, (40, 40, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / f"{label}{number}.png")
            rows.append(f"{label}{number},{label}")
    (root / "images.csv").write_text("\n".join(rows) + "\n")
    return root


def words(images: Path) -> list[str]:
    """The overrides that declare it."""
    columns = ["dataset.image_column=image", "dataset.label_column=label"]
    return ["dataset=table", f"dataset.path={images / 'images.csv'}", *columns, "network.image_size=32"]


def relabel(images: Path, image_id: str, label: str) -> None:
    """Another label in the table."""
    table = images / "images.csv"
    old = next(line for line in table.read_text().splitlines() if line.startswith(f"{image_id},"))
    table.write_text(table.read_text().replace(f"{old}\n", f"{image_id},{label}\n"))


def prepared_run(path: Path, overrides: Sequence[str], runtime: dict[str, str] | None = None, **facts: Any) -> Run:
    """A finished run with the data that `overrides` declare."""
    config = compose(["name=debug", *overrides]).config
    run = Run.create(
        path,
        {"experiment": config.name, "seed": 1, "config": to_dict(config), **records.environment()},
    )
    records.data(run, _prepared(run, config))
    records.engine(run, {"name": "torch"}, runtime or {})
    run.update(status="finished", **facts)
    return run


def _prepared(run: Run, config: schema.Config) -> Prepared:
    dataset = records.pinned(config.dataset, run)
    return prepare(dataset, config.split, config.network.image_size, audit=config.audit)
