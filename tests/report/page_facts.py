"""Facts of a page as a run has them, small and made up; the numbers are computed as those of a run."""

from io import BytesIO

import numpy as np
from PIL import Image

from skinlab import schema
from skinlab.evaluation import final, subgroups
from skinlab.report.facts import Facts, Galleries, Picture, Scored

CLASSES = ("benign", "malignant")
AUDIT = {
    "images": 60,
    "corrupt": [],
    "label_log": {"revision": None, "applied": [], "absent": []},
    "images_without_group": 0,
    "duplicates": [],
    "duplicates_with_conflicting_labels": [],
    "near_duplicates": None,
    "near_duplicates_with_conflicting_labels": [],
    "leaks": [],
    "left_out": [],
    "outliers": [],
    "small_classes": [],
}


def evaluation(**changes):
    given = {
        "tta": "none",
        "confidence": 0.95,
        "bootstrap": 100,
        "operating_point": 0.5,
        "calibration": "none",
        "at_specificity": 0.9,
        "at_sensitivity": 0.95,
        "subgroups": ["sex"],
        "smallest_subgroup": 10,
    }
    return schema.Evaluation(**(given | changes))


def scored(classes=CLASSES, images=60):
    """Predictions that are right more often than not."""
    generator = np.random.default_rng(0)
    targets = np.arange(images) % len(classes)
    logits = generator.normal(size=(images, len(classes)))
    logits[np.arange(images), targets] += 1.5
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Scored([f"image_{row:03d}" for row in range(images)], targets, probabilities)


def result_of(of, classes=CLASSES, **changes):
    """What summary.json would hold; validation has the same images."""
    declared, names = evaluation(**changes), final.Classes(list(classes), 1)
    subset = final.Subset(of.image_ids, of.targets, [None] * len(of.targets), of.probabilities)
    columns = subgroups.resolve(
        declared.subgroups, {"sex": [("female", "male", "")[row % 3] for row in range(len(of.targets))]}
    )
    decision = final.decide(declared, subset, names)
    numbers = final.numbers(declared, 1, names, {"validation": subset, "test": subset}, decision, columns)
    return {"note": "phantoms", "best_epoch": 2, "epochs": 3, "monitor": "loss", **numbers}


def records(epochs=3):
    return [
        {
            "epoch": epoch + 1,
            "train_loss": 0.7 / (epoch + 1),
            "validation_loss": 0.8 / (epoch + 1),
            "validation_auc": None if epoch == 1 else 0.9,
            "validation_accuracy": 0.8,
            "learning_rate": 0.01,
        }
        for epoch in range(epochs)
    ]


def picture(name="image_000", truth="malignant", decision="benign"):
    stream = BytesIO()
    Image.new("RGB", (8, 8), "brown").save(stream, "JPEG")
    return Picture(name, truth, decision, 0.9, stream.getvalue(), stream.getvalue())


def facts(of=None, classes=CLASSES, **changes):
    """Everything on a page; `changes` replace fields."""
    of = of or scored(classes)
    counts = {name: {"train": 40, "validation": 10, "test": 10} for name in classes}
    given = {
        "title": "debug",
        "warning": "research software: not a medical device, not for diagnosis; phantoms",
        "remarks": [],
        "result": result_of(of, classes),
        "scored": of,
        "galleries": Galleries([picture()], [picture("image_001")]),
        "epochs": records(),
        "looks": {"looks": 3, "runs": 2},
        "audit": AUDIT | {"counts": counts, "classes": {name: {name: 60} for name in classes}},
        "config": {"name": "debug", "seed": 1},
        "command": "skinlab train experiment=debug",
        "origin": [("code", "skinlab 0.1.0"), ("split hash", "ab" * 32)],
    }
    return Facts(**(given | changes))
