"""Training as the usual Lightning template does it: torchvision's ImageFolder, transforms and network.

`python _lightning.py NETWORK IMAGE_SIZE MINIBATCH_SIZE FOLDER EPOCHS WORKERS` trains on FOLDER/train and prints the
images/s of all epochs together, from the start of each to the end of its last step. No code is shared with skinlab.
"""

import logging
import sys
import time
from pathlib import Path
from typing import Any

import torch
import torchvision
from lightning import LightningModule, Trainer
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Classifier(LightningModule):
    """Counts images and the time that they took."""

    def __init__(self, network: str) -> None:
        super().__init__()
        self.network = torchvision.models.get_model(network, num_classes=2)
        self.images, self.seconds, self.started = 0, 0.0, 0.0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), 1e-3)

    def on_train_epoch_start(self) -> None:
        self.started = time.monotonic()

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], _index: int) -> torch.Tensor:
        images, labels = batch
        self.images += len(labels)
        loss = torch.nn.functional.cross_entropy(self.network(images), labels)
        self.log("train/loss", loss)
        return loss

    def on_train_epoch_end(self) -> None:
        self.seconds += time.monotonic() - self.started


def main() -> None:
    network, size, minibatch, folder, epochs, workers = sys.argv[1:]
    seen: list[Any] = [transforms.RandomResizedCrop(int(size)), transforms.RandomHorizontalFlip()]
    changes = transforms.Compose([*seen, transforms.ToTensor(), transforms.Normalize(MEAN, STD)])
    images = ImageFolder(str(Path(folder) / "train"), changes)
    loader = DataLoader(images, int(minibatch), shuffle=True, num_workers=int(workers), drop_last=True)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    classifier = Classifier(network)
    trainer = Trainer(
        max_epochs=int(epochs),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(classifier, loader)
    print(classifier.images / classifier.seconds)


if __name__ == "__main__":
    main()
