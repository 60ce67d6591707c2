import numpy as np

from skinlab.evaluation.summary import UNSEEN, summarise
from skinlab.evaluation.tables import format_table
from tests.evaluation.test_summary import SETTINGS, binary, predictions


def test_table_says_what_was_evaluated_and_aligns_its_columns():
    heading, *lines = format_table(binary(*predictions())).splitlines()
    assert heading == (
        "on 120 test images (60 benign, 60 malignant); positive class: malignant, "
        "called where its probability is at least 0.5"
    )
    assert [line.split("  ")[0] for line in lines[:3]] == ["AUC", "Partial AUC", "Average precision"]
    assert {line.index("[") for line in lines} == {lines[0].index("[")}
    assert {line.index("95 % ") for line in lines} == {lines[0].index("95 % ")}
    assert lines[0].endswith("95 % DeLong")


def test_table_shows_the_numbers_of_the_summary():
    summary = binary(*predictions())
    entry = summary["metrics"]["auc"]
    expected = (
        f"AUC                              {entry['value']:.3f}  [{entry['low']:.3f}, {entry['high']:.3f}]  95 % DeLong"
    )
    assert expected in format_table(summary).splitlines()


def test_table_names_groups_subset_level_and_what_is_undefined():
    groups = [f"lesion {row // 2}" for row in range(100)] + [None] * 20
    text = format_table(binary(*predictions(), groups, confidence=0.999), subset="validation")
    assert text.startswith("on 120 validation images (60 benign, 60 malignant) of 50 groups and 20 of unknown group;")
    assert "99.9 % DeLong, clustered" in text
    alone = format_table(binary(np.array([1]), np.array([[0.2, 0.8]])))
    assert alone.startswith("on 1 test image (0 benign, 1 malignant);")
    assert "AUC                                  -  undefined: every image is malignant" in alone.splitlines()
    assert "F1                               1.000  no interval: too few images of a class" in alone


def test_table_of_several_classes_says_macro():
    targets, probabilities = predictions(classes=3)
    text = format_table(summarise(targets, probabilities, ["a", "b", "c"], 2, None, SETTINGS))
    assert "positive class: c, called where it is the most probable" in text
    assert "AUC, macro" in text


def test_of_several_classes_a_number_says_whose_it_is_and_each_class_has_a_line():
    targets, probabilities = predictions(classes=3)
    summary = summarise(targets, probabilities, ["a", "b", "c"], 2, None, SETTINGS)
    lines = format_table(summary).splitlines()
    assert {line.split("  ")[0] for line in lines} > {"Sensitivity, c", "Sensitivity at specificity 0.9, c", "Accuracy"}
    head, *of_classes = lines[-4:]
    assert head.split("  ")[0] == "each class against the rest"
    entry = summary["per_class"]["b"]["specificity"]
    assert [line.split()[:2] for line in of_classes] == [["a", "40"], ["b", "40"], ["c", "40"]]
    assert f"{entry['value']:.3f} [{entry['low']:.3f}, {entry['high']:.3f}]" in of_classes[1]


def test_table_without_a_positive_class_speaks_of_all_and_of_each():
    targets, probabilities = predictions(classes=3)
    heading, *lines = format_table(
        summarise(targets, probabilities, ["a", "b", "c"], None, None, SETTINGS)
    ).splitlines()
    assert heading.endswith("; no class is singled out, an image is called what is most probable")
    assert [line.split("  ")[0] for line in lines[:3]] == ["AUC, macro", "Accuracy", "Balanced accuracy"]
    assert not any(line.startswith(("Sensitivity", "Specificity")) for line in lines)


def test_table_says_how_many_images_have_a_label_unseen_in_training():
    targets, probabilities = predictions()
    targets[:3] = UNSEEN
    assert "; 3 of labels unseen in training left out; positive class" in format_table(binary(targets, probabilities))


def test_table_names_the_levels_and_rounds_a_chosen_threshold():
    text = format_table(binary(*predictions(), threshold=0.123456789))
    assert "its probability is at least 0.1235" in text
    assert "Sensitivity at specificity 0.9 " in text
    assert "Specificity at sensitivity 0.95 " in text
