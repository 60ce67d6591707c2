import numpy as np
import pytest

from skinlab.data.mixing import mix, soft_targets
from skinlab.engines.base import Batch


def batch(images: list[int], labels: list[int], weights: list[float], mask: float) -> Batch:
    return Batch(
        images=np.array(images, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8),
        labels=np.array(labels),
        targets=soft_targets(np.array(labels), 3, 0.0),
        weights=np.array(weights, dtype=np.float32),
        dropout_mask=np.full((len(labels), 2), mask, dtype=np.float32),
    )


OWN = batch([0, 100, 255], [0, 0, 1], [1, 1, 4], mask=1)
PARTNERS = batch([255, 200, 0], [1, 2, 2], [4, 7, 7], mask=0)


def test_images_targets_and_weights_are_mixed_in_the_same_share() -> None:
    mixed = mix(OWN, PARTNERS, np.array([0.25, 0.5, 0.9]))
    assert mixed.images.dtype == np.uint8
    assert mixed.images[:, 0, 0, 0].tolist() == [191, 150, 230]  # 191.25, 150, 229.5
    np.testing.assert_allclose(mixed.targets, [[0.25, 0.75, 0], [0.5, 0, 0.5], [0, 0.9, 0.1]], atol=1e-7)
    np.testing.assert_allclose(mixed.weights, [3.25, 4, 4.3], rtol=1e-6)
    assert mixed.labels.tolist() == [1, 0, 1]
    assert (mixed.targets.dtype, mixed.weights.dtype) == (np.float32, np.float32)


def test_dropout_stays_the_images_own() -> None:
    assert np.array_equal(mix(OWN, PARTNERS, np.zeros(3)).dropout_mask, OWN.dropout_mask)


def test_a_share_of_one_changes_nothing() -> None:
    mixed = mix(OWN, PARTNERS, np.ones(3))
    assert all(np.array_equal(getattr(mixed, name), getattr(OWN, name)) for name in vars(OWN))


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.999])
def test_smoothed_targets_are_distributions_that_still_prefer_the_label(smoothing: float) -> None:
    targets = soft_targets(np.array([2, 0]), 3, smoothing)
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert targets.argmax(axis=1).tolist() == [2, 0]
    assert targets.max() - targets.min() == pytest.approx(1 - smoothing, abs=1e-6)
