"""Finished runs as training leaves them, without images and training: predictions are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skinlab import records
from skinlab.config import compose, to_dict
from skinlab.data.split import split_csv_text, split_hash
from skinlab.evaluation import final, looks
from skinlab.evaluation.summary import summarise
from skinlab.files import json_text
from skinlab.run import Run

DECLARED = ("evaluation.bootstrap=100",)
PHANTOMS = ("dataset.images=8", "dataset.draw_size=32")
"""Few and small: a page looks for them."""


@dataclass(frozen=True)
class Made:
    """What a run was made of.

    Attributes:
        skill: how far apart the logits of the classes are.
        draw: seed of the noise of this model alone.
        images: of the test subset; there are as many of validation, and twice as many to train on.
        tested_from: number of the first test image.
        classes: of the run.
        relabelled: test images whose label is another one.
        changed: test images whose content is another one.
        decode: as the bundle's signature says; None: no bundle.
        lesions: images of one lesion each; 0: not known.
        facts: further keys of run.json.
        files: name and content's hash of each image, four times `images` of them; none: made up.
    """

    skill: float = 2.0
    draw: int = 0
    images: int = 90
    tested_from: int = 0
    classes: tuple[str, ...] = ("benign", "malignant")
    positive: str | None = "malignant"
    relabelled: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    decode: dict[str, Any] | None = None
    lesions: int = 0
    facts: tuple[tuple[str, Any], ...] = ()
    files: tuple[tuple[str, str], ...] = ()


def finished(path: Path, *overrides: str, made: Made | None = None) -> Path:
    """The directory of a finished run."""
    made = made or Made()
    phantoms = () if any(word.startswith("dataset=") for word in overrides) else PHANTOMS
    config = compose([*DECLARED, *phantoms, *overrides]).config
    facts = {"code": {"version": "0.1.0", "commit": None, "dirty": None}, "classes": list(made.classes)}
    run = Run.create(path, {"config": to_dict(config), "experiment": config.name, "label_revision": None} | facts)
    made_up = [(f"image_{number:04d}", f"{number:064x}") for number in range(4 * made.images)]
    ids, hashes = zip(*(made.files or made_up), strict=True)
    first = made.tested_from
    tested = set(ids[first : first + made.images])
    others = [name for name in ids if name not in tested]
    subsets = dict.fromkeys(others[: made.images], "validation") | dict.fromkeys(tested, "test")
    labels = [_label(number, name in made.relabelled, made.classes) for number, name in enumerate(ids)]
    sha256 = ["f" * 64 if name in made.changed else digest for name, digest in zip(ids, hashes, strict=True)]
    groups = [f"lesion_{number // made.lesions}" if made.lesions else None for number in range(len(ids))]
    of = [subsets.get(name, "train") for name in ids]
    run.write_text("split.csv", split_csv_text(ids, sha256, labels, groups, of))
    rows = {subset: [row for row, name in enumerate(of) if name == subset] for subset in ("validation", "test")}
    targets = np.array([made.classes.index(label) for label in labels])
    probabilities = _probabilities(made, targets)
    run.write_text("predictions.csv", _predictions(made, ids, labels, rows, probabilities))
    settings = final.settings_of(config.evaluation, config.seed, 0.5)
    positive = None if made.positive is None else made.classes.index(made.positive)
    numbers = {}
    for subset, chosen in rows.items():
        of_chosen = [groups[row] for row in chosen]
        numbers[subset] = summarise(
            targets[chosen], probabilities[chosen], list(made.classes), positive, of_chosen, settings
        )
    run.write_json("summary.json", {"note": records.data_note(config.dataset), **numbers})
    if made.decode is not None:
        run.write_text("bundle/signature.json", json_text({"decode": made.decode}))
    subset_hash = looks.subset_hash([sha256[row] for row in rows["test"]], [labels[row] for row in rows["test"]])
    run.update(
        status="finished",
        finished=f"2026-01-01T00:00:{made.draw % 60:02d}+00:00",
        split_hash=split_hash(ids, sha256, labels, groups, of),
        test_looks={"test_subset": subset_hash, "looks": 3, "runs": 2},
        **dict(made.facts),
    )
    return path


def _label(number: int, changed: bool, classes: tuple[str, ...]) -> str:
    return classes[(number + changed) % len(classes)]


def _probabilities(made: Made, targets: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What all models find difficult, and what this one does."""
    shape = len(targets), len(made.classes)
    logits = np.random.default_rng(7).normal(size=shape) + np.random.default_rng([8, made.draw]).normal(size=shape)
    logits[np.arange(len(targets)), targets] += made.skill
    powers = np.exp(logits)
    found: np.ndarray[Any, np.dtype[np.float64]] = powers / powers.sum(axis=1, keepdims=True)
    return found


def _predictions(
    made: Made, ids: Sequence[str], labels: list[str], rows: dict[str, list[int]], probabilities: np.ndarray[Any, Any]
) -> str:
    lines = [",".join(["image_id", "subset", "label", *(f"probability_{name}" for name in made.classes)])]
    lines += [
        ",".join([ids[row], subset, labels[row], *(repr(float(value)) for value in probabilities[row])])
        for subset, chosen in rows.items()
        for row in chosen
    ]
    return "\n".join(lines) + "\n"
