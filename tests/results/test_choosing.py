import numpy as np
import pytest

from skinlab.errors import DataError
from skinlab.results.choosing import SORTS, Choice, chosen, decisions
from skinlab.results.reading import read


@pytest.fixture
def results(run):
    return read(run, "test")


def test_right_and_wrong_are_at_the_threshold_that_is_asked_for(results):
    scores, malignant = results.scored.probabilities[:, 1], results.scored.targets == 1
    for threshold in (None, 0.2, 0.9):
        called = scores >= (0.5 if threshold is None else threshold)
        wrong = set(chosen(results, Choice(answers="wrong", threshold=threshold), {}).tolist())
        right = set(chosen(results, Choice(answers="right", threshold=threshold), {}).tolist())
        assert wrong == set(np.flatnonzero(called != malignant).tolist())
        assert right == set(range(20)) - wrong


def test_the_images_of_the_four_cells_are_all_images_once(results):
    matrix = results.summary["confusion_matrix"]
    seen = []
    for row, truth in enumerate(results.classes):
        for column, called in enumerate(results.classes):
            rows = chosen(results, Choice(truth=truth, called=called), {}).tolist()
            assert len(rows) == matrix[row][column]
            seen += rows
    assert sorted(seen) == list(range(20))


def test_orders(results):
    truth = results.scored.probabilities[np.arange(20), results.scored.targets]
    scores = results.scored.probabilities[:, 1]
    expected = {
        "loss": np.argsort(truth),
        "uncertainty": np.argsort(np.abs(scores - 0.5)),
        "sure": np.argsort(-np.abs(scores - 0.5)),
        "probability": np.argsort(-scores),
        "name": np.argsort(results.scored.image_ids),
    }
    assert set(expected) == set(SORTS)
    for sort, order in expected.items():
        assert chosen(results, Choice(sort=sort), {}).tolist() == order.tolist()


def test_what_is_nearest_to_another_decision_moves_with_the_threshold(results):
    first = chosen(results, Choice(sort="uncertainty", threshold=0.9), {})[0]
    assert first == np.abs(results.scored.probabilities[:, 1] - 0.9).argmin()


def test_subgroups_and_parts_of_names(results):
    columns = {"sex": ["female" if row % 3 else "male" for row in range(20)]}
    male = chosen(results, Choice(subgroup=("sex", "male"), sort="name"), columns)
    assert sorted(male.tolist()) == [0, 3, 6, 9, 12, 15, 18]
    name = results.scored.image_ids[4]
    assert chosen(results, Choice(text=name.upper()), {}).tolist() == [4]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (Choice(truth="nevus"), "there is no class nevus; there are: benign, malignant"),
        (Choice(called="nevus"), "there is no class nevus"),
        (Choice(sort="age"), "there is no order age; there are: loss, "),
        (Choice(subgroup=("sex", "x")), "no image is in a subgroup sex: x"),
    ],
)
def test_what_is_not_there_is_one_line(results, choice, said):
    with pytest.raises(DataError, match=said):
        chosen(results, choice, {"sex": ["f"] * 20})


def test_decisions_of_the_run_are_those_at_its_operating_point(results):
    assert decisions(results, None).tolist() == decisions(results, results.threshold).tolist()
