import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skinlab.errors import DataError
from skinlab.evaluation.summary import METRICS
from skinlab.folds.experiment import experiments, remarks, summarised, the_only
from skinlab.folds.reading import FoldRun, runs_below
from skinlab.run import Run
from tests.folds.fold_builders import fold_run


def test_fold_values_mean_and_spread_are_those_of_the_runs(sweep: Path) -> None:
    result = summarised(the_only(experiments(runs_below(sweep))))
    assert list(result["metrics"]) == list(METRICS)
    for name, entry in result["metrics"].items():
        values = [
            json.loads((sweep / fold / "summary.json").read_text())["test"]["metrics"][name]["value"] for fold in "012"
        ]
        assert entry["folds"] == values
        assert entry["mean"] == pytest.approx(np.mean(values))
        assert entry["sd"] == pytest.approx(np.std(values, ddof=1))
    assert "not a standard error" in result["sd_note"]


def test_pooled_numbers_are_of_all_test_predictions_together(sweep: Path) -> None:
    result = summarised(the_only(experiments(runs_below(sweep))))
    rows = [row for fold in "012" for row in csv.DictReader((sweep / fold / "predictions.csv").open())]
    rows = [row for row in rows if row["subset"] == "test"]
    assert len(rows) == len({row["image_id"] for row in rows}) == result["pooled"]["images"] == 60
    truth = [row["label"] == "malignant" for row in rows]
    scores = [float(row["probability_malignant"]) for row in rows]
    auc = result["metrics"]["auc"]
    assert auc["pooled"]["value"] == pytest.approx(roc_auc_score(truth, scores))
    assert auc["pooled"]["value"] != pytest.approx(auc["mean"], abs=1e-6)
    assert auc["pooled"]["interval"] == "DeLong, clustered"
    assert auc["pooled"]["low"] < auc["pooled"]["value"] < auc["pooled"]["high"]
    assert result["pooled"]["groups"] < 60


def test_the_order_of_the_runs_does_not_matter(sweep: Path) -> None:
    runs = runs_below(sweep)
    assert summarised(experiments(runs)[0]) == summarised(experiments(runs[::-1])[0])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("split.seed=1", "they differ in split.seed: 0 and 1; name runs that differ in split.fold alone"),
        ("optimizer.learning_rate=0.5", "they differ in optimizer.learning_rate: 0.005 and 0.5"),
        ("split.folds=4", "they differ in split.folds: 3 and 4"),
    ],
)
def test_runs_that_differ_in_anything_else_are_refused_by_key(sweep: Path, override: str, said: str) -> None:
    fold_run(Path("other"), 2, override)
    runs = [FoldRun(path) for path in (sweep / "0", sweep / "1", Path("other"))]
    with pytest.raises(DataError, match="sweep/0 and other are not folds of one experiment") as caught:
        the_only(experiments(runs))
    assert said in str(caught.value)


def test_a_missing_fold_is_named_with_the_command_that_runs_it(sweep: Path) -> None:
    with pytest.raises(DataError) as caught:
        summarised(experiments([FoldRun(sweep / "0"), FoldRun(sweep / "2")])[0])
    assert str(caught.value).startswith(
        "1 of 3 folds has no result: fold 1 was not run: `skinlab train dataset=synthetic "
    )
    assert str(caught.value).endswith(
        "optimizer.learning_rate=0.005 split.fold=1`; then run `skinlab folds` with all of them"
    )


def test_a_failed_an_interrupted_and_a_running_fold_are_named_with_what_to_do(tmp_path: Path) -> None:
    paths = [
        fold_run(tmp_path / "0", 0, status="failed"),
        fold_run(tmp_path / "1", 1, status="interrupted"),
        fold_run(tmp_path / "2", 2, status="running"),
    ]
    with pytest.raises(DataError) as caught:
        summarised(experiments([FoldRun(path) for path in paths])[0])
    assert str(caught.value) == (
        f"3 of 3 folds have no result: fold 0 failed (the loss became NaN): `skinlab resume {paths[0]}`; "
        f"fold 1 interrupted: `skinlab resume {paths[1]}`; fold 2 is running in {paths[2]}; "
        "then run `skinlab folds` with all of them"
    )


def test_a_run_that_replaces_a_failed_one_counts(sweep: Path) -> None:
    failed = fold_run(Path("failed"), 1, status="failed")
    whole = summarised(experiments(runs_below(sweep))[0])
    assert summarised(experiments([FoldRun(failed), *runs_below(sweep)])[0]) == whole


def test_two_results_of_one_fold_are_refused(sweep: Path) -> None:
    again = fold_run(Path("again"), 1)
    with pytest.raises(DataError, match="fold 1 is there twice: sweep/1 and again; name one of them"):
        summarised(experiments([*runs_below(sweep), FoldRun(again)])[0])


@pytest.mark.parametrize("key", ["dataset_fingerprint", "label_revision"])
def test_folds_of_other_data_are_refused(sweep: Path, key: str) -> None:
    Run.open(sweep / "2").update(**{key: "a" * 64})
    with pytest.raises(
        DataError, match=f"sweep/0 and sweep/2 were not run on the same data: {key} is .* and aaaaaaaaaaaa;"
    ):
        summarised(experiments(runs_below(sweep))[0])


def test_each_image_must_be_tested_exactly_once(sweep: Path) -> None:
    for name in ("split.csv", "predictions.csv", "summary.json"):
        (sweep / "2" / name).write_bytes((sweep / "1" / name).read_bytes())
    with pytest.raises(DataError, match=r"\d+ images are tested in two folds: phantom_.* and 10 more"):
        summarised(experiments(runs_below(sweep))[0])
    lines = (sweep / "2" / "split.csv").read_text().splitlines(keepends=True)
    (sweep / "2" / "split.csv").write_text("".join(line.replace(",test", ",train") for line in lines))
    predicted = (sweep / "2" / "predictions.csv").read_text().splitlines(keepends=True)
    (sweep / "2" / "predictions.csv").write_text("".join(line for line in predicted if ",test," not in line))
    with pytest.raises(DataError, match=r"\d+ images are tested in no fold: phantom_"):
        summarised(experiments(runs_below(sweep))[0])


def test_other_code_is_remarked(sweep: Path) -> None:
    assert not [line for line in remarks(summarised(experiments(runs_below(sweep))[0])) if "code" in line]
    Run.open(sweep / "1").update(code={"version": "0.1.0", "commit": "abcdef0123456789", "dirty": False})
    (said,) = [line for line in remarks(summarised(experiments(runs_below(sweep))[0])) if "code" in line]
    assert said == "Note: the folds were run with different code: 0.1.0, 0.1.0 abcdef012345."
