"""Minibatches prepared by other processes: the same bytes, no hang, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from skinlab.data.augmentation import Augmenter
from skinlab.data.loader import Loader
from skinlab.errors import ConfigError, DataError, EngineError
from tests.data.test_loader import COUNT, equal, loader
from tests.processes import hear_ctrl_c

DERMOSCOPY = [
    {"_target_": "albumentations.HorizontalFlip", "p": 0.5},
    {"_target_": "albumentations.VerticalFlip", "p": 0.5},
    {"_target_": "albumentations.Affine", "rotate": [-90, 90], "scale": [0.8, 1.2], "shear": [-10, 10], "p": 1.0},
    {"_target_": "albumentations.ColorJitter", "brightness": 0.2, "contrast": 0.2, "saturation": 0.3, "p": 0.8},
    {
        "_target_": "albumentations.OneOf",
        "p": 0.7,
        "transforms": [
            {"_target_": "albumentations.GaussianBlur", "blur_limit": [3, 7], "p": 1.0},
            {"_target_": "albumentations.MotionBlur", "blur_limit": [3, 7], "p": 1.0},
            {"_target_": "albumentations.GaussNoise", "p": 1.0},
        ],
    },
    {"_target_": "albumentations.ElasticTransform", "alpha": 30, "sigma": 5, "p": 0.5},
    {"_target_": "albumentations.GridDropout", "ratio": 0.2, "p": 0.3},
    {"_target_": "albumentations.CoarseDropout", "num_holes_range": [1, 4], "fill": "random_uniform", "p": 0.7},
]


def dermoscopy(**changes: object) -> Loader:
    images = np.random.default_rng(1).integers(0, 256, (COUNT, 224, 224, 3), dtype=np.uint8)
    return loader(images=images, augment=Augmenter(DERMOSCOPY), **changes)


def test_dermoscopy_transforms_give_the_same_bytes_in_any_number_of_processes_and_after_a_resume() -> None:
    alone = list(dermoscopy().epoch(1))
    for workers in (1, 2, 4):
        with dermoscopy(workers=workers) as several:
            assert equal(alone, several.epoch(1))
            assert equal(alone[2:], several.epoch(1, first_step=2))


def test_images_mapped_from_a_file_and_images_in_memory_are_the_same(tmp_path: Path) -> None:
    expected = list(loader().epoch(0))
    np.save(tmp_path / "images.npy", loader().images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    with loader(images=mapped, workers=1) as whole:
        assert equal(expected, whole.epoch(0))
    padded = np.concatenate([loader().images[:2], loader().images])
    np.save(tmp_path / "padded.npy", padded)
    with loader(images=np.load(tmp_path / "padded.npy", mmap_mode="r")[2:], workers=1) as part:
        assert equal(expected, part.epoch(0))


def test_minibatches_may_be_kept_while_later_ones_are_prepared() -> None:
    with loader(workers=1) as several:
        assert equal(loader().epoch(0), list(several.epoch(0)))


def test_an_epoch_that_is_left_early_does_not_disturb_the_next() -> None:
    with loader(workers=2) as several:
        next(several.epoch(0))
        assert equal(loader().epoch(1), several.epoch(1))


def test_the_processes_serve_all_epochs_and_end_with_the_loader() -> None:
    with loader(workers=2) as several:
        started = several._ahead.pids
        for epoch in range(3):
            assert equal(loader().epoch(epoch), several.epoch(epoch))
        assert several._ahead.pids == started
        assert all(running(pid) for pid in started)
    assert not any(running(pid) for pid in started)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def broken(image: np.ndarray, key: int) -> np.ndarray:
    raise ZeroDivisionError("no such image")


class ComplicatedError(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def unsendable(image: np.ndarray, key: int) -> np.ndarray:
    raise ComplicatedError("this", "that")


def broken_in_workers(augment: Callable[..., np.ndarray]) -> Loader:
    """A loader that is well here, so that the mistake is made over there."""
    several = loader(workers=2)
    several._ahead  # noqa: B018 - made now
    several._ahead.close()
    vars(several)["_ahead"] = type(several._ahead)(replace(several, augment=augment), next(loader().epoch(0)))
    return several


def test_an_error_in_a_process_is_raised_here_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError) as caught, broken_in_workers(broken) as several:
        list(several.epoch(0))
    assert str(caught.value) == "no such image"
    assert "in broken" in "".join(caught.value.__notes__)


def test_an_error_that_cannot_be_sent_says_the_same() -> None:
    with pytest.raises(DataError) as caught, broken_in_workers(unsendable) as several:
        list(several.epoch(0))
    assert str(caught.value) == "ComplicatedError: this and that"


def test_a_transform_that_changes_the_size_is_refused_as_without_processes() -> None:
    crop = Augmenter([{"_target_": "albumentations.CenterCrop", "height": 8, "width": 8}])
    with pytest.raises(ConfigError, match="end with a transform that restores the size"):
        list(broken_in_workers(crop).epoch(0))


def test_a_process_that_is_killed_is_named_with_the_signal() -> None:
    with loader(workers=2) as several:
        batches = several.epoch(0)
        next(batches)
        os.kill(several._ahead.pids[1], signal.SIGKILL)
        with pytest.raises(DataError, match=r"died \(killed by SIGKILL, perhaps .* memory\): lower training\.loader"):
            list(batches)
        assert equal(loader().epoch(1), several.epoch(1))  # whoever goes on gets new processes


def threads(image: np.ndarray, key: int) -> np.ndarray:
    import cv2

    Augmenter(DERMOSCOPY[:1])
    return np.full_like(image, max(cv2.getNumThreads(), int(os.environ.get("OMP_NUM_THREADS", "99"))))


def test_each_process_uses_one_thread() -> None:
    with loader(workers=1, augment=threads) as several:
        assert {int(batch.images.max()) for batch in several.epoch(0)} == {1}


def test_too_little_memory_is_said_with_what_to_lower() -> None:
    with pytest.raises(EngineError, match=r"no room for .* lower training\.loader_workers"):
        list(loader(workers=1, minibatch_size=2**44).epoch(0))


PARENT = """
import os, sys, time
from tests.data.test_loader import loader
with loader(workers=2) as several:
    next(several.epoch(0))
    batches = several.epoch(0)
    next(batches)
    print(*several._ahead.pids, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    """A process with two workers of its own."""
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - one system call
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_however_the_parent_ends_its_processes_end_and_no_shared_file_stays(
    parent: "subprocess.Popen[str]", how: signal.Signals
) -> None:
    assert parent.stdout is not None
    before = {entry.name for entry in Path("/dev/shm").iterdir() if "minibatches" in entry.name}
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.send_signal(how)
    parent.wait(30)
    deadline = time.monotonic() + 10
    while any(running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(running(pid) for pid in pids)
    assert {entry.name for entry in Path("/dev/shm").iterdir() if "minibatches" in entry.name} == before == set()
