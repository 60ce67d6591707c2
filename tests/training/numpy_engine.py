"""A small real engine for tests of the loop: logistic regression on mean colours, in numpy, deterministic."""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skinlab.engines.base import Batch, Plan, StepResult
from skinlab.networks.weights import Weights

RATES = np.linspace(0.1, 0.01, 24)
"""Of 4 epochs of 6 steps."""


class NumpyEngine:
    """Implements skinlab.engines.base.Engine."""

    def __init__(self) -> None:
        self.weight = np.zeros((2, 3))
        self.steps = 0
        self.asked: list[int] = []
        self.die_at: int | None = None

    def build(self, plan: Plan | None, weights: Weights) -> None:
        self.weight = weights["fc.weight"].astype(np.float64)

    def train_step(self, batch: Batch, step: int) -> StepResult:
        if self.steps == self.die_at:
            raise KeyboardInterrupt
        features = batch.images.mean(axis=(1, 2)) / 255
        probabilities = _softmax(features @ self.weight.T)
        error = (probabilities - batch.targets) * batch.weights[:, None] / len(batch)
        self.weight = self.weight - RATES[step] * error.T @ features
        self.steps += 1
        self.asked.append(step)
        correct = int((probabilities.argmax(axis=1) == batch.labels).sum())
        return StepResult(float(np.mean(-(batch.targets * np.log(probabilities)).sum(axis=1) * batch.weights)), correct)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = (images.mean(axis=(1, 2)) / 255 @ self.weight.T).astype(np.float32)
        return logits

    def save(self, path: Path) -> None:
        (path / "state.json").write_text(json.dumps(self.weight.tolist()))

    def load(self, path: Path) -> None:
        self.weight = np.array(json.loads((path / "state.json").read_text()))

    def export_weights(self) -> Weights:
        return {"fc.weight": self.weight.astype(np.float32)}

    def describe(self) -> dict[str, Any]:
        return {"name": "numpy", "device": "cpu"}

    def packages(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return result
