"""Hashes of copies are close."""

import numpy as np

from skinlab.data.audit.signature import BITS, VARIANTS, flip_masks, frequencies, signatures, thumbnail
from tests.data.audit.copies import skin


def stack(count, size=96):
    return np.stack([np.asarray(skin(seed, size)) for seed in range(count)])


def test_a_flip_changes_exactly_the_odd_frequencies_along_its_axis():
    images = stack(3)
    whole = signatures(images).hashes[:, 0]
    down, across = flip_masks()
    assert np.array_equal(signatures(images[:, ::-1]).hashes[:, 0], whole ^ down)
    assert np.array_equal(signatures(images[:, :, ::-1]).hashes[:, 0], whole ^ across)
    assert np.array_equal(signatures(images[:, ::-1, ::-1]).hashes[:, 0], whole ^ down ^ across)


def test_frequencies_are_different_and_leave_out_the_blob():
    pairs = {tuple(pair) for pair in frequencies().tolist()}
    assert len(pairs) == BITS
    assert not pairs & {(0, 0), (0, 2), (2, 0), (2, 2)}


def test_threads_change_nothing():
    images = stack(20)
    one, many = signatures(images, 1), signatures(images, 4)
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(many).values(), strict=True))
    assert one.hashes.shape == (20, VARIANTS, 2)


def test_size_and_grey_levels():
    grey = np.full((1, 20, 20, 3), 80, np.uint8)
    found = signatures(grey)
    assert (found.brightness[0], found.contrast[0]) == (80, 0)
    assert thumbnail(grey[0]).shape == (64, 64)
