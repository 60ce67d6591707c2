import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skinlab import schema
from skinlab.errors import DataError, EngineError
from skinlab.training import linear
from skinlab.training.loop import softmax

Part = tuple[NDArray[np.float32], NDArray[np.int64]]


def method(**changes: object) -> schema.Featurize:
    values = {"classifier": "linear_svm", "C": 1.0, "class_weight": "balanced", "standardize": True} | changes
    return schema.Featurize(name="featurize", **values)  # type: ignore[arg-type]


def drawn(images: int, classes: int, seed: int, width: int = 6) -> Part:
    """Features whose mean depends on the class, at very different scales."""
    generator = np.random.default_rng(seed)
    targets = generator.integers(0, classes, images)
    centres = np.random.default_rng(0).normal(0, 1, (classes, width))
    scales = 10.0 ** np.arange(-2, width - 2)
    features = (centres[targets] + generator.normal(0, 1.5, (images, width))) * scales + 3 * scales
    return features.astype(np.float32), targets


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_regression_is_scikit_learns_behind_its_standardisation(classes: int) -> None:
    training, held_out = drawn(200, classes, 1), drawn(80, classes, 2)
    fitted = linear.fit_classifier(method(classifier="logistic_regression"), training, held_out, classes)
    own = softmax(linear.logits(*fitted, held_out[0]))
    reference = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=10_000))
    reference.fit(training[0].astype(np.float64), training[1])
    np.testing.assert_allclose(own, reference.predict_proba(held_out[0].astype(np.float64)), atol=1e-6)


def test_the_svm_orders_images_as_scikit_learns_margin_does() -> None:
    training, held_out = drawn(200, 2, 1), drawn(80, 2, 2)
    weight, bias = linear.fit_classifier(method(), training, held_out, 2)
    reference = make_pipeline(StandardScaler(), LinearSVC(dual=False, class_weight="balanced"))
    reference.fit(training[0].astype(np.float64), training[1])
    margins = reference.decision_function(held_out[0].astype(np.float64))
    logits = linear.logits(weight, bias, held_out[0])
    slope = np.polyfit(margins, logits[:, 1] - logits[:, 0], 1)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], np.polyval(slope, margins), atol=1e-8)
    assert slope[0] > 0


@pytest.mark.parametrize("classes", [2, 4])
def test_calibration_finds_the_slope_that_margins_were_stretched_by(classes: int) -> None:
    generator = np.random.default_rng(3)
    logits = generator.normal(0, 1.5, (60_000, classes))
    targets = np.array([generator.choice(classes, p=row) for row in softmax(logits)])
    slope, shift = linear.calibrate(logits * 5 - np.arange(classes), targets)
    assert slope == pytest.approx(1 / 5, rel=0.05)
    np.testing.assert_allclose(shift, np.arange(classes) / 5, atol=0.05)


def test_separable_margins_do_not_become_certainty() -> None:
    """Platt's smoothed targets: four images of a class are no proof of a probability above 5 / 6."""
    targets = np.array([0] * 4 + [1] * 4)
    margins = np.stack([np.zeros(8), np.where(targets == 1, 1.0, -1.0)], axis=1)
    slope, shift = linear.calibrate(margins, targets)
    np.testing.assert_allclose(softmax(slope * margins + shift)[targets == 1, 1], 5 / 6, atol=1e-3)


def test_a_feature_that_never_changes_does_no_harm() -> None:
    (features, targets), held_out = drawn(100, 2, 1), drawn(50, 2, 2)
    constant = np.concatenate([features, np.ones((100, 1), np.float32)], axis=1)
    tried = np.concatenate([held_out[0], np.ones((50, 1), np.float32)], axis=1)
    weight, bias = linear.fit_classifier(method(), (constant, targets), (tried, held_out[1]), 2)
    assert np.isfinite(weight).all()
    assert np.isfinite(bias).all()


def test_a_class_without_training_images_is_refused() -> None:
    features, targets = drawn(50, 2, 1)
    with pytest.raises(DataError, match="1 of 3 classes have no image in the training subset"):
        linear.fit_classifier(method(), (features, targets), (features, targets), 3)


def test_a_solver_that_does_not_converge_says_what_to_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "ITERATIONS", 1)
    training = drawn(200, 2, 1)
    with pytest.raises(EngineError, match="did not converge in 1 iterations: lower method.C"):
        linear.fit_classifier(method(standardize=False, C=1e6), training, training, 2)
