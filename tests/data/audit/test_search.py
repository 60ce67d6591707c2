"""Planted pairs among many hashes are found, and nothing is compared twice."""

import numpy as np
import pytest

from skinlab.data.audit.search import NEAREST, similar_pairs
from skinlab.data.audit.signature import VARIANTS, flip_masks


def planted(images, pairs, seed=0, errors=(3, 5)):
    """Random hashes; `pairs` of them are flipped copies of others with wrong bits, as many as cropped copies have."""
    rng = np.random.default_rng(seed)
    hashes = rng.integers(0, 2**64, (images, 1, 2), dtype=np.uint64).repeat(VARIANTS, axis=1)
    rows = rng.choice(images, 2 * pairs, replace=False).reshape(2, pairs)
    flips = np.stack([np.zeros(2, np.uint64), *flip_masks(), flip_masks()[0] ^ flip_masks()[1]])
    for number, (one, other) in enumerate(rows.T):
        wrong = np.zeros(2, np.uint64)
        for word, count in enumerate(errors):
            for bit in rng.choice(64, count, replace=False):
                wrong[word] |= np.uint64(1) << np.uint64(bit)
        hashes[other] = hashes[one] ^ wrong ^ flips[number % 4]
    return hashes, {(int(min(pair)), int(max(pair))) for pair in rows.T}


def found(hashes, **options):
    return {(first, second) for first, second in similar_pairs(hashes, **options).tolist()}


def test_planted_pairs_among_200_000_hashes_are_found():
    hashes, expected = planted(200_000, 500)
    pairs = found(hashes)
    assert len(expected - pairs) <= 5
    assert len(pairs - expected) <= 5


def test_threads_change_nothing():
    hashes, _ = planted(3000, 200)
    assert np.array_equal(similar_pairs(hashes, workers=1), similar_pairs(hashes, workers=3))


def test_a_crowd_of_equal_hashes_costs_a_bounded_number_of_pairs_and_stays_connected():
    hashes = np.full((500, VARIANTS, 2), 12345, np.uint64)
    pairs = similar_pairs(hashes)
    assert len(pairs) <= 500 * 2 * NEAREST
    root = list(range(500))
    for first, second in sorted(pairs.tolist()):
        root = [root[first] if group == root[second] else group for group in root]
    assert len(set(root)) == 1


@pytest.mark.parametrize("images", [0, 1, 2])
def test_few_images(images):
    hashes = np.ones((images, VARIANTS, 2), np.uint64)
    assert found(hashes) == ({(0, 1)} if images == 2 else set())
