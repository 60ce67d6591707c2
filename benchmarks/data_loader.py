"""The loader alone: images/s from the decoded cache with 0, 1, 2 and 4 worker processes, and without the cache.

224 px, preset flip_crop, minibatches of 32. Images are full-size dermoscopy images (../shared/data/uda1_fullsize beside
the checkout) where they are, else phantoms of 1024 px. "Without" decodes each file for each minibatch, on all
processors. Rounds take turns, so that a machine whose speed drifts does not favour one; medians. Goals: 3,000 images/s,
and 10 times the rate without the cache.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from skinlab import paths
from skinlab.config import compose
from skinlab.data.augmentation import Augmenter
from skinlab.data.cache import decoded
from skinlab.data.hashes import sha256_of_files
from skinlab.data.images import read
from skinlab.data.loader import Loader
from skinlab.data.parallel import usable_cpus
from skinlab.data.phantoms import PhantomSpec
from skinlab.data.sources.synthetic import drawn

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "uda1_fullsize"
SIZE, MINIBATCH, WORKERS = 224, 32, (0, 1, 2, 4)


def image_files() -> tuple[str, list[str]]:
    if REAL.is_dir():
        return f"full-size images of {REAL.name}", sorted(map(str, REAL.rglob("*.jpg")))
    spec = PhantomSpec(seed=0, images=48, draw_size=1024, malignant_fraction=0.5, difficulty=0.2, images_per_lesion=1.0)
    return "phantoms of 1024 px", sorted(map(str, drawn(spec).glob("*.png")))


def loader(files: list[str], epoch_images: int) -> Loader:
    hashes = [digest for digest in sha256_of_files(files)[0] if digest is not None]
    images = decoded(files, hashes, SIZE).images
    return Loader(
        images=images,
        image_ids=[Path(file).stem for file in files],
        targets=np.zeros(len(images), dtype=np.int64),
        rows=np.arange(epoch_images) % len(images),
        class_weights=np.ones(2, dtype=np.float32),
        augment=Augmenter(compose(["augmentation=flip_crop"]).config.augmentation.transforms),
        seed=0,
        minibatch_size=MINIBATCH,
        dropout=0.0,
        features=512,
        workers=0,
    )


def rate(epoch: Callable[[], int]) -> float:
    started = time.perf_counter()
    return epoch() / (time.perf_counter() - started)


def images_of(ready: Loader, epoch: int) -> int:
    return sum(len(batch) for batch in ready.epoch(epoch))


def without_cache(files: list[str]) -> int:
    with ThreadPoolExecutor(usable_cpus()) as pool:
        return len(list(pool.map(lambda file: read(file, SIZE), files)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=4096, help="images an epoch; files are repeated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ[paths.HOME_VARIABLE] = home
        name, files = image_files()
        plain = loader(files, options.images)
        loaders = {count: replace(plain, workers=count) for count in WORKERS}
        rates: dict[int, list[float]] = {count: [] for count in WORKERS}
        uncached = []
        for number in range(options.rounds):
            for count, each in loaders.items():
                with each:
                    images_of(each, 0)  # the processes are ready, and have seen every image
                    rates[count].append(rate(partial(images_of, each, number)))
            uncached.append(rate(partial(without_cache, files)))
    print(f"{len(files)} {name}, {SIZE} px, flip_crop, minibatch {MINIBATCH}, {usable_cpus()} processors; images/s")
    print(f"{'without the cache':<24}{median(uncached):10,.0f}")
    for count in WORKERS:
        found = median(rates[count])
        print(f"{f'cached, {count} workers':<24}{found:10,.0f}{found / median(uncached):8.0f} times")


if __name__ == "__main__":
    main()
