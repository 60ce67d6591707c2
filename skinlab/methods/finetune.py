"""Gradient descent on the declared engine: `method=finetune`."""

import logging
from collections.abc import Sequence

from skinlab import engines, networks, records, schema
from skinlab.data.augmentation import Augmenter
from skinlab.data.loader import Loader, class_weights
from skinlab.data.prepare import Prepared
from skinlab.data.sampling import epoch_images
from skinlab.engines.base import Engine, Plan
from skinlab.methods.trained import Probabilities, Trained
from skinlab.networks import pretrained
from skinlab.networks.classifier import Classifier
from skinlab.run import Run
from skinlab.training import minibatch, observers, schedule
from skinlab.training.checkpoint import Checkpoints
from skinlab.training.loop import Fit, Observer, fit, predict_rows
from skinlab.training.validation import Validation, validation

log = logging.getLogger(__name__)


def finetune(
    config: schema.Config, method: schema.Finetune, data: Prepared, run: Run, watchers: Sequence[Observer] = ()
) -> Trained:
    """Train the network on the declared engine; the best epoch by the validation subset is kept."""
    with engines.start(config.engine, config.seed) as engine:
        plan = make_plan(config, method, data)
        records.engine(run, engine.describe(), engine.packages())
        with run.timed("training_s"):
            fitted = _train(config, data, plan, engine, run, watchers)
        with run.timed("evaluation_s"):
            predictions = predict(config, data, plan, engine, run)
    return Trained(plan.architecture, predictions, fitted.position)


def make_plan(config: schema.Config, method: schema.Finetune, data: Prepared) -> Plan:
    """The network and its optimizer, step by step."""
    images = epoch_images(len(data.rows("train")), config.augmentation.copies)
    architecture = networks.build(config.network, len(data.classes))
    engine = config.engine
    workers = engine.workers if isinstance(engine, schema.CntkEngine) else engine.devices
    minibatch.check(architecture, images, config.optimizer.minibatch_size, workers)
    return plan_of(architecture, config, images, networks.frozen(architecture, method.freeze))


def plan_of(architecture: Classifier, config: schema.Config, images: int, frozen: frozenset[str]) -> Plan:
    """The declared steps of this network; `images` are those of an epoch."""
    steps, training = -(-images // config.optimizer.minibatch_size), config.training
    return Plan(
        architecture=architecture,
        optimizer=config.optimizer,
        rates=schedule.rates(training.schedule, config.optimizer.learning_rate, training.epochs, steps),
        epoch_images=images,
        frozen=frozen,
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


def _train(
    config: schema.Config, data: Prepared, plan: Plan, engine: Engine, run: Run, watchers: Sequence[Observer]
) -> Fit:
    """Fit the network to the training subset."""
    loader = make_loader(config, data, plan.architecture.features)
    with loader:  # its processes get ready while the engine builds
        first = pretrained.start(config.network, plan.architecture, data.classes, config.seed)
        records.weights(run, first)
        engine.build(plan, first.arrays)
        log.info("%s", records.describe_training(config, plan, len(loader.rows), engine))
        return fit_observed(config, data, plan, engine, loader, run, watchers)


def fit_observed(
    config: schema.Config,
    data: Prepared,
    plan: Plan,
    engine: Engine,
    loader: Loader,
    run: Run,
    watchers: Sequence[Observer],
) -> Fit:
    """Go through the declared epochs, watched and recorded; the best by the validation subset is kept."""
    held_out = data.rows("validation")

    def validate() -> Validation:
        probabilities = predict_rows(engine, loader.images, held_out, config.optimizer.minibatch_size)
        return validation(data.targets[held_out], probabilities, data.positive)

    checkpoints = Checkpoints(run.folder("checkpoints"))
    with observers.terminal(config.training.epochs, plan.epoch_images) as terminal:
        told = observers.Observers([records.MetricsFile(run), terminal, *watchers])
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
