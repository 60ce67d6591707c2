"""Copies are found and other images are not, on drawn and on real skin."""

import csv

import numpy as np
import pytest

from skinlab import paths
from skinlab.data.audit.examine import examine, examined
from skinlab.data.images import decode
from tests.data.audit.copies import COPIES, originals_and_copies, skin

DEFAULT = 0.83


def hashes(images):
    return [f"{row:064x}" for row in range(len(images))]


def near(images, least=DEFAULT, **options):
    seen = examine(images, hashes(images), near=True, **options)
    return {tuple(pair) for pair, value in zip(seen.pairs.tolist(), seen.similarity, strict=True) if value >= least}


@pytest.fixture(scope="module")
def drawn():
    return [skin(seed) for seed in range(20)]


@pytest.mark.parametrize("kind", COPIES)
def test_copies_of_drawn_skin_are_found_and_nothing_else(drawn, kind):
    plain = [np.asarray(image.resize((96, 96))) for image in drawn]
    copies = [decode(COPIES[kind](image, seed), 96) for seed, image in enumerate(drawn)]
    assert near(np.stack(plain + copies)) == {(row, row + 20) for row in range(20)}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_of_real_images_are_found(real_images, kind):
    files = sorted((real_images / "isic2017").glob("*/*.jpg"))[::8]
    pairs = near(originals_and_copies(files, kind, 128))
    assert {(row, row + len(files)) for row in range(len(files))} <= pairs


def test_real_images_of_different_lesions_give_hardly_an_alarm(real_images):
    """The one pair across lesions is a known near-duplicate, see the images' own description."""
    with (real_images / "ham10000" / "HAM10000_metadata.csv").open() as stream:
        rows = sorted(csv.DictReader(stream), key=lambda row: row["image_id"])
    files = [real_images / "ham10000" / "images" / f"{row['image_id']}.jpg" for row in rows]
    pairs = near(np.stack([decode(file.read_bytes(), 96) for file in files]))
    across = [(a, b) for a, b in pairs if rows[a]["lesion_id"] != rows[b]["lesion_id"]]
    assert [(rows[a]["image_id"], rows[b]["image_id"]) for a, b in across] == [("ISIC_0025387", "ISIC_0029880")]


def test_threads_change_nothing(drawn):
    images = np.stack([np.asarray(image.resize((64, 64))) for image in drawn] * 2)
    images[20:] = images[20:, :, ::-1]
    one, many = (examine(images, hashes(images), near=True, workers=workers) for workers in (1, 4))
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(many).values(), strict=True))
    assert len(one.pairs) == 20


def test_same_content_and_blank_images_are_not_near_duplicates(drawn):
    images = np.stack([np.asarray(drawn[0].resize((64, 64)))] * 2 + [np.full((64, 64, 3), 200, np.uint8)] * 2)
    assert near(images) == {(0, 1)}
    assert len(examine(images, ["a", "a", "b", "c"], near=True).pairs) == 0


def test_the_result_is_remembered_and_a_damaged_memory_is_not_believed(drawn):
    images = np.stack([np.asarray(image.resize((64, 64))) for image in [*drawn[:3], drawn[0]]])
    first = examined(images, hashes(images), near=True)
    (memory,) = (paths.cache() / "audit").iterdir()
    blank = np.zeros_like(images)
    assert examined(blank, hashes(images), near=True).pairs.tolist() == first.pairs.tolist() == [[0, 3]]
    memory.write_bytes(memory.read_bytes()[:50])
    assert examined(images, hashes(images), near=True).pairs.tolist() == [[0, 3]]
    assert len(examined(images, hashes(images), near=False).pairs) == 0


def test_images_that_were_decoded_in_another_way_are_examined_anew(drawn):
    images = np.stack([np.asarray(image.resize((64, 64))) for image in drawn[:3]])
    for way in ("convert", "ignore"):
        examined(images, hashes(images), near=True, colour_profile=way)
    assert len(list((paths.cache() / "audit").glob("*.npz"))) == 2
