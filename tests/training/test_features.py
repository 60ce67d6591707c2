import logging
import os
import threading
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from skinlab import paths
from skinlab.errors import OutputError
from skinlab.networks import weights
from skinlab.networks.onnx_graph import to_onnx
from skinlab.networks.resnet import resnet
from skinlab.networks.symmetries import Symmetry
from skinlab.training import features

NETWORK = resnet("resnet18", 64, 2, [0.5, 0.4, 0.3], [0.2, 0.2, 0.3])
ARRAYS = weights.initial(NETWORK, 1)
IMAGES = np.random.default_rng(0).integers(0, 256, (2 * features.PIECE + 3, 64, 64, 3), dtype=np.uint8)
HASHES = [f"{number:064x}" for number in range(len(IMAGES))]


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))


def test_the_classifier_on_features_gives_the_networks_logits() -> None:
    computed = features.features(NETWORK, ARRAYS, IMAGES, HASHES)
    (logits,) = onnxruntime.InferenceSession(to_onnx(NETWORK, ARRAYS)).run(["logits"], {"image": IMAGES})
    np.testing.assert_allclose(computed @ ARRAYS["fc.weight"].T + ARRAYS["fc.bias"], logits, atol=1e-4)


def test_features_do_not_depend_on_the_number_of_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = to_onnx(NETWORK, ARRAYS, output="features")
    rows = np.arange(len(IMAGES))
    several = features.compute(backbone, IMAGES, rows)
    monkeypatch.setattr(features, "usable_cpus", lambda: 1)
    assert features.compute(backbone, IMAGES, rows).tobytes() == several.tobytes()


def test_features_are_computed_once() -> None:
    seen: list[tuple[int, int]] = []
    first, again = (
        features.features(NETWORK, ARRAYS, IMAGES, HASHES, report=lambda done, of: seen.append((done, of)))
        for _ in range(2)
    )
    assert first.tobytes() == again.tobytes()
    assert seen == [(16, 35), (32, 35), (35, 35)]


def test_of_two_who_ask_at_once_one_computes_and_the_other_waits(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    computed, late = [], []

    def ask_again() -> None:
        late.append(features.features(NETWORK, ARRAYS, IMAGES, HASHES, report=lambda *_: computed.append("second")))

    second = threading.Thread(target=ask_again)

    def in_the_middle(done: int, of: int) -> None:
        computed.append("first")
        if second.ident is None:
            second.start()
            while not caplog.messages:
                time.sleep(0.01)

    first = features.features(NETWORK, ARRAYS, IMAGES, HASHES, report=in_the_middle)
    second.join()
    assert set(computed) == {"first"}
    assert caplog.messages == ["another process computes the same features: waiting for it"]
    assert late[0].tobytes() == first.tobytes()


def test_another_classifier_shares_the_features_and_other_weights_do_not() -> None:
    def key(arrays: weights.Weights) -> str:
        return features.cache_key(NETWORK, arrays, HASHES)

    other = weights.with_classifier(NETWORK, ARRAYS, np.ones((2, 512)), np.ones(2))
    assert key(other) == key(ARRAYS)
    assert key(weights.initial(NETWORK, 2)) != key(ARRAYS)


def test_images_that_were_decoded_in_another_way_have_features_of_their_own() -> None:
    ways = {features.cache_key(NETWORK, ARRAYS, HASHES, colour_profile=way) for way in ("convert", "ignore")}
    assert len(ways) == 2


def test_a_damaged_cache_entry_is_computed_again() -> None:
    first = features.features(NETWORK, ARRAYS, IMAGES, HASHES)
    (entry,) = (paths.cache() / "features").glob("*.npy")
    entry.write_bytes(entry.read_bytes()[:1000])
    assert features.features(NETWORK, ARRAYS, IMAGES, HASHES).tobytes() == first.tobytes()


def test_rows_and_views_have_features_of_their_own() -> None:
    rows, mirror = np.array([3, 20, 1]), Symmetry(flip_columns=True)
    everything = features.features(NETWORK, ARRAYS, IMAGES, HASHES)
    some = features.features(NETWORK, ARRAYS, IMAGES, HASHES, rows=rows)
    np.testing.assert_allclose(some, everything[rows], atol=1e-5)
    mirrored = features.features(NETWORK, ARRAYS, IMAGES, HASHES, rows=rows, view=mirror)
    expected = features.features(NETWORK, ARRAYS, IMAGES[rows][:, :, ::-1], ["a", "b", "c"])
    np.testing.assert_allclose(mirrored, expected, atol=1e-5)
    assert np.abs(mirrored - some).max() > 1e-3


def test_features_that_are_used_again_are_evicted_last_and_too_many_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    features.features(NETWORK, ARRAYS, IMAGES, HASHES)
    (entry,) = (paths.cache() / "features").glob("*.npy")
    os.utime(entry, (1, 1))
    features.features(NETWORK, ARRAYS, IMAGES, HASHES)
    assert entry.stat().st_mtime > 1
    monkeypatch.setenv("SKINLAB_CACHE_GB", "0.00001")
    with pytest.raises(OutputError, match="SKINLAB_CACHE_GB"):
        features.features(NETWORK, weights.initial(NETWORK, 2), IMAGES, HASHES)
