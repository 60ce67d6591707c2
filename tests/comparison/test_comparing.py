import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab.comparison.arms import open_runs
from skinlab.comparison.comparing import Comparison, Question, as_json, compare
from skinlab.errors import DataError
from skinlab.evaluation import looks
from skinlab.evaluation.summary import METRICS, metrics_of
from tests.comparison.run_builders import Made, finished


def compared(*paths: Path, **question: Any) -> Comparison:
    return compare(*open_runs(paths), Question(**question))


def skilled(skills: tuple[float, ...], seeds: int = 1, **made: Any) -> list[Path]:
    """Experiments with so many seeds; names begin with their place."""
    return [
        finished(
            Path(f"{place}-{seed}"),
            f"network.dropout=0.{place + 1}",
            f"seed={seed}",
            made=Made(skill=skill, draw=10 * place + seed, **made),
        )
        for place, skill in enumerate(skills)
        for seed in range(seeds)
    ]


def test_an_interval_of_a_difference_says_nothing_that_cannot_be() -> None:
    (alone,) = skilled((1.0,))
    scattered = [
        finished(Path(f"b-{seed}"), "network.dropout=0.3", f"seed={seed}", made=Made(skill=skill, draw=seed))
        for seed, skill in enumerate((0.0, 6.0))
    ]
    (pair,) = compared(alone, *scattered).pairs
    assert (pair.difference.low, pair.difference.high) == (-1.0, 1.0)
    assert pair.better is None


def test_a_number_of_the_positive_class_is_refused_where_a_run_has_none() -> None:
    paths = skilled((0.5, 4.0), classes=("a", "b", "c"), positive=None)
    said = r"specificity is about a positive class, and 0-0 has none: its classes are a, b, c; compare by auc, accuracy"
    with pytest.raises(DataError, match=said):
        compared(*paths, metric="specificity")
    found = compared(*paths, metric="balanced_accuracy")
    assert list(found.standings[0].numbers) == metrics_of(None)
    assert (found.pairs[0].better, found.pairs[0].difference.method) == ("B", "bootstrap, paired")


def test_a_model_that_is_much_better_is_found_to_be_and_its_numbers_are_those_of_its_summary() -> None:
    paths = skilled((0.5, 4.0))
    for metric in METRICS:
        found = compared(*paths, metric=metric)
        for one, path in zip(found.standings, paths, strict=True):
            recorded = json.loads((path / "summary.json").read_text())["test"]["metrics"]
            assert {name: {**entry, "sd": None} for name, entry in recorded.items()} == one.numbers
        (pair,) = found.pairs
        values = [one.numbers[metric]["value"] for one in found.standings]
        assert pair.difference.value == pytest.approx(values[0] - values[1], abs=1e-9)
        if metric in ("auc", "accuracy", "sensitivity", "specificity", "brier", "log_loss", "balanced_accuracy"):
            assert pair.better == "B", metric


def test_the_method_goes_with_the_metric() -> None:
    paths = skilled((1.0, 1.5))
    said = {metric: compared(*paths, metric=metric).pairs[0].difference.method for metric in ("auc", "accuracy", "f1")}
    assert said == {"auc": "DeLong, paired", "accuracy": "McNemar mid-p, Tango", "f1": "bootstrap, paired"}


def test_images_of_one_lesion_are_not_taken_for_independent() -> None:
    paths = skilled((1.0, 1.5), lesions=3)
    for metric in ("auc", "accuracy", "f1"):
        assert compared(*paths, metric=metric).pairs[0].difference.method.endswith("clustered")


def test_the_order_in_which_runs_are_named_changes_no_number() -> None:
    paths = skilled((1.0, 1.4, 1.8), seeds=2, lesions=2)
    for metric in ("auc", "accuracy", "f1"):
        ahead, back = (compared(*order, metric=metric) for order in (paths, paths[::-1]))
        names = dict(zip("ABC", "CBA", strict=True))
        mirrored = {frozenset((names[pair.one], names[pair.other])): pair for pair in back.pairs}
        for pair in ahead.pairs:
            other = mirrored[frozenset((pair.one, pair.other))]
            assert abs(pair.difference.value) == pytest.approx(abs(other.difference.value), abs=1e-12)
            assert (pair.difference.p, pair.adjusted) == pytest.approx((other.difference.p, other.adjusted), abs=1e-12)


def test_with_seeds_the_verdict_is_about_methods_and_uses_both_variances() -> None:
    paths = skilled((1.0, 1.6), seeds=3)
    methods = compared(*paths)
    (pair,) = methods.pairs
    assert pair.difference.method == "DeLong, paired, seeds as readers"
    assert pair.by_seeds is not None
    assert pair.by_seeds > 0
    assert [len(one.arm.runs) for one in methods.standings] == [3, 3]
    assert [one.numbers["auc"]["sd"] is not None for one in methods.standings] == [True, True]
    single = compared(paths[0], paths[3])
    assert single.pairs[0].by_seeds is None
    assert any("run once" in remark for remark in single.remarks)
    assert not any("run once" in remark for remark in methods.remarks)
    one_seed = compared(*paths[:3], paths[3])
    assert any("one seed of B" in remark for remark in one_seed.remarks)


