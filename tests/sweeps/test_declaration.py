import json

import pytest

from skinlab.errors import ConfigError
from skinlab.sweeps.declaration import again, declare


def refused(call, *arguments):
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    return tmp_path


def preset(project, **keys):
    text = "# @package _global_\n# Mine.\n" + "".join(
        f"{key}: {value}\n" for key, value in {"name": "mine", **keys}.items()
    )
    (project / "conf" / "experiment" / "mine.yaml").write_text(text)


def recorded(*overrides):
    return json.loads(json.dumps(declare(overrides, []).record()))


def test_a_record_says_what_is_swept():
    found = recorded("sweep=tpe", "network.dropout=interval(0,0.5)", "augmentation=none,strong", "seed=1,2")
    assert found["space"] == {
        "network.dropout": {"interval": [0.0, 0.5], "log": False, "type": "float"},
        "augmentation": ["none", "strong"],
        "seed": [1, 2],
    }
    assert found["sweep"]["sampler"] == "tpe"


def test_a_typed_key_takes_the_place_of_the_presets():
    assert list(declare(["sweep=reference", "network.dropout=0.5"], []).space.dimensions) == [
        "optimizer.learning_rate",
        "optimizer.minibatch_size",
    ]


def test_the_objective_is_what_validation_monitors():
    assert declare(["seed=1,2", "training.monitor=auc"], []).objectives == ["auc"]
    assert declare(["seed=1,2", "sweep.objectives=[ece,auc]"], []).objectives == ["ece", "auc"]


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["network.dropout=interval(0,0.5)"], "an interval is no list of values for a grid"),
        (["sweep=tpe", "seed=1,2"], "sweep.sampler=tpe has nothing to choose"),
        (["network.dropout=0.2,1.5"], "network.dropout=1.5: must be at least 0 and below 1"),
        (["sweep=tpe", "network.dropout=interval(0,1.5)"], "network.dropout=1.5: must be at least 0 and below 1"),
        (
            ["sweep=tpe", "optimizer.minibatch_size=interval(8,64)"],
            "optimizer.minibatch_size=8.0: must be a whole number",
        ),
        (["seed=1,2", "sweep.scaled={network.dropout: {by: name, at: 1}}"], "sweep.scaled: name is no number"),
        (["seed=1,2", 'sweep.on_failure="retry(0)"'], "must be continue, stop or retry(n)"),
        (["seed=1,2", "sweep.objectives=[auc,auc]"], "names a metric twice"),
        (["sweep=cmaes", "network.dropout=interval(0,0.5)", "sweep.objectives=[auc,ece]"], "takes one objective"),
        (["seed=1,2", "sweep.objectives=[auc,ece]", "sweep.pruner=median"], "leave nothing to prune by"),
        (["seed=1,2", "sweep.trials=3"], "a grid runs all its points"),
        (["sweep=tpe", "sweep.trials=null", "network.dropout=interval(0,0.5)"], "must say how many points"),
    ],
)
def test_a_wrong_sweep_is_refused_before_anything_is_made(overrides, said):
    assert said in refused(declare, overrides, [])


def test_an_unchanged_declaration_goes_on():
    before = recorded("sweep=tpe", "network.dropout=interval(0,0.5)", "seed=1,2")
    assert again(before, []).settings.trials == 20


def test_how_it_is_run_and_how_long_may_change():
    before = recorded("sweep=tpe", "sweep.trials=10", "network.dropout=interval(0,0.5)")
    changes = ["sweep.trials=40", 'sweep.on_failure="retry(2)"', "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    found = again(before, changes)
    assert (found.settings.trials, found.settings.on_failure) == (40, "retry(2)")
    assert "sweep.trials=10" not in found.overrides


@pytest.mark.parametrize(
    "change", ["network.dropout=0.1", "sweep=random", "sweep.seed=2", "dataset=folder", "seed=1,2,3"]
)
def test_what_a_trial_is_may_not_change(change):
    said = refused(again, recorded("seed=1,2"), [change])
    assert said.startswith(f"{change}: the trials of a sweep stay what they are; only sweep.trials, ")


def test_a_preset_that_changed_is_refused_key_by_key(project):
    preset(project, seed=3)
    before = recorded("experiment=mine", "network.dropout=0.2,0.5")
    preset(project, seed=4)
    said = refused(again, before, [])
    assert "the declaration is not what the sweep was started with: seed was 3 and is 4; " in said
    preset(project, seed=3)
    again(before, [])


def test_a_change_that_only_a_later_value_meets_is_found(project):
    (project / "conf" / "augmentation").mkdir()
    text = "name: mine\ntransforms:\n  - {_target_: albumentations.VerticalFlip, p: P}\ncopies: 0\n"
    file = project / "conf" / "augmentation" / "mine.yaml"
    file.write_text(text.replace("P", "0.5"))
    before = recorded("augmentation=none,mine")
    file.write_text(text.replace("P", "0.25"))
    assert "augmentation.transforms was " in refused(again, before, [])


def test_a_space_of_a_preset_that_changed_is_refused(project):
    preset(project, sweep="{space: {network.dropout: '0.1,0.2'}}")
    before = recorded("experiment=mine")
    preset(project, sweep="{space: {network.dropout: '0.1,0.3'}}")
    said = refused(again, before, [])
    assert "the space of network.dropout was [0.1, 0.2] and is [0.1, 0.3]" in said


def test_paths_are_meant_where_the_sweep_was_started(project, monkeypatch):
    preset(project)
    before = recorded("experiment=mine", "seed=1,2")
    (project / "elsewhere").mkdir()
    monkeypatch.chdir(project / "elsewhere")
    assert again(before, []).config.name == "mine"
