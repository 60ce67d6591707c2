"""Read this page first: a declared experiment becomes a run.

    declaration -> data -> fit -> evaluate -> bundle -> report

Each step is a few lines here and a room of its own; only this module and the command line know the whole declaration.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab import engines, networks, records, schema
from skinlab.config import to_dict
from skinlab.data.augmentation import Augmenter
from skinlab.data.images import DECODE_SETTINGS
from skinlab.data.loader import Loader, class_weights
from skinlab.data.prepare import Prepared, prepare
from skinlab.engines.base import Engine, Plan
from skinlab.evaluation import plots, summary
from skinlab.networks import weights
from skinlab.run import Run
from skinlab.serving import bundle
from skinlab.training import minibatch, observers, schedule
from skinlab.training.checkpoint import Checkpoints
from skinlab.training.loop import Fit, fit, predict_rows
from skinlab.training.validation import Validation, validation

log = logging.getLogger(__name__)

Probabilities = NDArray[np.float64]
THRESHOLD = 0.5
"""Probability of the positive class from which an image is called positive."""


def run_experiment(config: schema.Config, run: Run) -> dict[str, Any]:
    """Carry out a declared experiment in its run directory; goes on from the last checkpoint where there is one.

    Args:
        config: the declaration, checked.
        run: its directory, claimed by this process.

    Returns:
        the content of summary.json.

    Raises:
        SkinlabError: of the kind that says whose fault it was: the data, the engine, the disk.
    """
    with timed(run, "data_s"):
        data = prepare_data(config, run)
    with engines.start(config.engine, config.seed) as engine:
        plan = make_plan(config, data)
        records.engine(run, engine)
        with timed(run, "training_s"):
            fitted = train(config, data, plan, engine, run)
        with timed(run, "evaluation_s"):
            predictions = predict(config, data, plan, engine, run)
    result = evaluate(config, data, fitted, predictions, run)
    with timed(run, "bundle_s"):
        deploy(config, data, plan, predictions, run)
    report(data, fitted, predictions, result, run)
    return result


def prepare_data(config: schema.Config, run: Run) -> Prepared:
    """Read, audit, split and decode the declared data set; write split.csv and audit.json."""
    data = prepare(config.dataset, config.split, config.network.image_size, audit=config.audit)
    records.data(run, data)
    log.info("%s", records.describe_data(config.dataset, data))
    for remark in records.data_remarks(data.audit):
        log.warning("%s", remark)
    return data


def make_plan(config: schema.Config, data: Prepared) -> Plan:
    """The network and its optimizer, step by step."""
    images, training = len(data.rows("train")), config.training
    steps = -(-images // config.optimizer.minibatch_size)
    architecture = networks.build(config.network, len(data.classes))
    workers = config.engine.workers if isinstance(config.engine, schema.CntkEngine) else 1
    minibatch.check(architecture, images, config.optimizer.minibatch_size, workers)
    return Plan(
        architecture=architecture,
        optimizer=config.optimizer,
        rates=schedule.rates(training.schedule, config.optimizer.learning_rate, training.epochs, steps),
        epoch_images=images,
        frozen=networks.frozen(architecture, config.method.freeze),
    )


def make_loader(config: schema.Config, data: Prepared, features: int) -> Loader:
    """The training minibatches as declared; `features` is the length of a dropout mask."""
    rows = data.rows("train")
    balanced = config.training.class_weights == "balanced"
    return Loader(
        images=data.images,
        image_ids=data.manifest.image_ids,
        targets=data.targets,
        rows=rows,
        class_weights=class_weights(data.targets[rows], len(data.classes), balanced=balanced),
        augment=Augmenter(config.augmentation.transforms),
        seed=config.seed,
        minibatch_size=config.optimizer.minibatch_size,
        dropout=config.network.dropout,
        features=features,
        workers=config.training.loader_workers,
    )


def train(config: schema.Config, data: Prepared, plan: Plan, engine: Engine, run: Run) -> Fit:
    """Fit the network to the training subset; the best epoch by the validation subset is kept."""
    loader = make_loader(config, data, plan.architecture.features)
    engine.build(plan, weights.initial(plan.architecture, config.seed))
    log.info("%s", records.describe_training(config, plan, len(loader.rows), engine))

    held_out = data.rows("validation")

    def validate() -> Validation:
        probabilities = predict_rows(engine, data.images, held_out, config.optimizer.minibatch_size)
        return validation(data.targets[held_out], probabilities, data.positive)

    checkpoints = Checkpoints(run.folder("checkpoints"))
    with (
        observers.tracking(config.tracking.sinks, run.path) as sinks,
        observers.terminal(config.training.epochs, len(loader.rows)) as terminal,
    ):
        told = observers.Observers([records.MetricsFile(run), terminal, *sinks])
        fitted = fit(engine, loader, validate, config.training, plan.rates, checkpoints, told)
    records.training(run, fitted)
    return fitted


def predict(config: schema.Config, data: Prepared, plan: Plan, engine: Engine, run: Run) -> dict[str, Probabilities]:
    """Probabilities of the best epoch's weights by subset; the test subset is scored here, once."""
    engine.build(plan, Checkpoints(run.folder("checkpoints")).load_best())
    predictions = {
        subset: predict_rows(engine, data.images, data.rows(subset), config.optimizer.minibatch_size)
        for subset in ("validation", "test")
    }
    run.write_text("predictions.csv", records.predictions_csv(data, predictions))
    return predictions


