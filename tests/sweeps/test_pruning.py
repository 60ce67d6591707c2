import json

import pytest

from skinlab import schema
from skinlab.config import compose
from skinlab.run import Pruned, Run
from skinlab.sweeps.pruning import Other, PruningWatch, bracket, curve_of, rungs, signed, verdict
from skinlab.training.checkpoint import Checkpoints
from tests.sweeps.sweep_builders import run_dir, sweep, trial

SETTINGS = schema.Pruning(warmup_epochs=1, startup_trials=2, patience=2, reduction=3)
EPOCHS = 9


def others(*curves, group=0):
    return [Other(group, curve) for curve in curves]


def decide(pruner, curve, earlier=(), epochs=EPOCHS, group=0, settings=SETTINGS):
    return verdict(pruner, settings, epochs, group, curve, earlier)


def test_worse_than_the_median_of_earlier_trials_at_the_same_epoch_ends():
    earlier = others([0.6, 0.9], [0.7, 0.7], [0.5, 0.8])
    assert (
        decide("median", [0.65, 0.65], earlier) == "epoch 2: 0.6500, worse than the median 0.8000 of 3 earlier trials"
    )
    assert decide("median", [0.8, 0.1], earlier) is None  # by the best so far
    assert decide("median", [0.65], earlier) is None


def test_the_median_waits_for_enough_trials_that_came_so_far():
    assert decide("median", [0.1, 0.1], others([0.9], [0.9, 0.9])) is None
    assert decide("median", [0.1], others([0.9], [0.9, 0.9])) is not None


def test_a_metric_that_is_not_defined_is_worst():
    assert decide("median", [None], others([0.1], [0.1])) is not None
    assert decide("median", [0.1], others([None], [None])) is None


def test_patience_ends_where_nothing_improves():
    assert decide("patience", [0.5, 0.6, 0.6]) is None
    assert decide("patience", [0.5, 0.6, 0.6, 0.6]) == "epoch 4: no improvement on 0.6000 for 2 epochs"
    assert decide("patience", [0.5, 0.6, 0.6, 0.7]) is None


def test_a_rung_lets_the_best_third_of_its_bracket_go_on():
    earlier = others([0.9], [0.8], [0.7], [0.6], [0.5])
    assert decide("hyperband", [0.85], earlier) is None
    said = decide("hyperband", [0.75], earlier)
    assert said == "epoch 1: 0.7500, place 3 of 6 at this rung, of which 2 go on"
    assert decide("hyperband", [0.75], others([0.9], [0.8], group=3)) is None  # of another bracket
    assert decide("hyperband", [0.75, 0.1], others([0.9, 0.9])) is None  # no rung


def test_the_brackets_have_the_shares_of_hyperband():
    numbers = [bracket(SETTINGS, EPOCHS, group) for group in range(17)]
    assert [numbers.count(number) for number in range(3)] == [9, 5, 3]
    assert [rungs(SETTINGS, EPOCHS, number) for number in range(3)] == [[1, 3], [3], []]


@pytest.mark.parametrize("pruner", ["none", "median", "patience", "hyperband"])
def test_neither_the_warm_up_nor_the_last_epoch_is_pruned(pruner):
    settings = schema.Pruning(warmup_epochs=3, startup_trials=1, patience=1, reduction=2)
    earlier = others([0.9] * 4, [0.8] * 4)
    assert decide(pruner, [0.1] * 2, earlier, 4, settings=settings) is None
    assert decide(pruner, [0.1] * 4, earlier, 4, settings=settings) is None
    assert (decide(pruner, [0.1] * 3, earlier, 4, settings=settings) is None) == (pruner in ("none", "patience"))


def test_a_loss_is_turned_around():
    records = [{"validation_loss": 0.5, "validation_auc": None}]
    assert signed(records, "loss") == [-0.5]
    assert signed(records, "auc") == [None]


# --- in a sweep ----------------------------------------------------------------------------------------------------


def written(folder, *losses):
    run_dir(folder, "finished")
    lines = [json.dumps({"epoch": i + 1, "validation_loss": loss}) for i, loss in enumerate(losses)]
    (folder / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))


@pytest.fixture
def config():
    words = ["experiment=debug", "training.epochs=9", "sweep.pruner=median", "sweep.pruning.startup_trials=2"]
    return compose(words).config


@pytest.fixture
def made(tmp_path):
    trials = [trial(number, batch=number // 2 * 2) for number in range(4)]
    found = sweep(tmp_path / "s", *trials)
    for number, losses in enumerate(([0.5, 0.4], [0.5, 0.3], [0.1, 0.1])):
        written(tmp_path / "s" / str(number), *losses)
    return found


def watch(made, config, number):
    run = Run.claim(made.path / str(number), {})
    return PruningWatch(config.sweep, config, made, run), run


def test_a_trial_is_compared_with_earlier_batches_alone(made, config):
    watching, _ = watch(made, config, 3)
    assert [list(other.curve) for other in watching._others] == [[-0.5, -0.4], [-0.5, -0.3]]
    watching.epoch_ended([{"validation_loss": 0.5}], 1.0)
    with pytest.raises(Pruned, match="loss in epoch 2: 0.4000, worse than the median 0.3500 of 2 earlier trials"):
        watching.epoch_ended([{"validation_loss": 0.5}, {"validation_loss": 0.4}], 1.0)


def test_a_trial_is_compared_with_its_own_seed_alone(made, config):
    made.trials[0].replicate = 1
    watching, _ = watch(made, config, 3)
    assert len(watching._others) == 1


def test_what_a_killed_trial_had_not_decided_is_decided_when_it_goes_on(made, config):
    watching, run = watch(made, config, 3)
    watching.go_on()  # nothing was done yet
    state = Checkpoints(run.folder("checkpoints")).folder / "epoch0002-step000000"
    state.mkdir()
    records = [{"epoch": 1, "validation_loss": 0.5}, {"epoch": 2, "validation_loss": 0.4}]
    (state / "position.json").write_text(json.dumps({"epoch": 2, "records": records}))
    (state.parent / "last").symlink_to(state.name)
    with pytest.raises(Pruned):
        watching.go_on()
    assert curve_of(made, made.trials[3], "loss") == [-0.5, -0.4]
