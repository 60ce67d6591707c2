import json
from pathlib import Path

import numpy as np
import pytest

from skinlab.errors import BundleError
from skinlab.serving import loading, replay
from tests.serving.bundles import colours, write_bundle, write_replayed


def test_images_are_taken_evenly_from_the_least_to_the_most_suspicious() -> None:
    positives = np.array([0.3, 0.1, 0.9, 0.5, 0.7])
    probabilities = np.stack([1 - positives, positives], axis=1)
    assert replay.rows(probabilities, 1, 3) == [1, 3, 2]
    assert replay.rows(probabilities, 1, 9) == [1, 0, 3, 4, 2]
    assert replay.rows(np.empty((0, 2)), 1, 3) == []


def test_without_a_positive_class_images_of_each_called_class_are_taken() -> None:
    probabilities = np.array([[0.1, 0.2, 0.7], [0.9, 0.1, 0.0], [0.4, 0.3, 0.3], [0.2, 0.5, 0.3], [0.0, 0.0, 1.0]])
    assert replay.rows(probabilities, None, 3) == [2, 3, 4]
    assert replay.rows(probabilities, None, 9) == [2, 1, 3, 0, 4]


def test_the_set_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    found = replay.of(loading.load(write_replayed(tmp_path)))
    assert {one.content for one in found} == set(colours())
    assert all(sum(one.probabilities) == pytest.approx(1) for one in found)


def test_a_large_file_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [b"x" * 10, b"x" * 11]
    monkeypatch.setattr(replay, "REPLAY_BYTES", 10)
    made = json.loads(replay.text(["a", "b"], np.array([[0.5, 0.5], [0.4, 0.6]]), 1, 2, files.__getitem__))
    assert [image["name"] for image in made["images"]] == ["a"]


def test_a_bundle_without_a_set_has_none(tmp_path: Path) -> None:
    assert replay.of(loading.load(write_bundle(tmp_path))) == []


@pytest.mark.parametrize(
    "content", [b"[", b"{}", b'{"images": [{"name": "a", "image": "QQ==", "probabilities": [1]}]}']
)
def test_a_set_of_another_form_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BundleError, match="replay set of .* is not one that skinlab writes"):
        replay.of(loading.load(write_bundle(tmp_path, replay=content)))


def test_an_answer_that_is_no_number_is_as_far_off_as_can_be() -> None:
    assert replay.difference([0.5, 0.5], [0.5, float("nan")]) == float("inf")
