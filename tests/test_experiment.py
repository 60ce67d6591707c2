"""What an experiment finds out before it has a directory."""

from pathlib import Path

import pytest

from skinlab import experiment, schema
from skinlab.config import check_sweep
from skinlab.data.prepare import Survey, survey
from skinlab.errors import DataError
from skinlab.sweeps.declaration import survey_sweep
from tests.data.data_builders import noise_image


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    """Declares a folder of two classes."""
    for label in ("benign", "malignant"):
        (tmp_path / "images" / label).mkdir(parents=True)
        for i in range(2):
            noise_image(i).save(tmp_path / "images" / label / f"{i}.png")
    return ["dataset=folder", f"dataset.path={tmp_path / 'images'}"]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[schema.Dataset]:
    """The data sets that are surveyed."""
    seen: list[schema.Dataset] = []

    def counted(dataset: schema.Dataset, split: schema.Split, known_errors: list[str]) -> Survey:
        seen.append(dataset)
        return survey(dataset, split, known_errors)

    monkeypatch.setattr(experiment, "survey", counted)
    return seen


def test_a_data_set_is_read_once_whatever_is_drawn_from_it(words: list[str], read: list[schema.Dataset]) -> None:
    swept = ["seed=1,2", "split=kfold", "split.seed=1,2", "split.fold=range(3)", "network.image_size=32,64"]
    experiment.survey_each(composed.config for composed in check_sweep([*words, *swept]))
    assert len(read) == 1


def test_what_asks_something_else_of_the_images_is_a_survey_of_its_own(
    words: list[str], read: list[schema.Dataset]
) -> None:
    configs = [composed.config for composed in check_sweep([*words, "evaluation.subgroups=null,[sex]"])]
    with pytest.raises(DataError, match="no column sex"):
        experiment.survey_each(configs)
    assert len(read) == 2


def test_a_data_set_of_a_later_trial_stops_a_sweep_before_its_first(words: list[str], tmp_path: Path) -> None:
    swept = [words[0], f"{words[1]},{tmp_path / 'nowhere'}"]
    with pytest.raises(DataError, match="no such folder"):
        survey_sweep(check_sweep(swept), swept)


@pytest.mark.parametrize(("launcher", "surveys"), [("basic", 1), ("joblib", 1), ("submitit_slurm", 0), ("ray", 0)])
def test_images_of_other_machines_are_not_looked_for(
    words: list[str], read: list[schema.Dataset], launcher: str, surveys: int
) -> None:
    survey_sweep(check_sweep(words), [*words, f"hydra/launcher={launcher}"])
    assert len(read) == surveys
