"""A bare PyTorch loop: torchvision's network on one random minibatch in memory, fp32, or bf16 with channels_last.

`python _bare_torch.py NETWORK IMAGE_SIZE MINIBATCH_SIZE fp32|bf16` reads lines `train STEPS` or `predict STEPS` and
answers each with the images/s of so many steps. It shares no code with skinlab: it is what skinlab is measured against.
"""

import sys
import time

import torch
import torchvision
from torch import nn


def main() -> None:
    name, size, minibatch, precision = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    layout = torch.channels_last if precision == "bf16" else torch.contiguous_format
    network = torchvision.models.get_model(name, num_classes=2).to(device).to(memory_format=layout)
    images = torch.randn(minibatch, 3, size, size, device=device).contiguous(memory_format=layout)
    labels = torch.randint(0, 2, (minibatch,), device=device)
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
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            for _ in range(steps):
                network(images).float().cpu()

    for line in sys.stdin:
        kind, steps = line.split()
        started = time.monotonic()
        {"train": train, "predict": predict}[kind](int(steps))
        print(int(steps) * minibatch / (time.monotonic() - started), flush=True)


if __name__ == "__main__":
    main()
