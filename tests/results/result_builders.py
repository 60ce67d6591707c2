"""A finished run with images that can be looked at, and a bundle that explains itself; nothing is trained."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from skinlab.config import compose
from skinlab.data.sources import load
from tests.comparison.run_builders import Made, finished
from tests.serving.bundles import write_bundle

SEXES = ("female", "male", "")


def images(folder: Path, count: int = 80) -> list[str]:
    """A table of small images of two classes, by turns, with sex and age; the overrides that declare it."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    lines = ["image,label,sex,age"]
    for number in range(count):
        pixels = generator.integers(0, 256, size=(12, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
        label = ("benign", "malignant")[number % 2]
        lines.append(f"{number:03},{label},{SEXES[number % 3]},{20 + number}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    return [
        "dataset=table",
        f"dataset.path={folder / 'table.csv'}",
        "dataset.image_column=image",
    ]


def finished_run(path: Path, declared: list[str], *overrides: str, **changes: Any) -> Path:
    """A finished run on these images, a quarter of them in each scored subset."""
    manifest = load(compose(declared).config.dataset)
    contents = [sha256(Path(file).read_bytes()).hexdigest() for file in manifest.paths]
    files = tuple(zip(manifest.image_ids, contents, strict=True))
    made = Made(images=len(files) // 4, files=files, **changes)
    run = finished(path, *declared, "evaluation.subgroups=[sex]", *overrides, made=made)
    write_bundle(run / "bundle")
    return run
