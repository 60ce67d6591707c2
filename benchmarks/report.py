"""Seconds and megabytes of report.html, by images and classes; goal: 600 test images in 5 s and 8 MB.

ResNet-18 at 224 px with drawn weights, of whose answers the heat maps are made. The images are noise: no JPEG of a
photograph is larger. The numbers of summary.json are there already, as they are in a run.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from skinlab.data.images import decode_settings
from skinlab.evaluation.scores import Levels
from skinlab.evaluation.subgroups import summarise_subgroups
from skinlab.evaluation.summary import Settings, summarise
from skinlab.networks import weights
from skinlab.networks.resnet import resnet
from skinlab.report.facts import Facts, Scored
from skinlab.report.galleries import galleries
from skinlab.report.page import page
from skinlab.serving import bundle, loading

SETTINGS = Settings(confidence=0.95, resamples=100, seed=1, levels=Levels(specificity=0.9, sensitivity=0.95))
SIZE, EPOCHS, MEGABYTE = 224, 100, 1e6
FINDINGS = ("corrupt", "duplicates", "duplicates_with_conflicting_labels", "near_duplicates", "leaks", "left_out",
            "near_duplicates_with_conflicting_labels", "outliers", "small_classes")  # fmt: skip


def predictions(images, classes):
    generator = np.random.default_rng(0)
    targets = np.arange(images) % classes
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), targets] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Scored([f"image_{row:06d}" for row in range(images)], targets, probabilities)


def written_bundle(folder, names):
    network = resnet("resnet18", SIZE, len(names), [0.5] * 3, [0.2] * 3)
    described = bundle.signature(network, names, 1, {"threshold": 0.5, "rule": "0.5"}, decode_settings(), "")
    for name, content in bundle.contents(network, weights.initial(network, 1), described, "# A card\n").items():
        (folder / name).write_bytes(content)
    return loading.load(folder)


def result_of(scored, names):
    known = (scored.targets, scored.probabilities, names, 1, [None] * len(scored.targets), SETTINGS)
    column = [f"site {row // 7 % 12}" for row in range(len(scored.targets))]
    parts = summarise_subgroups({"site": column}, ["site"], *known, smallest=10)
    return {
        "note": "",
        "epochs": EPOCHS,
        "best_epoch": 70,
        "monitor": "loss",
        "test": summarise(*known),
        "subgroups": parts,
    }


def facts(scored, names, result, shown):
    keys = ("train_loss", "validation_loss", "validation_auc", "validation_accuracy", "learning_rate")
    audit = {key: [] for key in FINDINGS} | {
        "label_log": {"applied": []},
        "images_without_group": 0,
        "counts": {name: {"train": 100, "validation": 50, "test": 100} for name in names},
        "classes": {name: {name: 250} for name in names},
    }
    return Facts(
        title="benchmark",
        warning="research software: not a medical device, not for diagnosis",
        remarks=[],
        result=result,
        scored=scored,
        galleries=shown,
        audit=audit,
        config={},
        command="skinlab train",
        origin=[],
        epochs=[{"epoch": epoch + 1} | dict.fromkeys(keys, 1 / (epoch + 1)) for epoch in range(EPOCHS)],
    )


def measured(images, classes):
    """Seconds of the images with their heat maps, seconds of the rest, and megabytes."""
    names, scored = [f"class {code}" for code in range(classes)], predictions(images, classes)
    pixels = np.random.default_rng(1).integers(0, 256, (100, SIZE, SIZE, 3), dtype=np.uint8)
    rows, result = np.arange(images) % len(pixels), result_of(scored, names)
    with tempfile.TemporaryDirectory() as folder:
        read = written_bundle(Path(folder), names)
        clock = time.perf_counter()
        shown = galleries(scored, pixels, rows, read)
        between = time.perf_counter()
        text = page(facts(scored, names, result, shown))
    return between - clock, time.perf_counter() - between, len(text.encode()) / MEGABYTE


def main():
    print(f"{'images':>7}  {'classes':>7}  {'heat maps, s':>12}  {'page, s':>7}  {'MB':>5}")
    for images, classes in ((600, 2), (600, 7), (100_000, 2)):
        pictures, rest, size = measured(images, classes)
        print(f"{images:>7}  {classes:>7}  {pictures:>12.2f}  {rest:>7.2f}  {size:>5.2f}")


if __name__ == "__main__":
    main()
