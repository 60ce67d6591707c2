from pathlib import Path
from typing import Any

import pytest

from skinlab.comparison.arms import Arm, arms, open_runs
from skinlab.comparison.gate import causes, reader, shared
from skinlab.errors import DataError
from tests.comparison.run_builders import Made, finished


def two(metric_options: tuple[str, ...] = (), **changes: Any) -> list[Arm]:
    """Two experiments; `changes` are of the second."""
    paths = [
        finished(Path("one"), "network.dropout=0.1"),
        finished(Path("two"), "network.dropout=0.2", *metric_options, made=Made(draw=1, **changes)),
    ]
    runs, left_out = open_runs(paths)
    assert left_out == []
    return arms(runs)[0]


def said(found: list[Arm], metric: str = "auc") -> list[str]:
    return causes(found, metric, reader(found[0].runs[0].record["classes"]))


def test_runs_on_the_same_images_are_comparable_whatever_else_was_declared() -> None:
    assert said(two(("network.image_size=48", "augmentation=none", "evaluation.at_specificity=0.8"))) == []


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"relabelled": ("image_0003", "image_0200")}, "1 test image has another label: image_0003"),
        ({"changed": ("image_0005",)}, "1 test image has another content: image_0005"),
        ({"tested_from": 88}, "88 test images are in the first alone: image_0000, image_0001, image_0002"),
        ({"classes": ("benign", "malignant", "x")}, "the classes are benign, malignant and benign, malignant, x"),
        ({"positive": "benign"}, "the positive class is malignant and benign"),
        ({"classes": ("malignant", "x", "y"), "positive": None}, "the positive class is malignant and none"),
        (
            {"facts": (("label_revision", "ab" * 32),)},
            "the label revision is none (no corrections) and abababababab",
        ),
    ],
)  # fmt: skip
def test_each_difference_is_named_with_its_images(changes: dict[str, Any], cause: str) -> None:
    found = said(two(**changes))
    assert any(line.startswith(f"one and two: {cause}") for line in found), found


def test_other_decoding_is_named_where_both_bundles_tell() -> None:
    paths = [
        finished(Path(name), f"network.dropout={drop}", made=Made(decode=decode))
        for name, drop, decode in (
            ("one", "0.1", {"version": 1, "resample": "bilinear"}),
            ("two", "0.2", {"version": 2, "resample": "bilinear"}),
            ("three", "0.3", None),
        )
    ]
    found = said(arms(open_runs(paths)[0])[0])
    assert found == ["one and two: the images were decoded otherwise: version 1 and 2"]


def test_a_level_counts_only_where_the_metric_is_about_it() -> None:
    found = two(("evaluation.at_specificity=0.8",))
    assert said(found, "brier") == []
    assert said(found, "sensitivity_at_specificity") == ["one and two: evaluation.at_specificity is 0.9 and 0.8"]


def test_other_folds_are_named() -> None:
    paths = [
        finished(Path(f"{drop}{fold}"), "split=kfold", f"split.fold={fold}", f"network.dropout={drop}", made=made)
        for drop, fold, made in (
            ("0.1", 0, Made()),
            ("0.1", 1, Made(tested_from=90)),
            ("0.2", 0, Made(draw=1)),
        )
    ]
    found = arms(open_runs(paths)[0])[0]
    assert said(found) == ["A is of folds 0, 1, B of fold 0; skinlab folds joins folds"]
    (only,) = shared(found, "common", reader(["benign", "malignant"]))
    assert only.fold == 0


def test_common_images_have_the_same_name_content_and_label() -> None:
    found = two(tested_from=30, relabelled=("image_0040",), changed=("image_0041",))
    (fold,) = shared(found, "common", reader(["benign", "malignant"]))
    assert fold.image_ids == [f"image_{number:04d}" for number in range(30, 90) if number not in (40, 41)]
    (forced,) = shared(found, "forced", reader(["benign", "malignant"]))
    assert len(forced.image_ids) == 60
    assert forced.images.targets[forced.image_ids.index("image_0040")] == 0  # the first run's label


def test_another_order_of_the_classes_is_no_difference() -> None:
    found = two(classes=("malignant", "benign"))
    # The builder's labels follow the order of the classes: those of the second run are the others.
    assert all("label" in cause for cause in said(found))
    (fold,) = shared(found, "forced", reader(["benign", "malignant"]))
    first = (Path("two") / "predictions.csv").read_text().splitlines()
    row = next(line.split(",") for line in first if line.startswith("image_0000,test"))
    assert fold.images.probabilities[1][0].tolist() == [float(row[4]), float(row[3])]


def test_what_no_option_can_compare_is_refused() -> None:
    with pytest.raises(DataError, match="one and two have other classes: no option makes them comparable"):
        shared(two(classes=("malignant", "nevus")), "forced", reader(["benign", "malignant"]))


def test_runs_without_a_shared_image_are_refused() -> None:
    with pytest.raises(DataError, match="share no test image"):
        shared(two(tested_from=90), "common", reader(["benign", "malignant"]))


def test_predictions_that_are_no_numbers_are_named() -> None:
    found = two()
    path = Path("two/predictions.csv")
    lines = path.read_text().splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("image_0002,test"))
    lines[place] = "image_0002,test,benign,nan,nan"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="two: predictions of 1 test images are not finite numbers: image_0002"):
        shared(found, "all", reader(["benign", "malignant"]))
