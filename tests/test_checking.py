"""What would stop a run is found before there is one, by the functions of a run."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from skinlab import checking, paths, schema
from skinlab.checking import Check
from skinlab.config import compose
from skinlab.errors import ConfigError, DataError, SetupError
from tests.data.data_builders import noise_image

SMALL = ("dataset=folder", "network.image_size=32", "optimizer.minibatch_size=4", "engine=torch")


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A given split of two classes."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    for number, subset in enumerate(("train", "val", "test")):
        for label in ("benign", "malignant"):
            folder = tmp_path / "images" / subset / label
            folder.mkdir(parents=True)
            for i in range(3):
                noise_image(100 * number + 10 * len(label) + i).save(folder / f"{i}.png")
    return tmp_path / "images"


def leak_and_break(images: Path) -> None:
    """A training image is in the test subset too, and a file is empty."""
    (images / "test" / "benign" / "copy.png").write_bytes((images / "train" / "benign" / "0.png").read_bytes())
    (images / "train" / "benign" / "broken.png").touch()


@pytest.fixture
def checked(images: Path) -> Callable[..., Check]:
    """Checks a declaration of these images; times nothing."""

    def check(*words: str) -> Check:
        return checking.check(compose([*SMALL, f"dataset.path={images}", *words]).config, timed=False)

    return check


def messages(found: Check) -> list[str]:
    return [str(problem) for problem in found.problems]


def test_images_that_stop_nothing_are_counted(checked: Callable[..., Check]) -> None:
    found = checked()
    assert (found.problems, found.lenient, found.timing) == ([], [], None)
    data = found.as_json()["data"]
    assert data["counts"]["benign"] == {"train": 3, "validation": 3, "test": 3}
    assert (data["images"], data["positive_class"], data["groups"]) == (18, "malignant", 0)
    assert data["split"] == "given with the data set"


def test_each_rule_that_would_stop_a_run_is_named_and_the_images_are_counted_without_it(
    images: Path, checked: Callable[..., Check]
) -> None:
    leak_and_break(images)
    found = checked("dataset.on_corrupt=fail", "audit.on_leak=fail")
    corrupt, leak = messages(found)
    assert corrupt.startswith("1 of 20 images cannot be read: train/benign/broken")
    assert leak.startswith("1 pair of images is in two subsets")
    assert found.lenient == ["dataset.on_corrupt=drop", "audit.on_leak=warn"]
    assert found.as_json()["data"]["counts"]["benign"]["test"] == 4
    with pytest.raises(DataError, match=r"(?s)^1 of 20 .*\n1 pair of "):
        found.raise_problems()


def test_two_spellings_of_a_label_do_not_hide_what_else_is_wrong(images: Path, checked: Callable[..., Check]) -> None:
    leak_and_break(images)
    (images / "train" / "Benign").mkdir()
    noise_image(7).save(images / "train" / "Benign" / "9.png")
    spelling, corrupt, leak = messages(checked("dataset.on_corrupt=fail", "audit.on_leak=fail"))
    assert "dataset.on_spelling=merge" in spelling
    assert "dataset.on_corrupt=drop" in corrupt
    assert "audit.on_leak=drop" in leak


def test_what_evaluation_asks_for_is_missed_beside_the_counts(checked: Callable[..., Check]) -> None:
    found = checked("evaluation.subgroups=[age]")
    (missing,) = messages(found)
    assert missing.startswith("evaluation.subgroups: no column age")
    assert found.data is not None


def test_of_three_classes_none_is_positive_and_an_objective_that_needs_one_is_a_problem(
    images: Path, checked: Callable[..., Check]
) -> None:
    for number, subset in enumerate(("train", "val", "test")):
        (images / subset / "benign").rename(images / subset / "a")
        (images / subset / "malignant").rename(images / subset / "b")
        (images / subset / "c").mkdir()
        noise_image(1000 + number).save(images / subset / "c" / "0.png")
    found = checked("sweep.objectives=[specificity]")
    (problem,) = messages(found)
    assert problem.startswith("sweep.objectives: specificity: needs a positive class")
    assert found.as_json()["data"]["positive_class"] is None


def test_no_such_path_is_said_once_and_nothing_is_counted(checked: Callable[..., Check], tmp_path: Path) -> None:
    found = checked(f"dataset.path={tmp_path / 'nowhere'}")
    assert messages(found) == [f"no such folder: {tmp_path / 'nowhere'}"]
    assert found.as_json()["data"] is None


def test_weights_that_do_not_fit_and_images_that_cannot_be_used_are_both_named(
    checked: Callable[..., Check], tmp_path: Path
) -> None:
    (tmp_path / "wrong.safetensors").write_bytes(b"not weights")
    found = checked(f"network.weights={tmp_path / 'wrong.safetensors'}", f"dataset.path={tmp_path / 'nowhere'}")
    weights, data = found.problems
    assert "wrong.safetensors" in str(weights)
    assert isinstance(data, DataError)
    with pytest.raises(ConfigError):
        found.raise_problems()


def test_an_epoch_is_timed_on_the_declared_engine(images: Path) -> None:
    pytest.importorskip("torch", reason="skinlab[torch] is missing")
    found = checking.check(compose([*SMALL, f"dataset.path={images}"]).config)
    assert found.problems == []
    assert found.timing is not None
    assert found.timing.steps > 0
    assert found.timing.seconds_per_epoch == pytest.approx(6 / found.timing.images_per_second, rel=0.01)


def test_an_engine_that_cannot_start_is_a_problem_and_the_images_are_counted(
    images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(*_: object) -> NoReturn:
        raise SetupError("PyTorch is missing")

    monkeypatch.setattr(checking.engines, "start", start)
    found = checking.check(compose([*SMALL, f"dataset.path={images}"]).config)
    assert messages(found) == ["PyTorch is missing"]
    assert found.timing is None
    assert found.data is not None
    with pytest.raises(SetupError):
        found.raise_problems()


def test_a_method_without_an_engine_starts_none(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking.engines, "start", lambda *_: pytest.fail("an engine was started"))
    found = checking.check(compose([*SMALL, f"dataset.path={images}", "method=featurize"]).config)
    assert (found.problems, found.timing) == ([], None)


@pytest.mark.parametrize(
    ("words", "source"),
    [
        (["split.seed=3"], "drawn, seed 3"),
        (["split=kfold", "split.fold=1", "split.seed=2"], "drawn, fold 1 of 5, seed 2"),
        (["split=column", "split.column=part"], "by column part"),
    ],
)
def test_where_the_subsets_come_from_is_said(words: list[str], source: str) -> None:
    split = compose(words).config.split
    assert not isinstance(split, schema.FileSplit)
    assert checking.split_source(split) == source
