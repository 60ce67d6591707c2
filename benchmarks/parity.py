"""How far the two engines agree on every network: same weights, same minibatches, differences by rounding alone.

Logits before training, and of the exported ONNX file after it: largest difference, relative to the largest logit. Loss
after one and after ten updates: relative difference. Three minibatches an epoch, the last one smaller; random images,
targets, weights and dropout masks; momentum 0.9 at a small rate, since batch normalisation makes rounding grow with it.
Residual branches begin weak, as drawn ones make deep networks multiply rounding before anything is learnt. Both engines
train in float32. The last column is what rounding alone does: PyTorch in another memory layout, after ten
updates. Bounds: 1e-4 of logits and ONNX, 1e-3 of the loss; ends with status 1 beyond them.
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from skinlab import engines, networks
from skinlab.config import compose
from skinlab.engines.base import Batch, Engine, Plan
from skinlab.networks import onnx_graph, weights
from skinlab.networks.architecture import Architecture
from skinlab.networks.weights import Weights

LARGE, SMALL = 8, 7
SIZES = [LARGE, LARGE, SMALL] * 3 + [LARGE, LARGE]
"""Images of each of ten updates, and of an eleventh whose loss is the one after ten."""
CLASSES = 3
BOUNDS = {"logits": 1e-4, "loss, 1 step": 1e-3, "loss, 10 steps": 1e-3, "ONNX cntk": 1e-4, "ONNX torch": 1e-4}

ROUNDING = "10, rounding"
TORCH = ["engine=torch", "engine.precision=fp32"]
ENGINES = {"cntk": ["engine=cntk"], "torch": TORCH, "layout": [*TORCH, "engine.channels_last=false"]}


@dataclass(frozen=True)
class Outcome:
    """What one engine came to: logits of the first weights, the loss before each update, ONNX's distance at the end."""

    logits: NDArray[np.float32]
    losses: list[float]
    onnx: float


def distance(values: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    """Largest difference, relative to the largest value."""
    return float(np.abs(values - expected).max() / np.abs(expected).max())


def first_weights(network: Architecture) -> Weights:
    """Drawn weights with weak residual branches."""
    arrays, ops = weights.initial(network, 1), {node.name: node.op for node in network.nodes}
    for node in network.nodes:
        for name in node.inputs if node.op == "add" else ():
            if ops[name] == "batchnorm" and "downsample" not in name:
                arrays[f"{name}.weight"] *= 0.2
    return arrays


def minibatch(network: Architecture, count: int, seed: int) -> Batch:
    generator, size = np.random.default_rng(seed), network.image_size
    return Batch(
        images=generator.integers(0, 256, (count, size, size, 3), dtype=np.uint8),
        labels=generator.integers(0, CLASSES, count),
        targets=generator.dirichlet(np.ones(CLASSES), count).astype(np.float32),
        weights=generator.uniform(0.5, 1.5, count).astype(np.float32),
        dropout_mask=(generator.integers(0, 2, (count, network.features)) * 2).astype(np.float32),
    )


def outcome(engine: Engine, plan: Plan, network: Architecture) -> Outcome:
    images = minibatch(network, SMALL, seed=99).images
    engine.build(plan, first_weights(network))
    logits = engine.predict(images)
    losses = [engine.train_step(minibatch(network, count, seed=step), step).loss for step, count in enumerate(SIZES)]
    model = onnx_graph.to_onnx(network, engine.export_weights())
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    served = session.run(["logits"], {"image": images})[0]
    return Outcome(logits, losses, distance(served, engine.predict(images)))


def compare(name: str, size: int, rate: float) -> dict[str, float]:
    """The row of a network."""
    config = compose([f"network={name}", f"optimizer.minibatch_size={LARGE}"]).config
    network = networks.DESCRIBED[name](name, size, CLASSES, config.network.mean, config.network.std)
    plan = Plan(network, config.optimizer, np.full(len(SIZES), rate), 2 * LARGE + SMALL, frozenset())
    outcomes = {}
    for key, overrides in ENGINES.items():
        with engines.start(compose([*overrides, "engine.device=cpu"]).config.engine, seed=1) as started:
            outcomes[key] = outcome(started, plan, network)
    cntk, torch, layout = outcomes.values()
    relative = [abs(one / other - 1) for one, other in zip(cntk.losses, torch.losses, strict=True)]
    values = (distance(cntk.logits, torch.logits), relative[1], relative[10], cntk.onnx, torch.onnx)
    return {**dict(zip(BOUNDS, values, strict=True)), ROUNDING: abs(layout.losses[10] / torch.losses[10] - 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", choices=networks.DESCRIBED, default=list(networks.DESCRIBED))
    parser.add_argument("--size", type=int, default=64, help="of the images, in pixels")
    parser.add_argument("--rate", type=float, default=1e-5)
    options = parser.parse_args()
    print(f"{options.size} px, minibatches of {LARGE}, {LARGE} and {SMALL} images, learning rate {options.rate:g}")
    print(f"{'':<14}" + "".join(f"{name:>16}" for name in (*BOUNDS, ROUNDING)))
    agreed = True
    for name in options.networks:
        row = compare(name, options.size, options.rate)
        agreed &= all(row[column] < bound for column, bound in BOUNDS.items())
        print(f"{name:<14}" + "".join(f"{value:16.1e}" for value in row.values()), flush=True)
    sys.exit(0 if agreed else 1)


if __name__ == "__main__":
    main()
