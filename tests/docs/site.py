"""A place to work in as pages have it: images, tables, runs and sweeps under the names that the pages say."""

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import skinlab as skinlab_package
from skinlab.config import compose
from skinlab.run import Run
from skinlab.sweeps.state import Sweep
from tests.docs.shell import skinlab

RUN = "outputs/runs/mine/20261122-205246-c4a78a"
NAMED = {
    "docs/runs.md": {
        "outputs/runs/debug/20261124-151904-5ac82c": "mine",
        "outputs/runs/debug/20261124-151852-f11c8d": "base",
    },
    "docs/reproduce.md": {"outputs/runs/debug/20261124-151852-f11c8d": "mine"},
    "docs/compare.md": {"outputs/runs/base/20261122-205246-c4a78a": "base"},
}
"""Runs that a page names by the end of their id, and which prepared run each is."""
DIAGNOSES = {"benign": ("nv", "bkl", "df", "vasc"), "malignant": ("mel", "bcc", "akiec")}
EACH = 24


def pictures(site: Path, web: str) -> None:
    """The images and tables that the pages name; of drawn noise."""
    generator = np.random.default_rng(0)
    rows = []
    for label in DIAGNOSES:
        (site / "images" / label).mkdir(parents=True)
        for number in range(EACH):
            name = f"ISIC_{number:07}"
            dark = 90 if label == "malignant" else 170
            pixels = np.clip(generator.normal(dark, 40, (48, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(site / "images" / label / f"{name}.jpg", quality=90)
            rows.append(
                {
                    "image_id": f"images/{label}/{name}.jpg",
                    "label": label,
                    "diagnosis": label,
                    "lesion_id": f"{label}{number // 2}",
                    "sex": ("female", "male")[number % 2],
                    "site": ("back", "arm")[number % 3 == 0],
                    "age_approx": str(20 + 5 * (number % 12)),
                    "url": f"{web}/images/{label}/{name}.jpg",
                    "name": f"{label}_{name}.jpg",
                }
            )
    _table(site / "images.csv", rows)
    _ham(site, rows)
    shutil.copytree(site / "images", site / "isic2017" / "images")
    _table(site / "isic2017" / "metadata.csv", rows)
    _weights(site / "model.pth")
    (site / "clinic").mkdir()
    for name in ("a.jpg", "b.jpg", "extra.jpg", "clinic/1.jpg", "clinic/2.jpg"):
        shutil.copy(site / "images" / "benign" / "ISIC_0000001.jpg", site / name)


def _ham(site: Path, rows: list[dict[str, str]]) -> None:
    table = []
    for number, row in enumerate(rows):
        choices = DIAGNOSES[row["label"]]
        image = f"ISIC_{20000 + number:07}"
        pixels = np.asarray(Image.open(site / row["image_id"]))[:, ::-1]
        (site / "HAM10000").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(site / "HAM10000" / f"{image}.jpg", quality=90)
        known = {"lesion_id": f"HAM_{number // 2}", "image_id": image, "dx": choices[number // 2 % len(choices)]}
        table.append(
            known | {"dx_type": "histo", "age": row["age_approx"], "sex": row["sex"], "localization": row["site"]}
        )
    _table(site / "HAM10000" / "HAM10000_metadata.csv", table)


def _weights(path: Path) -> None:
    """A file of weights as PyTorch saves them."""
    import torch

    torch.save({"fc.weight": torch.zeros(2, 3)}, path)


def addresses() -> None:
    """Leave of images.csv what a table of addresses may have."""
    with Path("images.csv").open(newline="") as stream:
        rows = [{name: row[name] for name in ("url", "label", "name")} for row in csv.DictReader(stream)]
    Path("images.csv").unlink()
    _table(Path("images.csv"), rows)


def newest_sweep() -> str:
    """The sweep that was run last."""
    return str(max(Path("outputs/sweeps").glob("*/*"), key=lambda path: (path / "sweep.json").stat().st_mtime))


def _table(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def fill(folder: Path, page: str, text: str, sources: Path) -> None:
    """Make the runs and sweeps that a page names; the rest of them takes no room: files are linked."""
    wanted = {RUN: "mine", "outputs/sweeps/mine/20261124-152210-acc496": "sweep"} | NAMED.get(page, {})
    for kind, name, stamp in re.findall(r"outputs/(runs|sweeps)/(\w+)/(\d{8}-\d{6}-\w{6})", text):
        wanted.setdefault(f"outputs/{kind}/{name}/{stamp}", "sweep" if kind == "sweeps" else "mine")
    for path, source in wanted.items():
        shutil.copytree(sources / source, folder / path, copy_function=os.link)
        if source == "sweep":
            Sweep.open(folder / path).flush()  # as the reader's own are
        else:
            Run.open(folder / path).update()


def interrupted(run: Path) -> None:
    """Make a finished run one that was stopped before it was evaluated."""
    Run.open(run).update(status="interrupted")
    (run / "summary.json").unlink()


def delete_deployments() -> None:
    """End and remove every deployment of this home."""
    for one in json.loads(skinlab(["deployments", "--json"]).out or "[]"):
        skinlab(["deployments", "delete", one["name"]])


def request() -> Path:
    """A bundle that was unpacked, with a request beside it, as its score.py reads it."""
    bundle = Path(RUN) / "bundle"
    replay = json.loads((bundle / "replay.json").read_text())
    (bundle / "request.json").write_text(json.dumps({"images": [replay["images"][0]["image"]]}))
    return bundle


def copy(site: Path, folder: Path) -> None:
    """The pictures for one page."""
    shutil.copytree(site, folder)


class Differentiable:
    """An engine, as far as heat maps go."""

    def gradients(self, images: Any, classes: Any) -> tuple[Any, Any]:
        shape = (len(images), 4, 2, 2)
        return np.ones(shape, np.float32), np.ones(shape, np.float32)


def names() -> dict[str, Any]:
    """What the Python of the pages takes for granted."""
    return {
        "skinlab": skinlab_package,
        "dataset": compose(["dataset=folder", "dataset.path=images"]).config.dataset,
        "engine": Differentiable(),
        "images": np.zeros((2, 64, 64, 3), np.uint8),
        "classes": np.zeros(2, np.int64),
    }
