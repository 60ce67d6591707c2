from pathlib import Path
from typing import Any

from skinlab.comparison.arms import open_runs
from skinlab.comparison.comparing import Comparison, Question, compare
from skinlab.comparison.page import comparison_page
from skinlab.comparison.verdict import sentence
from skinlab.evaluation.summary import METRICS
from skinlab.evaluation.tables import labels_of
from tests.comparison.run_builders import Made, finished
from tests.report.test_page import Reader

HOSTILE = "<script>alert(1)</script>"


def compared(*made: Made, mode: Any = "all", name: str = "debug") -> Comparison:
    paths = [
        finished(Path(f"{place}"), f"network.dropout=0.{place + 1}", f"name={name}", made=one)
        for place, one in enumerate(made)
    ]
    return compare(*open_runs(paths), Question(mode=mode))


def test_the_page_has_verdicts_warning_differing_keys_numbers_and_looks() -> None:
    comparison = compared(Made(skill=0.5), Made(skill=3.0, draw=1))
    reader = Reader(comparison_page(comparison))
    for words in (
        sentence(comparison.pairs[0]),
        "Research software: not a medical device, not for diagnosis; trained and scored on drawn phantoms",
        "network.dropout",
        "0.1",
        "DeLong, paired",
        "the test subset was looked at 3 times by 2 runs",
        "Holm's procedure",
    ):
        assert words in reader.words
    labels = labels_of(comparison.standings[0].arm.runs[0].result["test"])
    assert all(labels[name] in reader.words for name in METRICS)
    assert sum("line c" in attributes.get("class", "") for attributes in reader.named("polyline")) == 2
    assert comparison_page(comparison) == comparison_page(comparison)


def test_several_classes_have_a_chart_each() -> None:
    names = ("a", "b", "c")
    reader = Reader(comparison_page(compared(*(Made(classes=names, positive="b", draw=draw) for draw in (0, 1)))))
    assert all(f"ROC curves, {name}" in reader.words for name in names)


def test_without_a_positive_class_all_numbers_are_of_all_classes() -> None:
    reader = Reader(comparison_page(compared(*(Made(classes=("a", "b", "c"), positive=None, draw=n) for n in (0, 1)))))
    assert "AUC, macro of 2 experiments" in reader.words
    assert all(f"ROC curves, {name}" in reader.words for name in ("a", "b", "c"))
    assert "positive class" not in reader.words
    assert "Partial AUC" not in reader.words


def test_what_was_not_comparable_is_said_on_top_and_nothing_is_ranked_or_drawn() -> None:
    made = Made(), Made(relabelled=("image_0003",), draw=1)
    refused = Reader(comparison_page(compared(*made)))
    assert "Not ranked, because the runs are not comparable: 0 and 1: 1 test image has another label" in refused.words
    assert refused.named("svg") == []
    assert "not distinguishable" not in refused.words


def test_a_forced_comparison_says_so() -> None:
    forced = Reader(comparison_page(compared(Made(), Made(relabelled=("image_0003",), draw=1), mode="forced")))
    assert "The runs are not comparable, and were compared all the same (--force):" in forced.words


def test_nothing_in_the_data_becomes_markup_and_the_page_forbids_itself_everything() -> None:
    made = Made(classes=("a", HOSTILE), positive=HOSTILE)
    paths = [finished(Path(f"{place}"), f"network.dropout=0.{place + 1}", made=made) for place in range(2)]
    reader = Reader(comparison_page(compare(*open_runs(paths), Question())))
    assert reader.named("script") == []
    policy = next(meta["content"] for meta in reader.named("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
