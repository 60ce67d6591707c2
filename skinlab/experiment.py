"""Read this page first: a declared experiment becomes a run.

    declaration -> data -> method (finetune, head or featurize) -> evaluate -> bundle -> report

Each step is a few lines here and a room of its own; only this module, the methods and the command line know the whole
declaration.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skinlab import logs, methods, networks, records, schema, tracking
from skinlab.config import to_dict
from skinlab.data import splits
from skinlab.data.images import decode_settings, read_bytes
from skinlab.data.prepare import Prepared, Survey, prepare_surveyed, survey
from skinlab.data.wording import listed
from skinlab.errors import DataError
from skinlab.evaluation import calibration, final, operating_rule, plots, subgroups, tables
from skinlab.evaluation.summary import ABOUT_POSITIVE
from skinlab.methods.trained import Probabilities, Trained
from skinlab.networks import pretrained
from skinlab.report.card import model_card
from skinlab.report.writing import report_page
from skinlab.run import Run
from skinlab.serving import bundle, loading, replay
from skinlab.training.checkpoint import Checkpoints
from skinlab.training.loop import Observer

log = logging.getLogger(__name__)


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


def run_experiment(
    config: schema.Config, run: Run, watchers: Sequence[Observer] = (), *, plots: bool = True
) -> dict[str, Any]:
    """Carry out a declared experiment in its run directory; goes on from the last checkpoint where there is one.

    Args:
        config: the declaration, checked.
        run: its directory, claimed by this process.
        watchers: are told about training, and may end it.
        plots: whether the folder of plots is wanted: report.html has the same curves, and they take longer to draw than
            a short trial of a sweep to train.

    Returns:
        the content of summary.json.

    Raises:
        SkinlabError: of the kind that says whose fault it was: the data, the engine, the disk.
    """
    with tracking.follow(config, run, records.data_note(config.dataset)) as tracker:
        require_network(config.network)  # before the data: a long preparation should not end in a missing file
        with run.timed("data_s"):
            data = prepare_data(config, run)
        trained = methods.train(config, data, run, [tracker, *watchers])
        with run.timed("evaluation_s"):
            evaluated = evaluate(config, data, trained, run)
        with run.timed("bundle_s"):
            deploy(config, data, trained, evaluated, run)
        if plots:
            draw(data, trained, evaluated, run)
        report(config, data, trained, evaluated, run)
        return evaluated.result


def require_network(network: schema.Network) -> None:
    """Find out whether the network can be trained and exported, and have its weights ready.

    Raises:
        SkinlabError: of the kind that says whose fault it is.
    """
    networks.require(network)
    pretrained.require(network)


def require_evaluation(config: schema.Config, found: Survey) -> None:
    """Find out whether the data set has what evaluation asks of it: now rather than after training.

    Raises:
        DataError: it has not.
    """
    evaluation, classes = config.evaluation, found.classes
    if why := operating_rule.refusal(evaluation.operating_point, len(classes)):
        raise DataError(f"evaluation.operating_point={evaluation.operating_point}: {why}")
    if found.positive is None and (wrong := ABOUT_POSITIVE.intersection(config.sweep.objectives or ())):
        raise DataError(
            f"sweep.objectives: {listed(sorted(wrong))}: needs a positive class, and none of {listed(classes)} is "
            "known as one; name it with dataset.positive_class, or ask for auc or balanced_accuracy"
        )
    subgroups.resolve(evaluation.subgroups, found.manifest.attributes)


def survey_data(config: schema.Config) -> Survey:
    """All that can be known of the declared data set before an image is read.

    Raises:
        SkinlabError: the data cannot be used as declared, or has not what the declaration asks for.
    """
    found = survey(config.dataset, config.split, config.audit.known_errors)
    require_evaluation(config, found)
    return found


def survey_each(configs: Iterable[schema.Config]) -> None:
    """`survey_data` of each data set of some declarations, once: before a run or a sweep has a directory.

    Seeds and folds are other subsets of the same images. What is logged here each run logs again; but what is only done
    once, and may take long, is said now.

    Raises:
        SkinlabError: the data cannot be used as declared, or has not what the declaration asks for.
    """
    done: list[tuple[object, ...]] = []
    with logs.only("skinlab.data.locks", "skinlab.data.sources.synthetic", "skinlab.data.sources.unpacked"):
        for config in configs:
            dataset, split = replace(config.dataset, image_size=0), splits.without_draw(config.split)
            asked = (dataset, split, config.evaluation.operating_point, config.evaluation.subgroups)
            if asked not in done:
                survey_data(config)
                done.append(asked)


def prepare_data(config: schema.Config, run: Run) -> Prepared:
    """Read, audit, split and decode the declared data set; write split.csv and audit.json."""
    found = survey_data(replace(config, dataset=records.pinned(config.dataset, run)))
    data = prepare_surveyed(found, config.network.image_size, audit=config.audit)
    records.data(run, data)
    log.info("%s", records.describe_data(config.dataset, data))
    for remark in records.data_remarks(data.audit):
        log.warning("%s", remark)
    return data


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
    numbers = final.numbers(config.evaluation, config.seed, classes, subsets, decision, of_test)
    numbers["test"]["images_of_unseen_label"] = records.of_unseen_label(data.findings)
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
        **numbers,
    }
    run.write_json("summary.json", result)
    return Evaluated(decision, predictions, result)


def look_at_test(config: schema.Config, data: Prepared, run: Run) -> None:
    """Put the look at the test subset on record, before there is a number to be seen."""
    facts, said = records.look_at_test(data, run.path, "final evaluation", config.name)
    run.update(test_looks=facts)
    log.info("%s", said)
    if seen := records.seen_in_validation(data.findings):
        log.warning(
            "model selection used the test subset: %d of its %d images are in validation too, as a copy or of one "
            "lesion: %s",
            len(seen),
            len(data.rows("test")),
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
        decode_settings(data.colour_profile),
        note,
        tta,
    )
    arrays, temperature = Checkpoints(run.folder("checkpoints")).load_best(), evaluated.decision.temperature.value
    if tta == "none":
        arrays, temperature = calibration.scaled_classifier(trained.architecture, arrays, temperature), 1.0
    card = model_card(config, data, evaluated.result)
    replayed = replay_set(config, data, evaluated)
    files = bundle.contents(trained.architecture, arrays, described, card, temperature, replayed)
    on_features = isinstance(config.method, schema.Head)
    rows = data.rows("test")[: records.HEAD_CHECK_IMAGES if on_features else records.BUNDLE_CHECK_IMAGES]
    difference = bundle.check(
        files["model.onnx"], np.asarray(data.images[rows]), evaluated.predictions["test"][: len(rows)]
    )
    for name, content in files.items():
        run.write_bytes(f"bundle/{name}", content)
    run.update(bundle_check={"images": len(rows), "largest_difference": difference, "tolerance": bundle.TOLERANCE})


def replay_set(config: schema.Config, data: Prepared, evaluated: Evaluated) -> bytes | None:
    """The test images that the bundle is to carry with their predictions; None where it is to carry none."""
    if not config.bundle.replay_images:
        return None
    rows, known = data.rows("test"), data.manifest
    return replay.text(
        [known.image_ids[row] for row in rows],
        evaluated.predictions["test"],
        data.positive,
        config.bundle.replay_images,
        lambda place: read_bytes(known.paths[rows[place]]),
    )


def draw(data: Prepared, trained: Trained, evaluated: Evaluated, run: Run) -> None:
    """The plots of the run."""
    result, probabilities = evaluated.result, evaluated.predictions["test"]
    targets, note = data.targets[data.rows("test")], result["note"]
    folder = run.folder("plots")
    with run.timed("plots_s"):
        if epochs := trained.position.records:
            plots.learning_curve(epochs, folder / "learning_curve", best_epoch=result["best_epoch"], note=note)
        plots.roc(targets, probabilities, result["test"], folder / "roc", note=note)
        plots.precision_recall(targets, probabilities, result["test"], folder / "precision_recall", note=note)
        plots.confusion(result["test"], folder / "confusion", note=note)
        plots.reliability(result["test"], folder / "reliability", note=note)


def report(config: schema.Config, data: Prepared, trained: Trained, evaluated: Evaluated, run: Run) -> None:
    """The page of the run, and the numbers on the terminal."""
    result, probabilities = evaluated.result, evaluated.predictions["test"]
    with run.timed("report_s"):
        page = report_page(
            config.name,
            result,
            data,
            probabilities,
            loading.load(run.path),
            run.record,
            to_dict(config),
            epochs=trained.position.records,
        )
        run.write_text("report.html", page)
    log.info("\n%s", tables.format_result(result))
    if result["note"]:
        log.info("Note: %s.", result["note"])


def start_record(config: schema.Config) -> dict[str, Any]:
    """What run.json says of an experiment before anything has been done."""
    return {"experiment": config.name, "seed": config.seed, "config": to_dict(config), **records.environment()}
