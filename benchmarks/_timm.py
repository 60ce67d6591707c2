"""A training as timm's training script does it with its defaults, in one process on the CPU, by timm's own functions.

`python _timm.py NETWORK IMAGE_SIZE MINIBATCH_SIZE FOLDER EPOCHS WORKERS`: FOLDER/train has a folder of JPEG files for
each of two classes. Prints the images/s of the training epochs, the wait for their images included. timm's package does
not hold the script itself; what it does besides (validation, checkpoints) is not timed there either.
"""

import sys
import time

import torch
from timm.data import create_dataset, create_loader, resolve_data_config
from timm.loss import LabelSmoothingCrossEntropy
from timm.models import create_model
from timm.optim import create_optimizer_v2
from timm.utils import AverageMeter, random_seed

NAMES = {"mobilenet_v2": "mobilenetv2_100"}
RATE, RATE_IS_FOR, MOMENTUM, DECAY, SMOOTHING, SEED = 0.1, 256, 0.9, 2e-5, 0.1, 42


def main() -> None:
    network, size, minibatch, folder, epochs, workers = sys.argv[1:]
    random_seed(SEED, 0)
    model = create_model(NAMES.get(network, network), num_classes=2)
    data = resolve_data_config({"img_size": int(size)}, model=model)
    images = create_dataset("", root=folder, split="train", is_training=True, batch_size=int(minibatch), seed=SEED)
    loader = create_loader(
        images,
        input_size=data["input_size"],
        batch_size=int(minibatch),
        is_training=True,
        interpolation="random",
        mean=data["mean"],
        std=data["std"],
        num_workers=int(workers),
        device=torch.device("cpu"),
    )
    loss_of = LabelSmoothingCrossEntropy(SMOOTHING)
    rate = RATE * int(minibatch) / RATE_IS_FOR
    optimizer = create_optimizer_v2(model, opt="sgd", lr=rate, momentum=MOMENTUM, weight_decay=DECAY)
    seen, seconds = 0, 0.0
    model.train()
    for _ in range(int(epochs)):
        losses, started = AverageMeter(), time.monotonic()
        for batch, targets in loader:
            loss = loss_of(model(batch), targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            losses.update(loss.item(), len(targets))
        seconds += time.monotonic() - started
        seen += losses.count
    print(seen / seconds)


if __name__ == "__main__":
    main()
