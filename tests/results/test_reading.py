import json

import numpy as np
import pytest

from skinlab.errors import DataError, OutputError
from skinlab.evaluation.metrics import log_loss
from skinlab.evaluation.summary import UNSEEN
from skinlab.results.cards import sheet
from skinlab.results.choosing import Choice, chosen, sorts
from skinlab.results.reading import of_rows, read, summary_of
from tests.comparison.run_builders import Made, finished


@pytest.mark.parametrize("subset", ["test", "validation"])
def test_results_are_those_of_summary_json(run, subset):
    results = read(run, subset)
    assert results.classes == ["benign", "malignant"]
    assert (results.positive, results.threshold) == (1, 0.5)
    assert len(results.scored.image_ids) == results.summary["images"] == 20
    expected = results.summary["metrics"]["log_loss"]["value"]
    assert results.losses.mean() == pytest.approx(expected, rel=1e-12)
    assert log_loss(results.scored.targets, results.scored.probabilities) == pytest.approx(expected)


def test_numbers_of_all_images_are_those_of_the_run_and_those_of_a_part_are_its_own(run):
    results = read(run, "test")
    everything = summary_of(results, np.arange(20))
    for name in ("auc", "sensitivity", "specificity", "precision"):
        assert everything["metrics"][name] == results.summary["metrics"][name]
    assert everything["confusion_matrix"] == results.summary["confusion_matrix"]
    some = np.array([0, 3, 5])
    assert summary_of(results, some)["images"] == 3
    assert of_rows(results.scored, some).image_ids == [results.scored.image_ids[row] for row in (0, 3, 5)]


def test_a_truth_that_is_no_class_of_the_run_has_no_loss(run):
    text = (run / "predictions.csv").read_text()
    first = read(run, "test").scored.image_ids[0]
    (run / "predictions.csv").write_text(text.replace(f"{first},test,benign", f"{first},test,other"))
    results = read(run, "test")
    assert results.scored.targets[0] == UNSEEN
    assert np.isnan(results.losses[0])
    assert np.isfinite(results.losses[1:]).all()


def test_several_classes_have_no_threshold(tmp_path):
    made = Made(classes=("nevus", "melanoma", "other"), positive="melanoma")
    results = read(finished(tmp_path / "three", made=made), "test")
    assert results.threshold is None
    assert results.scored.probabilities.shape == (90, 3)


def test_results_without_a_positive_class_are_read_and_offer_no_order_by_it(tmp_path):
    made = Made(classes=("a", "b", "c"), positive=None)
    results = read(finished(tmp_path / "three", made=made), "test")
    assert (results.positive, results.threshold) == (None, None)
    assert "probability" not in sorts(results)
    with pytest.raises(DataError, match="there is no order probability"):
        chosen(results, Choice(sort="probability"), {})
    part = summary_of(results, np.arange(30))
    assert part["positive_class"] is None
    assert list(part["metrics"]) == list(results.summary["metrics"])
    assert len(sheet(results, Choice(sort="uncertainty"), {}).cards) == 48


def test_what_cannot_be_shown_is_one_line_that_says_why(run, tmp_path):
    with pytest.raises(OutputError, match=r"nothing is not a run directory: it has no run\.json"):
        read(tmp_path / "nothing", "test")
    with pytest.raises(DataError, match="has no results of a subset train"):
        read(run, "train")
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"status": "failed"}))
    with pytest.raises(OutputError, match=r"run is failed: there are no results$"):
        read(run, "test")
    (run / "run.json").write_text(json.dumps(record | {"status": "running"}))
    with pytest.raises(OutputError, match=r"run is running: there are no results yet$"):
        read(run, "test")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("predictions.csv", None, r"has no predictions\.csv: the run directory is not whole"),
        ("predictions.csv", "image_id,subset,label\n", "are not of the same test images"),
        ("summary.json", "{", "its results are not as skinlab writes them"),
        ("summary.json", '{"test": []}', "its results are not as skinlab writes them"),
        ("run.json", "[1", r"run\.json cannot be read"),
    ],
)
def test_a_damaged_run_is_one_line_that_names_the_file(run, name, content, said):
    if content is None:
        (run / name).unlink()
    else:
        (run / name).write_text(content)
    with pytest.raises((OutputError, DataError), match=said) as caught:
        read(run, "test")
    assert "\n" not in str(caught.value)


def test_a_table_that_is_too_large_is_refused_before_it_is_read(run, monkeypatch):
    monkeypatch.setattr("skinlab.results.reading.LARGEST_FILE", 100)
    with pytest.raises(DataError, match="too much for a page"):
        read(run, "test")
