"""Each declared update rule against its formula in numpy, with rates that change and a smaller minibatch."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from skinlab import schema
from skinlab.networks import weights
from tests.engines.torch.cases import batch, linear_network, plan, started

Array = NDArray[np.float64]
State = dict[str, Array]
RATES = [0.5, 0.5, 0.05, 0.2, 0.01]
COMMON: dict[str, Any] = {"learning_rate": 0.5, "minibatch_size": 4, "weight_decay": 0.05}
DECAY = COMMON["weight_decay"]


def sgd(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    return w - r * (g + DECAY * w)


def momentum(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    state["v"] = 0.9 * state.get("v", np.zeros(())) + g + DECAY * w
    return w - r * state["v"]


def nesterov(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    g = g + DECAY * w
    state["v"] = 0.9 * state.get("v", np.zeros(())) + g
    return w - r * (g + 0.9 * state["v"])


def _adam(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    state["m"] = 0.8 * state.get("m", np.zeros(())) + 0.2 * g
    state["s"] = 0.95 * state.get("s", np.zeros(())) + 0.05 * g * g
    mean, square = state["m"] / (1 - 0.8 ** (step + 1)), state["s"] / (1 - 0.95 ** (step + 1))
    return w - r * mean / (np.sqrt(square) + 1e-3)


def adam(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    return _adam(w, g + DECAY * w, r, state, step)


def adamw(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    return _adam((1 - r * DECAY) * w, g, r, state, step)


def rmsprop(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    g = g + DECAY * w
    state["s"] = 0.9 * state.get("s", np.zeros(())) + 0.1 * g * g
    return w - r * g / (np.sqrt(state["s"]) + 1e-3)


def adagrad(w: Array, g: Array, r: float, state: State, step: int) -> Array:
    g = g + DECAY * w
    state["s"] = state.get("s", np.zeros(())) + g * g
    return w - r * g / (np.sqrt(state["s"]) + 1e-3)


BETAS = {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}
RULES: list[tuple[schema.Optimizer, Callable[[Array, Array, float, State, int], Array]]] = [
    (schema.SGD(name="sgd", **COMMON), sgd),
    (schema.MomentumSGD(name="momentum_sgd", momentum=0.9, **COMMON), momentum),
    (schema.Nesterov(name="nesterov", momentum=0.9, **COMMON), nesterov),
    (schema.Nesterov(name="nesterov", momentum=0.0, **COMMON), sgd),
    (schema.Adam(name="adam", **BETAS, **COMMON), adam),
    (schema.AdamW(name="adamw", **BETAS, **COMMON), adamw),
    (schema.RMSprop(name="rmsprop", alpha=0.9, epsilon=1e-3, **COMMON), rmsprop),
    (schema.Adagrad(name="adagrad", epsilon=1e-3, **COMMON), adagrad),
]


@pytest.mark.parametrize(("optimizer", "rule"), RULES, ids=[type(each).__name__ for each, _ in RULES])
def test_updates_follow_the_formula(
    optimizer: schema.Optimizer, rule: Callable[[Array, Array, float, State, int], Array]
) -> None:
    network = linear_network()
    arrays = weights.initial(network, 1)
    value = {name: array.astype(np.float64) for name, array in arrays.items()}
    states: dict[str, State] = {name: {} for name in value}
    with started() as engine:
        engine.build(plan(network, RATES, optimizer), arrays)
        for step, rate in enumerate(RATES):
            count = 4 if step % 2 == 0 else 3
            given = batch(count, network, seed=step)
            result = engine.train_step(given, step)
            features = given.images.mean(axis=(1, 2)) / 255 * given.dropout_mask
            logits = features @ value["fc.weight"].T + value["fc.bias"]
            probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
            expected_loss = np.mean(-(given.targets * np.log(probabilities)).sum(axis=1) * given.weights)
            assert result.loss == pytest.approx(expected_loss, rel=1e-5)
            assert result.correct == (logits.argmax(axis=1) == given.labels).sum()
            error = (probabilities - given.targets) * given.weights[:, None] / count
            for name, slope in {"fc.weight": error.T @ features, "fc.bias": error.sum(axis=0)}.items():
                value[name] = rule(value[name], slope, rate, states[name], step)
        exported = engine.export_weights()
    for name, expected in value.items():
        np.testing.assert_allclose(exported[name], expected, atol=2e-6)