def evaluate(
    config: schema.Config, data: Prepared, fitted: Fit, predictions: dict[str, Probabilities], run: Run
) -> dict[str, Any]:
    """Final numbers with intervals: summary.json."""
    subsets = {
        subset: summary.summarise(
            data.targets[data.rows(subset)],
            probabilities,
            data.classes,
            data.positive,
            [data.manifest.groups[row] for row in data.rows(subset)],
            confidence=config.evaluation.confidence,
            resamples=config.evaluation.bootstrap,
            seed=config.seed,
            threshold=THRESHOLD,
        )
        for subset, probabilities in predictions.items()
    }
    best = fitted.position.best_epoch
    result = {
        "experiment": config.name,
        "note": records.data_note(config.dataset),
        "best_epoch": None if best is None else best + 1,
        "epochs": fitted.position.epoch,
        "stopped_early": fitted.position.stopped_early,
        "monitor": config.training.monitor,
        **subsets,
    }
    run.write_json("summary.json", result)
    return result


def deploy(config: schema.Config, data: Prepared, plan: Plan, predictions: dict[str, Probabilities], run: Run) -> None:
    """Write the bundle, after the exported model has repeated the engine's answers."""
    note = records.data_note(config.dataset)
    described = bundle.signature(plan.architecture, data.classes, data.positive, THRESHOLD, DECODE_SETTINGS, note)
    arrays = Checkpoints(run.folder("checkpoints")).load_best()
    files = bundle.contents(plan.architecture, arrays, described, records.model_card(config, data, note))
    rows = data.rows("test")[: records.BUNDLE_CHECK_IMAGES]
    difference = bundle.check(files["model.onnx"], np.asarray(data.images[rows]), predictions["test"][: len(rows)])
    for name, content in files.items():
        run.write_bytes(f"bundle/{name}", content)
    run.update(bundle_check={"images": len(rows), "largest_difference": difference, "tolerance": bundle.TOLERANCE})


def report(
    data: Prepared, fitted: Fit, predictions: dict[str, Probabilities], result: dict[str, Any], run: Run
) -> None:
    """Plots of the run, and the numbers on the terminal."""
    targets, probabilities, note = data.targets[data.rows("test")], predictions["test"], result["note"]
    folder = run.folder("plots")
    with timed(run, "plots_s"):
        plots.learning_curve(
            fitted.position.records, folder / "learning_curve", best_epoch=result["best_epoch"], note=note
        )
        plots.roc(targets, probabilities, result["test"], folder / "roc", note=note)
        plots.precision_recall(targets, probabilities, result["test"], folder / "precision_recall", note=note)
        plots.confusion(result["test"], folder / "confusion", note=note)
    log.info("\n%s", summary.format_table(result["test"]))
    if result["note"]:
        log.info("Note: %s.", result["note"])


@contextmanager
def timed(run: Run, name: str) -> Iterator[None]:
    """Add the seconds of a block to the timings in run.json."""
    clock = time.monotonic()
    yield
    run.add_seconds(name, time.monotonic() - clock)


def start_record(config: schema.Config) -> dict[str, Any]:
    """What run.json says of an experiment before anything has been done."""
    return {"experiment": config.name, "seed": config.seed, "config": to_dict(config), **records.environment()}
