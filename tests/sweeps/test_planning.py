import pytest

from skinlab.config import compose
from skinlab.sweeps.declaration import declare
from skinlab.sweeps.planning import Planner
from tests.integration.pictures import picture


def plan(*overrides):
    return Planner(declare(overrides, []))


def parameters(trials):
    return [tuple(trial.parameters.values()) for trial in trials]


def test_a_grid_is_every_combination_the_first_key_changing_slowest():
    trials = plan("network.dropout=0.2,0.5", "optimizer.learning_rate=0.1,0.01").grid(None)
    assert parameters(trials) == [(0.2, 0.1), (0.2, 0.01), (0.5, 0.1), (0.5, 0.01)]
    assert [(trial.number, trial.run, trial.group, trial.batch) for trial in trials] == [
        (0, "0", 0, 0),
        (1, "1", 1, 0),
        (2, "2", 2, 0),
        (3, "3", 3, 0),
    ]


def test_seeds_of_a_grid_are_one_group_wherever_they_are_typed():
    trials = plan("seed=range(2)", "network.dropout=0.2,0.5").grid(None)
    assert parameters(trials) == [(0, 0.2), (0, 0.5), (1, 0.2), (1, 0.5)]
    assert [(trial.group, trial.replicate) for trial in trials] == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_a_grid_that_is_pruned_is_dealt_in_batches_of_points():
    trials = plan("network.dropout=0.1,0.2,0.3", "seed=1,2").grid(2)
    assert [(trial.group, trial.batch) for trial in trials] == [(0, 0), (0, 0), (1, 0), (1, 0), (2, 2), (2, 2)]


def test_a_point_of_a_sampler_is_run_with_every_seed():
    trials = plan("sweep=random", "network.dropout=interval(0,0.9)", "seed=5,6").of_points(
        [{"network.dropout": 0.25}, {"network.dropout": 0.5}], number=4, group=2
    )
    assert [(t.number, t.group, t.batch, t.replicate, t.parameters) for t in trials] == [
        (4, 2, 2, 0, {"network.dropout": 0.25, "seed": 5}),
        (5, 2, 2, 1, {"network.dropout": 0.25, "seed": 6}),
        (6, 3, 2, 0, {"network.dropout": 0.5, "seed": 5}),
        (7, 3, 2, 1, {"network.dropout": 0.5, "seed": 6}),
    ]


def test_how_trials_are_chosen_and_run_is_not_of_a_trial():
    (first, *_) = plan("name=a", "sweep.seed=3", "hydra/launcher=basic", "hydra.job.id=1", "seed=1,2").grid(None)
    assert first.overrides == ["name=a", "seed=1"]


def test_the_reference_halves_the_rate_when_the_minibatch_is_halved():
    trials = plan("sweep=reference").grid(None)
    assert len(trials) == 27
    by_size = {
        trial.parameters["optimizer.minibatch_size"]: trial.parameters["optimizer.learning_rate"]
        for trial in trials
        if trial.drawn["optimizer.learning_rate"] == 0.01
    }
    assert by_size == {16: 0.005, 32: 0.01, 64: 0.02}
    config = compose(trials[0].overrides).config
    assert (config.optimizer.learning_rate, config.optimizer.minibatch_size) == (0.0015, 16)


def test_a_scaled_key_follows_one_that_is_not_swept_too():
    (first, _) = plan(
        "optimizer.learning_rate=0.1,0.2",
        "optimizer.minibatch_size=8",
        "sweep.scaled={optimizer.learning_rate: {by: optimizer.minibatch_size, at: 16}}",
    ).grid(None)
    assert first.parameters == {"optimizer.learning_rate": 0.05}
    assert first.drawn == {"optimizer.learning_rate": 0.1}


# --- labels --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    for label in ("benign", "malignant"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for number in range(2):
            picture(f"{label}{number}").save(tmp_path / "images" / label / f"{label}{number}.jpg")
    return tmp_path / "images"


def pins(trial):
    return [word for word in trial.overrides if word.startswith("dataset.label_revision")]


def test_all_trials_have_the_labels_of_the_start(folder):
    words = ("dataset=folder", f"dataset.path={folder}", "sweep=random", "network.dropout=interval(0,0.5)")
    planner = plan(*words)
    first = planner.of_points([{"network.dropout": 0.1}], 0, 0)
    assert pins(first[0]) == ["dataset.label_revision='none'"]
    (folder / "labels.log").write_text("")  # whatever comes later
    assert pins(planner.of_points([{"network.dropout": 0.2}], 1, 1)[0]) == pins(first[0])
    resumed = Planner(declare(words, []), first)
    assert pins(resumed.of_points([{"network.dropout": 0.3}], 2, 2)[0]) == pins(first[0])


def test_phantoms_have_no_labels_to_keep():
    assert pins(plan("seed=1,2").grid(None)[0]) == []


def test_a_declared_revision_is_left_alone(folder):
    words = ("dataset=folder", f"dataset.path={folder}", "dataset.label_revision=none", "seed=1,2")
    assert pins(plan(*words).grid(None)[0]) == ["dataset.label_revision=none"]
