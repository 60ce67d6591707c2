"""What skinlab costs on top of PyTorch: images/s of the torch engine over those of a bare loop.

ResNet-18 at 224 px, minibatch 16, training and prediction on one device. The engine gets uint8 minibatches with masks
and weights, as the training loop gives them; the bare loop has torchvision's network and float32 tensors at hand. fp32
is compared with a bare fp32 loop, bf16 with a bare loop in bf16 autocast and channels_last; skinlab predicts in fp32
always. The two take turns, so that a machine whose speed drifts does not favour one. Goal: at least 0.95.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
import torchvision
from torch import nn

from skinlab import schema
from skinlab.engines.base import Batch, Plan
from skinlab.engines.torch.engine import TorchEngine
from skinlab.networks import weights
from skinlab.networks.resnet import resnet

SIZE, MINIBATCH = 224, 16
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
Measure = Callable[[int], None]


def engine(precision: str) -> tuple[Measure, Measure]:
    """Steps of training and of prediction through skinlab."""
    declared = schema.TorchEngine(
        name="torch",
        device="auto",
        devices=1,
        threads=None,
        precision=precision,  # type: ignore[arg-type]
        channels_last=True,
        deterministic=True,
        ema=None,
        clip_norm=None,
    )
    optimizer = schema.MomentumSGD(
        name="momentum_sgd", learning_rate=0.01, minibatch_size=MINIBATCH, momentum=0.9, weight_decay=5e-4
    )
    network = resnet("resnet18", SIZE, 2, MEAN, STD)
    started = TorchEngine(declared)
    started.build(Plan(network, optimizer, np.full(10_000, 0.01), MINIBATCH, frozenset()), weights.initial(network, 1))
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (MINIBATCH, SIZE, SIZE, 3), dtype=np.uint8)
    labels = generator.integers(0, 2, MINIBATCH)
    batch = Batch(
        images=images,
        labels=labels,
        targets=np.eye(2, dtype=np.float32)[labels],
        weights=np.ones(MINIBATCH, np.float32),
        dropout_mask=np.ones((MINIBATCH, network.features), np.float32),
    )

    def train(steps: int) -> None:
        for step in range(steps):
            started.train_step(batch, step)

    def predict(steps: int) -> None:
        for _ in range(steps):
            started.predict(batch.images)

    return train, predict


def bare(precision: str) -> tuple[Measure, Measure]:
    """Steps of training and of prediction without skinlab."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    layout = torch.channels_last if precision == "bf16" else torch.contiguous_format
    network = torchvision.models.resnet18(num_classes=2).to(device).to(memory_format=layout)
    images = torch.randn(MINIBATCH, 3, SIZE, SIZE, device=device).contiguous(memory_format=layout)
    labels = torch.randint(0, 2, (MINIBATCH,), device=device)
    optimizer = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, weight_decay=5e-4)

    def train(steps: int) -> None:
        network.train()
        for _ in range(steps):
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                loss = nn.functional.cross_entropy(network(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()

    def predict(steps: int) -> None:
        network.eval()
        with torch.inference_mode():
            for _ in range(steps):
                network(images).cpu()

    return train, predict


def images_per_second(measure: Measure, steps: int) -> float:
    started = time.monotonic()
    measure(steps)
    return steps * MINIBATCH / (time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    engines, loops = ({precision: make(precision) for precision in ("fp32", "bf16")} for make in (engine, bare))
    rows = {
        "training, fp32": (engines["fp32"][0], loops["fp32"][0]),
        "training, bf16": (engines["bf16"][0], loops["bf16"][0]),
        "prediction, fp32": (engines["fp32"][1], loops["fp32"][1]),
    }
    rounds = f"{options.rounds} rounds of {options.steps} steps"
    print(f"ResNet-18, {SIZE} px, minibatch {MINIBATCH}, {rounds}; images/s, medians")
    print(f"{'':<18}{'skinlab':>9}{'bare':>9}{'ratio, pair by pair':>28}")
    for name, pair in rows.items():
        for each in pair:
            each(2)  # the first steps choose algorithms
        measured = [[images_per_second(each, options.steps) for each in pair] for _ in range(options.rounds)]
        ratios = [skinlab / loop for skinlab, loop in measured]
        spread = f"{median(ratios):.3f}  ({min(ratios):.3f} to {max(ratios):.3f})"
        print(f"{name:<18}{median(m[0] for m in measured):9.1f}{median(m[1] for m in measured):9.1f}{spread:>28}")


if __name__ == "__main__":
    main()
