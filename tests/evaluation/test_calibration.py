import numpy as np
import pytest

from skinlab.evaluation import calibration, intervals, metrics
from skinlab.networks import weights
from skinlab.networks.resnet import resnet


def predictions(images=400, classes=2, sharpness=3.0, seed=0):
    """Probabilities that are too sure: true logits times `sharpness`."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(images, classes))
    chances = softmax(logits)
    targets = (chances.cumsum(axis=1) < generator.random((images, 1))).sum(axis=1)
    return targets, softmax(sharpness * logits)


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def test_calibration_error_by_hand():
    chances = np.array([0.05, 0.05, 0.52, 0.52, 1.0])
    targets = np.array([0, 1, 1, 1, 1])
    found = calibration.expected_calibration_error(targets, np.stack([1 - chances, chances], axis=1), 1)
    assert found == pytest.approx((2 * 0.45 + 2 * 0.48 + 0) / 5)


def test_of_more_classes_the_most_probable_one_is_checked():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.2, 0.2, 0.6]])
    assert calibration.expected_calibration_error(np.array([0, 1]), probabilities, 0) == pytest.approx((0.3 + 0.6) / 2)


def test_calibration_error_without_images_is_nan():
    found = calibration.expected_calibration_error(np.zeros(0, dtype=np.int64), np.zeros((0, 2)), 1)
    assert np.isnan(found)


@pytest.mark.parametrize("sharpness", [1.0, 2.0])
def test_interval_of_the_calibration_error_covers_it_though_the_error_is_biased(sharpness):
    def measured(images, seed):
        targets, probabilities = predictions(images, sharpness=sharpness, seed=seed)
        return calibration.confidence(targets, probabilities, 1)

    many = measured(400_000, 0)
    truth = float(calibration.ece_of(calibration.binned(many))) if sharpness > 1 else 0.0
    covered = 0
    for seed in range(1, 121):
        of = measured(150, seed)
        low, high, _ = intervals.calibration_error(
            of.stated, of.came_true > 0, calibration.bin_of(of.stated), np.arange(150), 0.95
        )
        covered += low <= truth <= high
    assert covered >= 0.95 * 120


@pytest.mark.parametrize(("classes", "sharpness"), [(2, 3.0), (5, 3.0), (2, 0.5)])
def test_temperature_undoes_over_and_under_confidence(classes, sharpness):
    targets, probabilities = predictions(20_000, classes, sharpness)
    found = calibration.fit_temperature(targets, probabilities)
    assert found.why is None
    assert found.value == pytest.approx(sharpness, rel=0.06)
    after = calibration.apply_temperature(probabilities, found.value)
    assert metrics.log_loss(targets, after) < metrics.log_loss(targets, probabilities)
    assert (after.argmax(axis=1) == probabilities.argmax(axis=1)).all()


def test_temperature_is_the_minimum_of_the_log_loss():
    targets, probabilities = predictions(300)
    found = calibration.fit_temperature(targets, probabilities).value
    losses = [
        metrics.log_loss(targets, calibration.apply_temperature(probabilities, found * factor))
        for factor in (1, 0.99, 1.01)
    ]
    assert losses[0] == min(losses)


@pytest.mark.parametrize(
    ("targets", "chances", "why"),
    [
        ([0, 0, 1], [0.1, 0.2, 0.9], "all ranked rightly"),
        ([0, 1, 1], [0.5, 0.5, 0.5], "all alike"),
        ([1, 1, 0], [0.1, 0.2, 0.9], "no better than chance"),
        ([0, 1, 1], [0.1, np.nan, 0.5], "not finite"),
        ([], [], "no validation image"),
    ],
)
def test_temperature_stays_1_where_validation_does_not_tell_one_and_says_why(targets, chances, why):
    chances = np.array(chances)
    found = calibration.fit_temperature(np.array(targets, dtype=np.int64), np.stack([1 - chances, chances], axis=1))
    assert found.value == 1
    assert why in found.why


def test_temperature_1_changes_not_a_bit():
    _, probabilities = predictions()
    assert calibration.apply_temperature(probabilities, 1.0) is probabilities


def test_a_probability_that_fell_to_zero_stays_a_number():
    found = calibration.apply_temperature(np.array([[0.0, 1.0]]), 2.0)
    assert np.isfinite(found).all()


def test_scaled_classifier_gives_the_calibrated_probabilities():
    network = resnet("resnet18", 32, 3, [0.5, 0.5, 0.5], [0.2, 0.2, 0.2])
    arrays = weights.initial(network, 1)
    scaled = calibration.scaled_classifier(network, arrays, 2.5)
    name = network.classifier()
    features = np.random.default_rng(0).normal(size=(4, network.features))
    before, after = (
        softmax(features @ of[f"{name}.weight"].astype(float).T + of[f"{name}.bias"]) for of in (arrays, scaled)
    )
    np.testing.assert_allclose(after, calibration.apply_temperature(before, 2.5), atol=1e-6)
    assert calibration.scaled_classifier(network, arrays, 1.0) is arrays
