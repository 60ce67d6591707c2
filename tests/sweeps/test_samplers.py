"""optuna, asked and told as the sweeper does, with a function in place of runs."""

import builtins
import math

import pytest

from skinlab.config import compose
from skinlab.errors import ConfigError, SetupError
from skinlab.sweeps.samplers import JOURNAL, Result, Study
from skinlab.sweeps.space import Choices, Interval

pytest.importorskip("optuna", reason="optuna is missing: pip install 'skinlab[sweeps]'")

SPACE = {
    "rate": Interval(1e-4, 1.0, log=True),
    "dropout": Interval(0.0, 0.9),
    "size": Choices((8, 16, 24), ("8", "16", "24"), 8.0),
    "network": Choices(("a", "b"), ("a", "b")),
}
ADAPTIVE = ("random", "tpe", "cmaes", "nsga2")


def settings(sampler, *overrides):
    return compose([f"sweep={sampler}", *overrides]).config.sweep


def value(point):
    return -abs(math.log10(point["rate"]) + 2) - point["dropout"] + (point["network"] == "b")


def search(folder, sampler, batches, at_once=2, declared=None):
    """The points of a search, and the study."""
    folder.mkdir(exist_ok=True)
    study = Study(declared or settings(sampler), SPACE, ["maximize"], folder)
    points = []
    for _ in range(batches):
        asked = study.ask(at_once)
        study.tell([Result([value(point)]) for point in asked])
        points += asked
    return points, study


@pytest.mark.parametrize("sampler", ADAPTIVE)
def test_the_same_seed_gives_the_same_points(tmp_path, sampler):
    first, second = (search(tmp_path / name, sampler, 6)[0] for name in "ab")
    assert first == second
    other = search(tmp_path / "c", sampler, 6, declared=settings(sampler, "sweep.seed=2"))[0]
    assert other != first


@pytest.mark.parametrize("sampler", ADAPTIVE)
def test_a_search_that_is_told_again_goes_on_as_if_it_had_not_been_stopped(tmp_path, sampler):
    whole, _ = search(tmp_path / "a", sampler, 12)
    (tmp_path / "b").mkdir()
    study = Study(settings(sampler), SPACE, ["maximize"], tmp_path / "b")
    for start in range(0, 16, 2):
        for point in whole[start : start + 2]:
            study.repeat(point)
        study.tell([Result([value(point)]) for point in whole[start : start + 2]])
    for point in whole[16:18]:  # asked, and killed before it was told
        study.repeat(point)
    study.tell([Result([value(point)]) for point in whole[16:18]])
    assert study.ask(2) == whole[18:20]


def test_values_are_of_the_space(tmp_path):
    points, _ = search(tmp_path, "tpe", 10)
    assert all(1e-4 <= point["rate"] <= 1 and point["size"] in (8, 16, 24) for point in points)
    assert all(type(point["size"]) is int and point["network"] in ("a", "b") for point in points)


def test_tpe_does_better_than_chance(tmp_path):
    def reached(sampler):
        points, _ = search(tmp_path / sampler, sampler, 6, at_once=5)
        return sum(value(point) for point in points[15:]) / 15

    assert reached("tpe") > reached("random") + 0.2


def test_failed_and_pruned_points_do_not_end_a_search(tmp_path):
    study = Study(settings("tpe"), SPACE, ["maximize"], tmp_path)
    for number in range(12):
        study.ask(1)
        study.tell([(Result(), Result(pruned=True, curve=[0.1, 0.2]), Result([0.5]))[number % 3]])
    assert len(study.ask(1)) == 1


def test_the_journal_tells_of_every_trial(tmp_path):
    search(tmp_path, "tpe", 2)
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    storage = JournalStorage(JournalFileBackend(str(tmp_path / JOURNAL)))
    study = optuna.load_study(study_name=f"skinlab-{tmp_path.name}", storage=storage)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 4


def test_a_storage_by_its_url_is_told_too(tmp_path):
    import optuna

    url = f"sqlite:///{tmp_path}/study.db"
    search(tmp_path, "random", 2, declared=settings("random", f"sweep.storage={url}"))
    assert len(optuna.load_study(study_name=f"skinlab-{tmp_path.name}", storage=url).trials) == 4
    assert not (tmp_path / JOURNAL).exists()


def test_a_storage_that_cannot_be_had_is_one_line(tmp_path):
    with pytest.raises(ConfigError) as caught:
        Study(settings("random", "sweep.storage=sqlite:////nowhere/at/all.db"), SPACE, ["maximize"], tmp_path)
    assert str(caught.value).startswith("sweep.storage=sqlite:////nowhere/at/all.db: cannot be used: ")
    assert "\n" not in str(caught.value)


def test_without_optuna_one_line_says_what_to_install(tmp_path, monkeypatch):
    really = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == "optuna":
            raise ImportError(name)
        return really(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SetupError, match=r"sweep.sampler=tpe needs optuna: pip install 'skinlab\[sweeps\]'"):
        Study(settings("tpe"), SPACE, ["maximize"], tmp_path)
