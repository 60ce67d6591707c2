"""Linear classifiers on the features of a frozen network, given back as the network's own classifier.

A linear SVM or logistic regression, the standardisation before it and the calibration after it are all linear: they
become one weight matrix and one bias, and what was fitted is evaluated, exported and served like any trained network.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab import schema
from skinlab.errors import DataError, EngineError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
ITERATIONS = 10_000


def fit_classifier(
    method: schema.Featurize,
    training: tuple[NDArray[np.float32], Integers],
    validation: tuple[NDArray[np.float32], Integers],
    classes: int,
) -> tuple[Floats, Floats]:
    """Fit the declared classifier.

    Args:
        method: which classifier and its settings.
        training: features float32 [N, F] and class indices int64 [N] that the classifier is fitted to.
        validation: the same of the validation subset; the margins of an SVM become probabilities by it alone.
        classes: number of classes.

    Returns:
        weight float64 [classes, F] and bias float64 [classes] of the logits.

    Raises:
        DataError: a class has no training image.
        EngineError: the solver did not converge.
    """
    if missing := sorted(set(range(classes)) - set(training[1].tolist())):
        raise DataError(f"{len(missing)} of {classes} classes have no image in the training subset: change the split")
    features, targets = training[0].astype(np.float64), training[1]
    mean, scale = _standardization(features) if method.standardize else (0.0, 1.0)
    model = _solve(method, (features - mean) / scale, targets)
    weight, bias = _one_row_per_class(model.coef_, model.intercept_)
    weight = weight / scale
    bias = bias - weight @ np.broadcast_to(mean, features.shape[1:])
    if method.classifier == "linear_svm":
        slope, shift = calibrate(logits(weight, bias, validation[0]), validation[1])
        weight, bias = slope * weight, slope * bias + shift
    return weight, bias


def logits(weight: Floats, bias: Floats, features: NDArray[np.float32]) -> Floats:
    """float64 [N, classes] of features float32 [N, F]."""
    return features.astype(np.float64) @ weight.T + bias


def _standardization(features: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each feature; 1 for one that never changes."""
    deviation = features.std(axis=0)
    return features.mean(axis=0), np.where(deviation > 0, deviation, 1.0)


def _solve(method: schema.Featurize, features: Floats, targets: Integers) -> Any:
    """A fitted scikit-learn model; both solvers are deterministic."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    weight = "balanced" if method.class_weight == "balanced" else None
    settings = {"C": method.C, "class_weight": weight, "max_iter": ITERATIONS}
    svm = method.classifier == "linear_svm"
    model = LinearSVC(dual=False, **settings) if svm else LogisticRegression(**settings)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            return model.fit(features, targets)
        except ConvergenceWarning as error:
            raise EngineError(
                f"{method.classifier} did not converge in {ITERATIONS} iterations: "
                "lower method.C, or set method.standardize=true"
            ) from error


def _one_row_per_class(weight: Floats, bias: Floats) -> tuple[Floats, Floats]:
    """scikit-learn keeps one row for two classes, the margin of the second: the first gets zeros."""
    if len(weight) > 1:
        return weight, bias
    return np.concatenate([np.zeros_like(weight), weight]), np.concatenate([np.zeros_like(bias), bias])


def calibrate(margins: Floats, targets: Integers) -> tuple[float, Floats]:
    """Slope and shift that turn margins into logits.

    Of two classes this is Platt's sigmoid, with his smoothed targets against over-confidence (Platt, "Probabilistic
    outputs for support vector machines", 1999; the Newton iterations of Lin, Lin & Weng, 2007, are left to scipy);
    of more it is vector scaling with one slope (Guo et al., ICML 2017).

    Args:
        margins: float64 [N, classes].
        targets: int64 [N], class indices.

    Returns:
        slope, and shift float64 [classes] whose first is 0: logits = slope * margins + shift.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax, softmax

    classes = margins.shape[1]
    wanted = _smoothed(targets, classes)

    def loss(parameters: Floats) -> tuple[float, Floats]:
        scaled = parameters[0] * margins + np.concatenate([[0.0], parameters[1:]])
        difference = (softmax(scaled, axis=1) - wanted) / len(targets)
        gradient = np.concatenate([[(difference * margins).sum()], difference.sum(axis=0)[1:]])
        return -float((wanted * log_softmax(scaled, axis=1)).sum() / len(targets)), gradient

    start = np.concatenate([[1.0], np.zeros(classes - 1)])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "gtol": 1e-10, "ftol": 1e-14})
    return float(found.x[0]), np.concatenate([[0.0], found.x[1:]])


def _smoothed(targets: Integers, classes: int) -> Floats:
    """Platt's targets: (n + 1) / (n + 2) for the class of an image, of which there are n; the rest to the others."""
    counts = np.bincount(targets, minlength=classes)
    certain = ((counts + 1) / (counts + 2))[targets]
    rest = (1 - certain) / (classes - 1)
    wanted = np.repeat(rest[:, None], classes, axis=1)
    wanted[np.arange(len(targets)), targets] = certain
    return wanted
