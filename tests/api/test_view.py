import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import skinlab
from skinlab import machine
from skinlab.api import RunView, frames
from skinlab.errors import BundleError, ConfigError, DataError, OutputError, SetupError
from skinlab.evaluation.ranking import roc_auc
from skinlab.run import Run
from tests.comparison.run_builders import Made, finished

pandas = pytest.importorskip("pandas", reason="needs pandas")
EPOCH = {"epoch": 1, "learning_rate": 0.01, "train_loss": 0.5, "validation_auc": None}


def running(path: Path, **record: Any) -> RunView:
    """The directory of a run that this process is in the middle of."""
    run = Run.create(path, {"config": {"method": {"name": "finetune"}, "training": {"epochs": 5}}} | record)
    return RunView(run.path)


def test_frames_hold_what_the_files_hold(trained: RunView) -> None:
    predictions = trained.predictions
    text = (trained.path / "predictions.csv").read_text().splitlines()
    assert list(predictions.columns) == text[0].split(",")
    last = predictions.iloc[-1]
    assert [last["image_id"], last["subset"], last["label"], *map(repr, map(float, last.iloc[3:]))] == (
        text[-1].split(",")
    )
    split = trained.split
    assert len(split) == 48
    assert set(split["subset"]) == {"train", "validation", "test"}
    assert all(len(digest) == 64 for digest in split["sha256"])


def test_results_are_the_numbers_with_their_intervals(trained: RunView) -> None:
    auc = trained.summary["test"]["metrics"]["auc"]
    assert trained.results().loc["auc"].to_dict() == auc
    assert trained.results("validation").index[0] == "auc"


def test_the_area_under_the_curve_is_the_auc(trained: RunView) -> None:
    curve = trained.roc()
    area = np.trapezoid(curve["true_positive_rate"], curve["false_positive_rate"])
    assert area == pytest.approx(trained.summary["test"]["metrics"]["auc"]["value"], abs=1e-12)
    rows = trained.predictions.query("subset == 'validation'")
    other_way = trained.roc("validation", positive="benign")
    area = np.trapezoid(other_way["true_positive_rate"], other_way["false_positive_rate"])
    expected = roc_auc((rows["label"] == "benign").to_numpy(), rows["probability_benign"].to_numpy())
    assert area == pytest.approx(expected, abs=1e-12)
    with pytest.raises(DataError, match="no class nevus; there are: benign, malignant"):
        trained.roc(positive="nevus")


def test_without_a_positive_class_a_curve_is_of_the_class_that_is_named(tmp_path: Path) -> None:
    several = RunView(finished(tmp_path / "run", made=Made(classes=("a", "b", "c"), positive=None)))
    assert "sensitivity" not in several.results().index
    with pytest.raises(DataError, match=r"no class is the positive one: name it, positive=\.\.\.; there are: a, b, c"):
        several.roc()
    assert len(several.roc(positive="b")) > 2


def test_the_declaration_is_typed_even_where_a_package_is_missing(
    trained: RunView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert trained.config.method.name == "featurize"


def test_a_declaration_of_another_version_is_an_error_of_one_line_a_key(tmp_path: Path) -> None:
    view = running(tmp_path / "run", config={"seed": 1})
    with pytest.raises(ConfigError, match="name is required"):
        _ = view.config


def test_a_running_run_shows_what_there_is_and_says_what_is_missing(tmp_path: Path) -> None:
    view = running(tmp_path / "run")
    with pytest.raises(OutputError, match=r"run is running: it has no metrics.jsonl yet$"):
        _ = view.metrics
    (view.path / "metrics.jsonl").write_text(json.dumps(EPOCH) + "\n")
    assert view.metrics.loc[1, "train_loss"] == 0.5
    with pytest.raises(OutputError, match=r"is running: it has no report.html yet$"):
        _ = view.report
    with pytest.raises(BundleError, match="has no bundle: the run is running"):
        view.predict("images")
    page = view._repr_html_()
    assert "<b>running</b>" in page
    assert "epoch 1 of 5: learning_rate 0.01, train_loss 0.5" in page
    assert repr(view).endswith("run: running>")


def test_a_run_whose_process_is_gone_was_interrupted(tmp_path: Path) -> None:
    view = running(tmp_path / "run")
    dead = machine.process_identity() | {"started": "1"}
    (view.path / "run.json").write_text(json.dumps(view.record | {"process": dead}))
    assert view.status == "interrupted"


def test_without_epochs_it_says_why(trained: RunView) -> None:
    with pytest.raises(OutputError, match="has no epochs: method=featurize fits a classifier at once"):
        _ = trained.metrics


def test_short_names_are_those_of_the_command_line(trained: RunView) -> None:
    assert skinlab.open_run(trained.path.name[-6:]).path.resolve() == trained.path.resolve()
    assert skinlab.open_run(trained.path).status == "finished"
    with pytest.raises(OutputError, match="is not a run directory"):
        skinlab.open_run("zzzzzz")
    with pytest.raises(OutputError, match="is not a run directory: it has no run.json"):
        skinlab.open_run(Path("outputs"))


def test_a_notebook_shows_numbers_plots_note_and_declaration(trained: RunView) -> None:
    page = trained._repr_html_()
    auc = trained.summary["test"]["metrics"]["auc"]
    assert f"[{auc['low']:.3f}, {auc['high']:.3f}]" in page
    assert page.count('src="data:image/png;base64,') == 3  # no epochs, so no learning curve
    assert "Trained and scored on drawn phantoms, not on images of patients" in page
    assert "not a medical device" in page
    assert "network=resnet18" in page


def test_nothing_of_a_foreign_run_is_markup(tmp_path: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    view = running(tmp_path / "run", config={"name": hostile, hostile: hostile}, error=hostile)
    (view.path / "metrics.jsonl").write_text(json.dumps({"epoch": 1, hostile: 1.0}) + "\n")
    assert "<img" not in view._repr_html_()


def test_pandas_is_asked_for_when_a_frame_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(SetupError, match=r"^pandas is not installed.*pip install 'skinlab\[notebook\]'$"):
        frames.pandas()


def test_text_that_looks_like_nothing_or_like_a_number_stays_text(tmp_path: Path) -> None:
    file = tmp_path / "predictions.csv"
    file.write_text("image_id,label,probability_a\n007,NA,0.1\n,nan,0.30000000000000004\n")
    found = frames.table(file)
    assert found["image_id"].tolist() == ["007", ""]
    assert found["label"].tolist() == ["NA", "nan"]
    assert found["probability_a"].tolist() == [0.1, 0.30000000000000004]
