import math
import warnings

import numpy as np
import pytest

from skinlab.evaluation import metrics, ranking


def predictions(images: int, classes: int, seed: int, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Targets and probabilities that lean towards them; few decimals, so that many tie."""
    generator = np.random.default_rng(seed)
    targets = np.concatenate([np.arange(classes), generator.integers(classes, size=images - classes)])
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), targets] += 1
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if classes == 2:
        second = probabilities[:, 1].round(decimals)
        probabilities = np.stack([1 - second, second], axis=1)
    return targets, probabilities


@pytest.mark.parametrize(("classes", "seed"), [(2, 1), (2, 2), (3, 3), (7, 4)])
def test_metrics_of_decisions_agree_with_scikit_learn(classes, seed):
    from sklearn import metrics as reference

    targets, probabilities = predictions(150, classes, seed)
    decisions = metrics.decide(probabilities, 1, 0.5)
    matrix = metrics.confusion_matrix(targets, decisions, classes)
    precision, recall, f1, _ = reference.precision_recall_fscore_support(targets, decisions, zero_division=np.nan)
    np.testing.assert_array_equal(matrix, reference.confusion_matrix(targets, decisions))
    np.testing.assert_allclose(metrics.precision(matrix), precision)
    np.testing.assert_allclose(metrics.sensitivity(matrix), recall)
    np.testing.assert_allclose(metrics.f1(matrix), f1)
    assert metrics.accuracy(matrix) == pytest.approx(reference.accuracy_score(targets, decisions))
    assert metrics.balanced_accuracy(matrix) == pytest.approx(reference.balanced_accuracy_score(targets, decisions))
    for k in range(classes):
        others_right = reference.recall_score(targets == k, decisions == k, pos_label=False)
        assert metrics.specificity(matrix)[k] == pytest.approx(others_right)
        others_precise = reference.precision_score(targets == k, decisions == k, pos_label=False)
        assert metrics.npv(matrix)[k] == pytest.approx(others_precise)


@pytest.mark.parametrize("classes", [2, 5])
def test_metrics_of_probabilities_agree_with_scikit_learn(classes):
    from sklearn import metrics as reference

    targets, probabilities = predictions(120, classes, seed=9)
    assert metrics.log_loss(targets, probabilities) == pytest.approx(reference.log_loss(targets, probabilities))
    scores = probabilities[:, 1] if classes == 2 else probabilities
    assert metrics.brier(targets, probabilities) == pytest.approx(reference.brier_score_loss(targets, scores))
    if classes > 2:
        expected = reference.roc_auc_score(targets, probabilities, multi_class="ovr")
        assert ranking.macro_roc_auc(targets, probabilities) == pytest.approx(expected)


def test_binary_decision_includes_the_threshold_whichever_class_is_positive():
    probabilities = np.array([[0.7, 0.3], [0.69, 0.31], [0.2, 0.8]])
    assert metrics.decide(probabilities, positive=1, threshold=0.31).tolist() == [0, 1, 1]
    assert metrics.decide(probabilities, positive=0, threshold=0.7).tolist() == [0, 1, 1]


def test_more_classes_are_decided_by_the_most_probable_one():
    probabilities = np.array([[0.3, 0.4, 0.3], [0.4, 0.2, 0.4]])
    assert metrics.decide(probabilities, positive=1, threshold=0.9).tolist() == [1, 0]


def test_log_loss_of_a_certain_and_wrong_prediction_is_large_but_finite():
    loss = metrics.log_loss(np.array([0]), np.array([[0.0, 1.0]]))
    assert loss == pytest.approx(-math.log(np.finfo(np.float64).eps))


@pytest.mark.parametrize("images", [0, 1, 5])
def test_what_one_class_alone_does_not_define_is_nan_without_a_warning(images):
    targets = np.ones(images, dtype=np.int64)
    probabilities = np.tile([0.4, 0.6], (images, 1))
    matrix = metrics.confusion_matrix(targets, metrics.decide(probabilities, 1, 0.5), 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        undefined = [
            ranking.roc_auc(targets == 1, probabilities[:, 1]),
            ranking.average_precision(targets == 1, probabilities[:, 1]),
            ranking.average_precision(targets == 0, probabilities[:, 0]),
            ranking.macro_roc_auc(targets, probabilities),
            metrics.balanced_accuracy(matrix),
            metrics.sensitivity(matrix)[0],
            metrics.specificity(matrix)[1],
            metrics.precision(matrix)[0],
            metrics.f1(matrix)[0],
            ranking.roc_curve(targets == 1, probabilities[:, 1]).false_positive_rate[-1],
            ranking.precision_recall_curve(targets == 0, probabilities[:, 0]).recall[-1],
        ]
        defined = [
            metrics.accuracy(matrix),
            metrics.brier(targets, probabilities),
            metrics.log_loss(targets, probabilities),
        ]
    assert all(map(math.isnan, undefined))
    assert any(map(math.isnan, defined)) is (images == 0)


def test_precision_of_a_class_that_is_never_called_is_nan_and_its_f1_is_zero():
    matrix = np.array([[5, 0], [3, 0]])
    assert math.isnan(metrics.precision(matrix)[1])
    assert metrics.f1(matrix)[1] == 0


def test_matrices_of_many_resamples_are_read_at_once():
    matrices = np.random.default_rng(0).integers(0, 9, size=(5, 3, 3))
    for metric in (
        metrics.accuracy,
        metrics.sensitivity,
        metrics.specificity,
        metrics.precision,
        metrics.npv,
        metrics.f1,
    ):
        np.testing.assert_array_equal(metric(matrices), [metric(matrix) for matrix in matrices])
