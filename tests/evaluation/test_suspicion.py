import numpy as np
import pytest

from skinlab.evaluation.suspicion import queue, suspect


def test_thresholds_are_the_average_sureness_of_each_class_and_a_class_without_images_is_never_suggested() -> None:
    chances = np.array([[0.6, 0.2, 0.2], [0.8, 0.1, 0.1], [0.1, 0.5, 0.4], [0.05, 0.05, 0.9]])
    found = suspect(chances, np.array([0, 0, 1, 1]))
    assert found.thresholds[:2] == pytest.approx([0.7, 0.275])
    assert np.isnan(found.thresholds[2])
    assert found.suggested.tolist() == [0, 0, 1, 1]


def test_a_label_is_doubted_only_where_the_model_is_as_sure_of_another_class_as_of_that_class_in_general() -> None:
    sure = [[0.95, 0.05]] * 9 + [[0.05, 0.95]] * 9
    given = [0] * 9 + [1] * 9
    found = suspect(np.array([*sure, [0.2, 0.8], [0.02, 0.98]]), np.array([*given, 0, 0]))
    assert found.suggested[-2:].tolist() == [0, 1]  # 0.8 is more than a half, and less than the class usually gets
    assert found.margin[-1] == pytest.approx(0.96)


def test_a_class_of_which_the_model_is_generally_unsure_is_doubted_against_its_own_threshold() -> None:
    chances = np.array([[0.9, 0.1]] * 8 + [[0.6, 0.4]] * 2 + [[0.5, 0.5]])
    found = suspect(chances, np.array([0] * 8 + [1] * 2 + [0]))
    assert found.suggested[-1] == 1  # argmax alone would never name the rare class


def test_of_several_confident_classes_the_most_probable_is_suggested() -> None:
    chances = np.array([[0.1, 0.5, 0.4], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.7, 0.1, 0.2]])
    found = suspect(chances, np.array([0, 1, 2, 0]))
    assert found.suggested[0] == 1


def test_injected_label_errors_come_first() -> None:
    generator = np.random.default_rng(3)
    truth = generator.integers(0, 3, 600)
    logits = generator.normal(size=(600, 3)) + 3.5 * np.eye(3)[truth]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = generator.choice(600, 30, replace=False)
    given = truth.copy()
    given[wrong] = (truth[wrong] + 1) % 3
    order = queue(suspect(chances, given), np.zeros(600, bool))
    assert len(set(order[:40]) & set(wrong)) >= 24  # of 30; by chance it would be two


def test_conflicting_copies_come_before_everything_then_the_doubted_by_margin_then_the_rest_by_loss() -> None:
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.02, 0.98], [0.05, 0.95], [0.99, 0.01]])
    given = np.array([0, 0, 1, 0, 0, 0])
    conflicting = np.array([False, False, True, False, False, False])
    order = queue(suspect(chances, given), conflicting)
    assert order.tolist() == [2, 3, 4, 1, 0, 5]


def test_a_probability_of_zero_has_a_finite_loss() -> None:
    assert np.isfinite(suspect(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 1])).loss).all()


def test_no_images_are_no_error() -> None:
    assert queue(suspect(np.empty((0, 2)), np.empty(0, int)), np.empty(0, bool)).tolist() == []
