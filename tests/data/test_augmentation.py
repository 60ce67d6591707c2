import pickle
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from skinlab.config import compose
from skinlab.config.places import choices, places
from skinlab.data.augmentation import Augmenter
from skinlab.errors import ConfigError

FLIP_CROP = [
    {"_target_": "albumentations.HorizontalFlip", "p": 0.5},
    {"_target_": "albumentations.CropAndPad", "percent": [-0.1, 0.0], "keep_size": True, "p": 1.0},
]
IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def test_a_change_depends_on_the_key_alone_in_any_order() -> None:
    keys = [3, 2**127 + 5, 8, 8, 3]
    alone = [Augmenter(FLIP_CROP)(IMAGE, key) for key in keys]
    shared = pickle.loads(pickle.dumps(Augmenter(FLIP_CROP)))  # noqa: S301 - made here
    together = [shared(IMAGE, key) for key in reversed(keys)][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert not np.array_equal(alone[0], alone[1])


def test_transforms_are_drawn_independently_of_each_other() -> None:
    both = Augmenter([{"_target_": f"albumentations.{name}Flip", "p": 0.5} for name in ("Horizontal", "Vertical")])
    ways = {IMAGE[::y, ::x].tobytes(): (x, y) for x in (1, -1) for y in (1, -1)}
    seen = Counter(ways[both(IMAGE, key).tobytes()] for key in range(400))
    assert len(seen) == 4
    assert all(70 < count < 130 for count in seen.values())


def test_torch_is_not_imported_for_transforms_and_can_be_later() -> None:
    code = (
        "import sys, importlib.util\n"
        "from skinlab.data.augmentation import Augmenter\n"
        "Augmenter([{'_target_': 'albumentations.HorizontalFlip'}])\n"
        "assert 'torch' not in sys.modules\n"
        "importlib.util.find_spec('torch')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_half_of_the_images_are_flipped() -> None:
    flip = Augmenter(FLIP_CROP[:1])
    flipped = sum(np.array_equal(flip(IMAGE, key), IMAGE[:, ::-1]) for key in range(400))
    assert 160 < flipped < 240


def test_transforms_of_one_image_are_independent_of_each_other() -> None:
    flips = Augmenter([FLIP_CROP[0], {"_target_": "albumentations.VerticalFlip", "p": 0.5}])
    turned = {
        "neither": IMAGE,
        "horizontal": IMAGE[:, ::-1],
        "vertical": IMAGE[::-1],
        "both": IMAGE[::-1, ::-1],
    }
    results = [flips(IMAGE, key) for key in range(400)]
    counts = {name: sum(np.array_equal(result, image) for result in results) for name, image in turned.items()}
    assert sum(counts.values()) == 400
    assert all(60 < count < 140 for count in counts.values()), counts


@pytest.mark.parametrize("name", choices("augmentation", places()))
def test_a_preset_keeps_size_and_type_and_repeats_itself(name: str) -> None:
    preset = compose([f"augmentation={name}"]).config.augmentation
    one, other = Augmenter(preset.transforms), Augmenter(preset.transforms)
    for key in range(40):
        changed = one(IMAGE, key)
        assert (changed.shape, changed.dtype) == (IMAGE.shape, np.uint8)
        assert np.array_equal(changed, other(IMAGE, key))


@pytest.mark.parametrize("name", ["dermoscopy", "strong"])
def test_rotations_leave_no_black_corners(name: str) -> None:
    transforms = compose([f"augmentation={name}"]).config.augmentation.transforms
    (affine,) = [transform for transform in transforms if transform["_target_"] == "albumentations.Affine"]
    white = np.full((48, 48, 3), 255, np.uint8)
    assert all(np.array_equal(Augmenter([affine])(white, key), white) for key in range(40))
    assert any(not np.array_equal(Augmenter([affine])(IMAGE, key), IMAGE) for key in range(4))


def test_no_transforms_leave_the_image_as_it_is() -> None:
    assert Augmenter([])(IMAGE, 1) is IMAGE


def test_a_transform_that_changes_the_size_is_refused() -> None:
    crop = Augmenter([{"_target_": "albumentations.CenterCrop", "height": 16, "width": 16}])
    with pytest.raises(ConfigError, match="end with a transform that restores the size"):
        crop(IMAGE, 1)


@pytest.mark.parametrize(
    "transform",
    [
        {"_target_": "albumentations.NoSuchTransform"},
        {"_target_": "albumentations.Blur", "blur_limit": "wide"},
        {"_target_": "albumentations.Blur", "blurlimit": 3},
    ],
)
def test_a_wrong_transform_is_refused_before_any_image(transform: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="augmentation.transforms"):
        Augmenter([transform])
