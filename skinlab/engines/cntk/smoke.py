"""Smoke test of a CNTK runtime: a small real training, run by the runtime's own Python 3.6.

`python smoke.py cpu|gpu` trains a convolutional network twice on the same eight images and prints one line of JSON.
It proves that the libraries load, that the loss falls and that the training repeats bit for bit; it measures nothing.
"""

import json
import os
import sys
import types
from typing import Any

import numpy as np

STEPS = 8
IMAGES = 8
SIZE = 16


def images_and_labels() -> "tuple[Any, Any]":
    """Eight noisy images float32 [8, 3, 16, 16], brighter in the second class, and one-hot labels float32 [8, 2]."""
    random = np.random.RandomState(0)
    classes = np.arange(IMAGES) % 2
    images = random.normal(size=(IMAGES, 3, SIZE, SIZE)) + classes[:, None, None, None]
    return images.astype(np.float32), np.eye(2, dtype=np.float32)[classes]


def train(cntk: Any) -> "list[float]":
    """The losses of a few steps of momentum SGD on a network of convolution, batch normalization and pooling."""
    images, labels = images_and_labels()
    image, label = cntk.input_variable((3, SIZE, SIZE)), cntk.input_variable(2)
    kernel = cntk.parameter((4, 3, 3, 3), init=cntk.he_normal(seed=1))
    features = cntk.convolution(kernel, image, auto_padding=[False, True, True])
    features = cntk.batch_normalization(
        features,
        cntk.parameter(4, init=1),
        cntk.parameter(4, init=0),
        cntk.constant(0, 4),
        cntk.constant(1, 4),
        spatial=True,
        running_count=cntk.constant(0),
    )
    features = cntk.reshape(cntk.pooling(cntk.relu(features), cntk.MAX_POOLING, (4, 4), (4, 4)), -1)
    logits = cntk.times(features, cntk.parameter((4 * (SIZE // 4) ** 2, 2), init=cntk.he_normal(seed=2)))
    loss = cntk.cross_entropy_with_softmax(logits, label)
    rate = cntk.learning_parameter_schedule(0.01, minibatch_size=IMAGES)
    learner = cntk.momentum_sgd(logits.parameters, rate, cntk.momentum_schedule(0.5), unit_gain=False)
    trainer = cntk.Trainer(logits, (loss, None), [learner])
    losses = []
    for _ in range(STEPS):
        trainer.train_minibatch({image: images, label: labels})
        losses.append(float(trainer.previous_minibatch_loss_average))
    return losses


def load_cntk() -> Any:
    """Imports CNTK without its check of the operating system.

    The check warns of every Linux but Ubuntu 16.04, needs bash, and runs `ldconfig` a dozen times on the folders of
    LD_LIBRARY_PATH, which makes links in those that this user can write. Whether CNTK works is seen by using it.
    """
    unchecked = types.ModuleType("cntk.cntk_py_init")
    unchecked.cntk_check_distro_info = unchecked.cntk_check_libs = lambda: None  # type: ignore[attr-defined]
    sys.modules[unchecked.__name__] = unchecked
    sys.setdlopenflags(os.RTLD_LAZY)  # the MPI stub defines only what must be bound while loading
    import cntk  # type: ignore[import-not-found]

    return cntk


def main(variant: str) -> None:
    """Trains twice and prints what was seen."""
    cntk = load_cntk()
    device = cntk.gpu(0) if variant == "gpu" else cntk.cpu()
    if not cntk.try_set_default_device(device):
        sys.exit(f"CNTK cannot use {device}")
    cntk.cntk_py.set_fixed_random_seed(1)
    cntk.cntk_py.force_deterministic_algorithms()
    first, second = train(cntk), train(cntk)
    print(  # noqa: T201 - the parent process reads this line
        json.dumps(
            {
                "cntk": cntk.__version__,
                "devices": [str(each) for each in cntk.all_devices()],
                "losses": first,
                "repeats": first == second,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