def test_models_of_one_method_are_said_to_differ_by_chance() -> None:
    found = compared(*skilled((1.0,), seeds=2))
    assert "A, B differ in the seed alone: what sets them apart is chance in training" in found.remarks


def test_folds_are_compared_fold_by_fold() -> None:
    paths = [
        finished(
            Path(f"{drop}-{fold}"),
            "split=kfold",
            f"split.fold={fold}",
            f"network.dropout={drop}",
            made=Made(skill=skill, tested_from=90 * fold, draw=fold + int(10 * skill)),
        )
        for drop, skill in (("0.1", 1.0), ("0.2", 3.0))
        for fold in range(4)
    ]
    found = compared(*paths)
    (pair,) = found.pairs
    by_fold = [json.loads((path / "summary.json").read_text())["test"]["metrics"]["auc"]["value"] for path in paths]
    apart = np.subtract(by_fold[:4], by_fold[4:])
    assert found.images == 360
    assert pair.difference.value == pytest.approx(apart.mean())
    assert pair.by_images == pytest.approx(np.sqrt((1 / 4 + 90 / 180) * apart.var(ddof=1)))
    assert pair.difference.method == "corrected resampled t"
    assert pair.better == "B"


def test_many_experiments_are_compared_with_the_best_on_validation_and_a_few_with_each_other() -> None:
    paths = skilled((1.0, 1.2, 3.0, 1.1, 0.9, 0.8, 0.7))
    many = compared(*paths)
    assert [(pair.one, pair.other) for pair in many.pairs] == [("C", name) for name in "ABDEFG"]
    assert many.plan == "each is compared with C, the best on validation, as there are many"
    assert len(compared(*paths[:6]).pairs) == 15
    asked = compared(*paths, reference=paths[1])
    assert {pair.one for pair in asked.pairs} == {"B"}
    with pytest.raises(DataError, match="--reference elsewhere is none of the runs"):
        compared(*paths, reference=Path("elsewhere"))
    top = compared(*paths, top=2)
    assert [(one.arm.name, str(one.arm.runs[0].path)) for one in top.standings] == [("A", "2-0"), ("B", "1-0")]


def test_p_values_are_adjusted_over_the_pairs() -> None:
    found = compared(*skilled((1.0, 1.3, 1.6)))
    smallest = min(found.pairs, key=lambda pair: pair.difference.p)
    assert smallest.adjusted == pytest.approx(3 * smallest.difference.p)
    assert smallest.level == pytest.approx(0.05 / 3)


def test_runs_that_are_not_comparable_are_not_ranked_unless_asked() -> None:
    paths = [
        finished(Path("one"), "network.dropout=0.1"),
        finished(Path("two"), "network.dropout=0.2", made=Made(relabelled=("image_0003",), draw=1)),
    ]
    refused = compared(*paths)
    assert (refused.ranked, refused.pairs) == (False, [])
    assert refused.causes == ["one and two: 1 test image has another label: image_0003"]
    assert refused.standings[1].numbers["auc"]["value"] is not None
    common = compared(*paths, mode="common")
    assert (common.images, len(common.pairs)) == (89, 1)
    forced = as_json(compared(*paths, mode="forced"))
    assert (forced["comparable"], forced["images_taken"], forced["images"]) == (False, "forced", 90)
    assert forced["causes"] == refused.causes


def test_a_comparison_needs_two_experiments() -> None:
    (path,) = skilled((1.0,))
    with pytest.raises(DataError, match="a comparison needs two experiments: only one was named"):
        compared(path)
    with pytest.raises(DataError, match="no run is finished"):
        compare([], [], Question())


def test_looks_are_those_of_the_ledger_where_it_knows_more() -> None:
    paths = skilled((1.0, 1.5))
    subset = json.loads((paths[0] / "run.json").read_text())["test_looks"]["test_subset"]
    assert compared(*paths).looks == {"test_subset": subset, "looks": 3, "runs": 2}
    for number in range(5):
        looks.record(subset, looks.Look(f"run {number}", "final evaluation", "name"))
    assert compared(*paths).looks == {"test_subset": subset, "looks": 5, "runs": 5}


def test_json_has_numbers_or_null_and_the_verdict() -> None:
    content = as_json(compared(*skilled((1.0, 1.0), images=4)))
    text = json.dumps(content, allow_nan=False)
    assert json.loads(text)["pairs"][0]["verdict"] == content["pairs"][0]["verdict"]
    assert content["experiments"][0]["differs"] == {"network.dropout": 0.1}
    assert "phantoms" in content["note"]
