from pathlib import Path

import pytest

from skinlab.evaluation.summary import METRICS
from skinlab.folds.experiment import Experiment, summarised
from skinlab.folds.reading import runs_below
from skinlab.report.folds_page import folds_page
from tests.folds.fold_builders import three_folds
from tests.report.test_page import HOSTILE, Reader


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINLAB_HOME", str(tmp_path_factory.mktemp("home")))
        return Experiment(runs_below(three_folds(tmp_path_factory.mktemp("sweep"))), {})


@pytest.fixture(scope="module")
def result(experiment):
    return summarised(experiment)


def shown(experiment, result, **more):
    folder = experiment.runs[0].path.parent
    return folds_page([(experiment, result)], folder, **more)


def test_each_fold_mean_sd_and_the_pooled_value_with_its_interval_are_there(experiment, result):
    words = Reader(shown(experiment, result)).words
    assert "default: cross-validation, 3 folds" in words
    assert "Research software: not a medical device, not for diagnosis; trained and scored on drawn phantoms" in words
    entry = result["metrics"]["auc"]
    folds = " ".join(f"{value:.3f}" for value in entry["folds"])
    pooled = entry["pooled"]
    interval = f"[{pooled['low']:.3f}, {pooled['high']:.3f}] {pooled['interval']}"
    assert f"AUC {folds} {entry['mean']:.3f} {entry['sd']:.3f} {pooled['value']:.3f} {interval}" in words
    assert "not a standard error" in words


def test_curves_are_of_all_predictions_and_of_each_fold_and_the_matrix_counts_every_image_once(experiment, result):
    page = Reader(shown(experiment, result))
    assert len([line for line in page.named("polyline") if line["class"] == "line fold"]) == 2 * 3
    (benign, malignant) = result["pooled"]["confusion_matrix"]
    assert sum(benign) + sum(malignant) == 60
    assert f"benign {benign[0]} {benign[1]} malignant {malignant[0]} {malignant[1]}" in page.words
    assert "bins; expected calibration error" in str(page.named("svg"))


def test_runs_are_linked_from_where_the_page_lies(experiment, result):
    elsewhere = experiment.runs[0].path.parent.parent / "pages"
    page = Reader(folds_page([(experiment, result)], elsewhere))
    sweep = experiment.runs[0].path.parent.name
    assert [link["href"] for link in page.named("a")][-3:] == [f"../{sweep}/{fold}/report.html" for fold in range(3)]


def test_the_same_results_give_the_same_bytes_and_nothing_may_run(experiment, result):
    page = shown(experiment, result)
    assert page == shown(experiment, result)
    assert "<script" not in page
    assert "script-src 'none'" in page.replace("&#x27;", "'")


def test_what_a_fold_does_not_define_says_why(experiment, result):
    nothing = {"value": None, "low": None, "high": None, "interval": None, "why": "no image is malignant"}
    entry = {"folds": [0.5, None, 0.5], "why": [None, "no image is malignant", None], "mean": None, "sd": None}
    metrics = {name: entry | {"pooled": nothing} for name in METRICS}
    words = Reader(shown(experiment, result | {"metrics": metrics})).words
    assert "AUC 0.500 undefined 0.500 undefined undefined - undefined: no image is malignant" in words
    assert "fold 1: undefined: no image is malignant: AUC, Partial AUC," in words


def test_experiments_of_one_sweep_stand_on_one_page_and_those_without_result_are_named(experiment, result):
    found = [(experiment, result | {"differs": {"network.dropout": value}}) for value in (0.2, 0.5)]
    page = Reader(folds_page(found, Path(), ["3 of 3 folds of network.dropout=0.7 have no result"]))
    assert "default network.dropout=0.2" in page.words
    assert "Numbers: default network.dropout=0.5" in page.words
    assert "3 of 3 folds of network.dropout=0.7 have no result" in page.words
    names = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(names) == len(set(names))


def test_whatever_comes_from_a_run_is_text(experiment, result):
    hostile = result | {"experiment": HOSTILE, "note": HOSTILE, "differs": {"name": HOSTILE}, "code": [HOSTILE, "x"]}
    page = Reader(shown(experiment, hostile, faults=[HOSTILE]))
    assert HOSTILE in page.words
    assert page.named("script") == []
