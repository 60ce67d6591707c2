"""Read this page first: a declared experiment becomes a run.

    declaration -> data -> finetune or featurize -> evaluate -> bundle -> report

Each step is a few lines here and a room of its own; only this module and the command line know the whole declaration.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab import engines, networks, records, schema
from skinlab.config import to_dict
from skinlab.data.augmentation import Augmenter
from skinlab.data.images import DECODE_SETTINGS
from skinlab.data.loader import Loader, class_weights
from skinlab.data.prepare import Prepared, prepare
from skinlab.data.sampling import epoch_images
from skinlab.data.split import SUBSETS
from skinlab.data.wording import listed
from skinlab.engines.base import Engine, Plan
from skinlab.errors import DataError
from skinlab.evaluation import calibration, final, looks, operating_rule, plots, subgroups, tables
from skinlab.networks import pretrained, weights
from skinlab.networks.classifier import Classifier
from skinlab.networks.symmetries import IDENTITY, Symmetry
from skinlab.report.card import model_card
from skinlab.report.writing import report_page
from skinlab.run import Run
from skinlab.serving import bundle, loading
from skinlab.training import features, linear, minibatch, observers, schedule
from skinlab.training.checkpoint import Checkpoints, Position
from skinlab.training.loop import Fit, fit, mean_over, predict_rows
from skinlab.training.validation import Validation, validation

log = logging.getLogger(__name__)

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """What every method ends with; the weights are in the run's checkpoints.

    Attributes:
        architecture: the network.
        predictions: probabilities float64 [rows, classes] of the validation and the test subset, not calibrated.
        position: where training ended, with the records of its epochs; at the start where a method has no epochs.
    """

    architecture: Classifier
    predictions: dict[str, Probabilities]
    position: Position


@dataclass(frozen=True)
class Evaluated:
    """What evaluation ends with.

    Attributes:
        decision: what the validation subset decided.
        predictions: as `Trained.predictions`, calibrated: what predictions.csv holds and the bundle gives.
        result: the content of summary.json.
    """

    decision: final.Decision
    predictions: dict[str, Probabilities]
    result: dict[str, Any]


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
    networks.require(config.network)
    pretrained.require(config.network)  # before the data: a long preparation should not end in a missing file
    with timed(run, "data_s"):
        data = prepare_data(config, run)
    if isinstance(config.method, schema.Featurize):
        trained = featurize(config, config.method, data, run)
    else:
        trained = finetune(config, config.method, data, run)
    with timed(run, "evaluation_s"):
        evaluated = evaluate(config, data, trained, run)
    with timed(run, "bundle_s"):
        deploy(config, data, trained, evaluated, run)
    report(config, data, trained, evaluated, run)
    return evaluated.result


def prepare_data(config: schema.Config, run: Run) -> Prepared:
    """Read, audit, split and decode the declared data set; write split.csv and audit.json."""
    dataset = records.pinned(config.dataset, run)
    data = prepare(dataset, config.split, config.network.image_size, audit=config.audit)
    records.data(run, data)
    log.info("%s", records.describe_data(config.dataset, data))
    for remark in records.data_remarks(data.audit):
        log.warning("%s", remark)
    if why := operating_rule.refusal(config.evaluation.operating_point, len(data.classes)):
        raise DataError(f"evaluation.operating_point={config.evaluation.operating_point}: {why}")
    subgroups.resolve(config.evaluation.subgroups, data.manifest.attributes)  # refuses now rather than after training
    return data


def finetune(config: schema.Config, method: schema.Finetune, data: Prepared, run: Run) -> Trained:
    """Train the network on the declared engine; the best epoch by the validation subset is kept."""
    with engines.start(config.engine, config.seed) as engine:
        plan = make_plan(config, method, data)
        records.engine(run, engine.describe(), engine.packages())
        with timed(run, "training_s"):
            fitted = train(config, data, plan, engine, run)
        with timed(run, "evaluation_s"):
            predictions = predict(config, data, plan, engine, run)
    return Trained(plan.architecture, predictions, fitted.position)


def featurize(config: schema.Config, method: schema.Featurize, data: Prepared, run: Run) -> Trained:
    """Fit a linear classifier to the features of the network as its declared weights make it."""
    architecture = networks.build(config.network, len(data.classes))
    first = pretrained.start(config.network, architecture, data.classes, config.seed)
    records.weights(run, first)
    records.engine(run, features.describe(), {})
    with timed(run, "features_s"):
        computed = features.features(architecture, first.arrays, data.images, data.sha256)
    log.info("%s", records.describe_features(method, architecture, computed))
    rows = {subset: data.rows(subset) for subset in SUBSETS}
    with timed(run, "training_s"):
        seen = [(computed[rows[subset]], data.targets[rows[subset]]) for subset in ("train", "validation")]
        weight, bias = linear.fit_classifier(method, seen[0], seen[1], len(data.classes))

    def seen_logits(of: NDArray[np.int64], view: Symmetry) -> NDArray[np.float64]:
        if view == IDENTITY:
            return linear.logits(weight, bias, computed[of])
        turned = features.features(architecture, first.arrays, data.images, data.sha256, rows=of, view=view)
        return linear.logits(weight, bias, turned)

    Checkpoints(run.folder("checkpoints")).save_best(weights.with_classifier(architecture, first.arrays, weight, bias))
    predictions = {
        subset: mean_over(config.evaluation.tta, partial(seen_logits, rows[subset]))
        for subset in ("validation", "test")
    }
    return Trained(architecture, predictions, Position())


def make_plan(config: schema.Config, method: schema.Finetune, data: Prepared) -> Plan:
    """The network and its optimizer, step by step."""
    images, training = epoch_images(len(data.rows("train")), config.augmentation.copies), config.training
    steps = -(-images // config.optimizer.minibatch_size)
    architecture = networks.build(config.network, len(data.classes))
    engine = config.engine
    workers = engine.workers if isinstance(engine, schema.CntkEngine) else engine.devices
    minibatch.check(architecture, images, config.optimizer.minibatch_size, workers)
    return Plan(
        architecture=architecture,
        optimizer=config.optimizer,
        rates=schedule.rates(training.schedule, config.optimizer.learning_rate, training.epochs, steps),
        epoch_images=images,
        frozen=networks.frozen(architecture, method.freeze),
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
        copies=config.augmentation.copies,
        balanced=config.training.sampling == "balanced",
        label_smoothing=config.training.label_smoothing,
        mixup=config.training.mixup,
    )


def train(config: schema.Config, data: Prepared, plan: Plan, engine: Engine, run: Run) -> Fit:
    """Fit the network to the training subset; the best epoch by the validation subset is kept."""
    loader = make_loader(config, data, plan.architecture.features)
    with loader:  # its processes get ready while the engine builds
        first = pretrained.start(config.network, plan.architecture, data.classes, config.seed)
        records.weights(run, first)
        engine.build(plan, first.arrays)
        log.info("%s", records.describe_training(config, plan, len(loader.rows), engine))

        held_out = data.rows("validation")

        def validate() -> Validation:
            probabilities = predict_rows(engine, data.images, held_out, config.optimizer.minibatch_size)
            return validation(data.targets[held_out], probabilities, data.positive)

        checkpoints = Checkpoints(run.folder("checkpoints"))
        with (
            observers.tracking(config.tracking.sinks, run.path) as sinks,
            observers.terminal(config.training.epochs, plan.epoch_images) as terminal,
        ):
            told = observers.Observers([records.MetricsFile(run), terminal, *sinks])
            fitted = fit(engine, loader, validate, config.training, plan.rates, checkpoints, told)
    records.training(run, fitted)
    return fitted


def predict(config: schema.Config, data: Prepared, plan: Plan, engine: Engine, run: Run) -> dict[str, Probabilities]:
    """Probabilities of the best epoch's weights by subset; the test subset is scored here, once."""
    engine.build(plan, Checkpoints(run.folder("checkpoints")).load_best())
    return {
        subset: predict_rows(
            engine, data.images, data.rows(subset), config.optimizer.minibatch_size, config.evaluation.tta
        )
        for subset in ("validation", "test")
    }


