"""Run directories of folds as training leaves them, without the training: predictions are drawn."""

from pathlib import Path
from typing import Any

import numpy as np

from skinlab import records
from skinlab.config import compose, to_dict
from skinlab.data.prepare import prepare
from skinlab.evaluation import final
from skinlab.evaluation.summary import summarise
from skinlab.run import Run

DECLARED = (
    "dataset=synthetic",
    "dataset.images=60",
    "dataset.draw_size=32",
    "split=kfold",
    "split.folds=3",
    "evaluation.bootstrap=100",
    "network.dropout=0.2",
    "optimizer.learning_rate=0.005",
)


def three_folds(sweep: Path) -> Path:
    """The directory of a sweep with three finished folds."""
    for fold in range(3):
        fold_run(sweep / str(fold), fold)
    return sweep


def fold_run(path: Path, fold: int, *overrides: str, status: str = "finished", **facts: Any) -> Path:
    """The directory of one fold; `facts` change run.json."""
    words = [*DECLARED, f"split.fold={fold}", *overrides]
    config = compose(words).config
    code = {"version": "0.1.0", "commit": None, "dirty": None}
    run = Run.create(path, {"config": to_dict(config), "code": code})
    (path / ".hydra").mkdir()
    (path / ".hydra" / "overrides.yaml").write_text("".join(f"- {word}\n" for word in words))
    if status != "finished":
        run.update(status=status, **({"error": "the loss became NaN"} if status == "failed" else {}), **facts)
        return path
    data = prepare(config.dataset, config.split, 16)
    records.data(run, data)
    predictions = {}
    for subset in ("validation", "test"):
        generator = np.random.default_rng(fold)
        logits = generator.normal(size=len(data.rows(subset))) + data.targets[data.rows(subset)]
        chances = 1 / (1 + np.exp(-logits))
        predictions[subset] = np.stack([1 - chances, chances], axis=1)
    run.write_text("predictions.csv", records.predictions_csv(data, predictions))
    rows = data.rows("test")
    test = summarise(
        data.targets[rows],
        predictions["test"],
        data.classes,
        data.positive,
        [data.manifest.groups[row] for row in rows],
        final.settings_of(config.evaluation, config.seed, 0.5),
    )
    run.write_json("summary.json", {"note": records.data_note(config.dataset), "test": test})
    run.update(status="finished", **facts)
    return path
