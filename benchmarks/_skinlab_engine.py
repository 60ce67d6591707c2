"""An engine of skinlab given uint8 minibatches with masks and weights, as the training loop gives them.

`python _skinlab_engine.py NETWORK IMAGE_SIZE MINIBATCH_SIZE [KEY=VALUE ...]`, with overrides such as engine=torch,
reads lines `train STEPS` or `predict STEPS` and answers each with the images/s of so many steps.
"""

import sys
import time
from itertools import count

import numpy as np

from skinlab import engines, networks
from skinlab.config import compose
from skinlab.engines.base import Batch, Plan
from skinlab.networks import weights


def main() -> None:
    name, size, minibatch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    overrides = [f"network={name}", f"network.image_size={size}", f"optimizer.minibatch_size={minibatch}"]
    config = compose(overrides + sys.argv[4:]).config
    network = networks.build(config.network, classes=2)
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, minibatch)
    batch = Batch(
        images=generator.integers(0, 256, (minibatch, size, size, 3), dtype=np.uint8),
        labels=labels,
        targets=np.eye(2, dtype=np.float32)[labels],
        weights=np.ones(minibatch, np.float32),
        dropout_mask=np.ones((minibatch, network.features), np.float32),
    )
    with engines.start(config.engine, seed=1) as engine:
        plan = Plan(network, config.optimizer, np.full(10_000, 0.01), minibatch, frozenset())
        engine.build(plan, weights.initial(network, 1))
        trained = count()

        def train() -> None:
            engine.train_step(batch, next(trained))

        def predict() -> None:
            engine.predict(batch.images)

        for line in sys.stdin:
            kind, steps = line.split()
            started = time.monotonic()
            for _ in range(int(steps)):
                {"train": train, "predict": predict}[kind]()
            print(int(steps) * minibatch / (time.monotonic() - started), flush=True)


if __name__ == "__main__":
    main()
