"""A declared experiment's learning-rate range test, from the declaration to its files. Nothing is kept of the network.

    declaration -> data -> training at a rising rate -> lr_find.csv, lr_find.json, plots/lr_find.png

Only training images are looked at: a rate that was chosen by others would have been chosen by what is to judge it.
"""

import csv
import io
import logging
from dataclasses import asdict, replace

from skinlab import engines, records, schema
from skinlab.errors import ConfigError
from skinlab.evaluation import plots
from skinlab.experiment import prepare_data
from skinlab.methods.finetune import make_loader, make_plan
from skinlab.networks import pretrained
from skinlab.run import Run
from skinlab.training.range_test import RangeTest, Told, rising_rates, run_range_test

log = logging.getLogger(__name__)

REPORTS = 10
"""Lines about progress."""


def find_rate(config: schema.Config, run: Run) -> RangeTest:
    """Carry out the range test of a declared experiment in a directory of its own.

    Args:
        config: the declaration, checked.
        run: the directory, claimed by this process.

    Returns:
        what was seen; it lies in the directory too.

    Raises:
        SkinlabError: of the kind that says whose fault it was: the data, the engine, the disk.
    """
    declared, method = config.lr_find, config.method
    if not isinstance(method, schema.Finetune):
        raise ConfigError(f"method={method.name} has no range test: skinlab lr-find needs method=finetune")
    with run.timed("data_s"):
        data = prepare_data(config, run)
    rates = rising_rates(declared.lowest, declared.highest, declared.steps)
    plan = replace(make_plan(config, method, data), rates=rates)
    loader = make_loader(config, data, plan.architecture.features)
    with engines.start(config.engine, config.seed) as engine, loader, run.timed("training_s"):
        records.engine(run, engine.describe(), engine.packages())
        first = pretrained.start(config.network, plan.architecture, data.classes, config.seed)
        records.weights(run, first)
        engine.build(plan, first.arrays)
        log.info("range test: %d steps at rates from %g to %g", declared.steps, declared.lowest, declared.highest)
        tested = run_range_test(engine, loader, rates, declared.smoothing, declared.divergence, _teller(declared.steps))
    _write(config, tested, run)
    return tested


def _teller(steps: int) -> Told:
    every = max(1, steps // REPORTS)

    def tell(step: int, rate: float, loss: float) -> None:
        if step % every == 0 or step == steps:
            log.info("step %*d/%d  rate %.2e  smoothed loss %.4f", len(str(steps)), step, steps, rate, loss)

    return tell


def _write(config: schema.Config, tested: RangeTest, run: Run) -> None:
    suggestion, note = tested.suggestion(), records.data_note(config.dataset)
    result = {
        "experiment": config.name,
        "note": note,
        "suggestion": suggestion,
        "diverged": tested.diverged,
        "steps": len(tested.rates),
        "declared": asdict(config.lr_find),
    }
    run.write_text("lr_find.csv", _table(tested))
    run.write_json("lr_find.json", result)
    if len(tested.rates):
        stem = run.folder("plots") / "lr_find"
        plots.range_test(tested.rates, tested.losses, tested.smoothed, stem, suggestion=suggestion, note=note)


def _table(tested: RangeTest) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "learning_rate", "loss", "smoothed_loss"])
    for step, row in enumerate(zip(tested.rates, tested.losses, tested.smoothed, strict=True), start=1):
        writer.writerow([step, *(repr(float(value)) for value in row)])
    return text.getvalue()