def evaluate(config: schema.Config, data: Prepared, trained: Trained, run: Run) -> Evaluated:
    """Temperature and threshold by the validation subset, then the final numbers: predictions.csv and summary.json."""
    subsets = {name: final.Subset(*data.known(name), found) for name, found in trained.predictions.items()}
    classes = final.Classes(data.classes, data.positive)
    decision = final.decide(config.evaluation, subsets["validation"], classes)
    for remark in decision.remarks():
        log.warning("%s", remark)
    predictions = {name: subset.over(decision.temperature.value).probabilities for name, subset in subsets.items()}
    run.write_text("predictions.csv", records.predictions_csv(data, predictions))
    look_at_test(config, data, run)
    columns = subgroups.resolve(config.evaluation.subgroups, data.manifest.attributes)
    test_rows = data.rows("test")
    of_test = {name: [values[row] for row in test_rows] for name, values in columns.items()}
    position = trained.position
    best = position.best_epoch
    result = {
        "experiment": config.name,
        "note": records.data_note(config.dataset),
        "best_epoch": None if best is None else best + 1,
        "epochs": position.epoch,
        "stopped_early": position.stopped_early,
        "monitor": config.training.monitor if position.epoch else None,
        "tta": config.evaluation.tta,
        "test_images_seen_in_validation": len(records.seen_in_validation(data.findings)),
        **final.numbers(config.evaluation, config.seed, classes, subsets, decision, of_test),
    }
    run.write_json("summary.json", result)
    return Evaluated(decision, predictions, result)


def look_at_test(config: schema.Config, data: Prepared, run: Run) -> None:
    """Put the look at the test subset on record, before there is a number to be seen."""
    rows = data.rows("test")
    subset = looks.subset_hash([data.sha256[row] for row in rows], [data.manifest.labels[row] for row in rows])
    known = looks.record(subset, looks.Look(str(run.path.resolve()), "final evaluation", config.name))
    run.update(test_looks={"test_subset": subset, "looks": len(known), "runs": len({look.run for look in known})})
    log.info("%s", looks.describe(subset, known))
    if seen := records.seen_in_validation(data.findings):
        log.warning(
            "model selection used the test subset: %d of its %d images are in validation too, as a copy or of one "
            "lesion: %s",
            len(seen),
            len(rows),
            listed(seen),
        )


def deploy(config: schema.Config, data: Prepared, trained: Trained, evaluated: Evaluated, run: Run) -> None:
    """Write the bundle, after the exported model has repeated the run's predictions; it holds the temperature too."""
    note = records.data_note(config.dataset)
    tta = config.evaluation.tta
    described = bundle.signature(
        trained.architecture,
        data.classes,
        data.positive,
        evaluated.result["operating_point"],
        DECODE_SETTINGS,
        note,
        tta,
    )
    arrays, temperature = Checkpoints(run.folder("checkpoints")).load_best(), evaluated.decision.temperature.value
    if tta == "none":
        arrays, temperature = calibration.scaled_classifier(trained.architecture, arrays, temperature), 1.0
    card = model_card(config, data, evaluated.result)
    files = bundle.contents(trained.architecture, arrays, described, card, temperature)
    rows = data.rows("test")[: records.BUNDLE_CHECK_IMAGES]
    difference = bundle.check(
        files["model.onnx"], np.asarray(data.images[rows]), evaluated.predictions["test"][: len(rows)]
    )
    for name, content in files.items():
        run.write_bytes(f"bundle/{name}", content)
    run.update(bundle_check={"images": len(rows), "largest_difference": difference, "tolerance": bundle.TOLERANCE})


def report(config: schema.Config, data: Prepared, trained: Trained, evaluated: Evaluated, run: Run) -> None:
    """Plots and the page of the run, and the numbers on the terminal."""
    result, probabilities = evaluated.result, evaluated.predictions["test"]
    targets, note = data.targets[data.rows("test")], result["note"]
    folder = run.folder("plots")
    with timed(run, "plots_s"):
        if epochs := trained.position.records:
            plots.learning_curve(epochs, folder / "learning_curve", best_epoch=result["best_epoch"], note=note)
        plots.roc(targets, probabilities, result["test"], folder / "roc", note=note)
        plots.precision_recall(targets, probabilities, result["test"], folder / "precision_recall", note=note)
        plots.confusion(result["test"], folder / "confusion", note=note)
        plots.reliability(result["test"], folder / "reliability", note=note)
    with timed(run, "report_s"):
        page = report_page(
            config.name,
            result,
            data,
            probabilities,
            loading.load(run.path),
            run.record,
            to_dict(config),
            epochs=epochs,
        )
        run.write_text("report.html", page)
    log.info("\n%s", tables.format_result(result))
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
