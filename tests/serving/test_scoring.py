import itertools
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image

from skinlab.data.images import ImageError
from skinlab.errors import BundleError
from skinlab.networks.resnet import resnet
from skinlab.serving import loading
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import Answer, Scorer
from tests.serving.bundles import write_bundle


def colour(red: int, green: int, blue: int) -> bytes:
    stream = BytesIO()
    Image.new("RGB", (20, 10), (red, green, blue)).save(stream, "PNG")
    return stream.getvalue()


RED, GREEN, PINK = colour(250, 10, 10), colour(10, 250, 10), colour(150, 127, 127)


def test_label_is_the_most_probable_and_decision_follows_the_threshold(tmp_path: Path) -> None:
    scorer = Scorer(loading.load(write_bundle(tmp_path, threshold=0.9)))
    red, pink, green = (scorer.answer_file(content) for content in (RED, PINK, GREEN))
    assert (red.label, red.decision) == ("malignant", "malignant")
    assert 0.5 < pink.probabilities[1] < 0.9
    assert (pink.label, pink.decision) == ("malignant", "benign")
    assert (green.label, green.decision) == ("benign", "benign")


def test_of_more_than_two_classes_the_most_probable_is_the_decision(tmp_path: Path) -> None:
    scorer = Scorer(loading.load(write_bundle(tmp_path, classes=["a", "b", "c"], threshold=0.01)))
    for content in (RED, GREEN):
        answer = scorer.answer_file(content)
        assert answer.decision == answer.label == "abc"[int(np.argmax(answer.probabilities))]


def test_probabilities_are_the_models_in_their_shortest_form(tmp_path: Path) -> None:
    scorer = Scorer(loading.load(write_bundle(tmp_path)))
    image = scorer.decode(PINK)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    expected = session.run(["probabilities"], {"image": image[None]})[0][0]
    given = scorer.answer(image).probabilities
    assert [np.float32(value) for value in given] == expected.tolist()
    assert all(len(repr(value)) <= 13 for value in given)


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("deep")
    return loading.load(write_bundle(folder, architecture=resnet("resnet18", 64, 2, [0.5] * 3, [0.2] * 3)))


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (7, 64, 64, 3), dtype=np.uint8)


def test_neither_threads_nor_neighbours_change_a_bit(deep: Bundle, images: NDArray[np.uint8]) -> None:
    alone = np.stack([Scorer(deep, threads=1).probabilities(image) for image in images])
    for threads in (1, 3):
        assert Scorer(deep, threads).probabilities_of(images, range(7)).tobytes() == alone.tobytes()
    assert Scorer(deep, 2).probabilities_of(images, [4, 3]).tobytes() == alone[[4, 3]].tobytes()


def test_no_images_give_no_probabilities(deep: Bundle, images: NDArray[np.uint8]) -> None:
    assert Scorer(deep).probabilities_of(images, []).shape == (0, 2)


def test_answers_keep_the_order_and_a_broken_file_does_not_stop_the_rest(tmp_path: Path) -> None:
    scorer = Scorer(loading.load(write_bundle(tmp_path)), threads=3)
    files = {"a": RED, "b": b"", "c": GREEN, "d": RED[:40], "e": PINK}
    answered = list(scorer.answers(files, files.__getitem__))
    assert [name for name, _ in answered] == list(files)
    assert [isinstance(answer, Answer) for _, answer in answered] == [True, False, True, False, True]
    assert str(answered[1][1]) == "the file is empty"


def test_an_endless_source_is_read_no_further_than_needed(tmp_path: Path) -> None:
    scorer = Scorer(loading.load(write_bundle(tmp_path)), threads=2)
    asked = itertools.count()

    def endless() -> Iterator[int]:
        while True:
            yield next(asked)

    answers = scorer.answers(endless(), lambda _: RED)
    assert [next(answers)[0] for _ in range(20)] == list(range(20))
    assert next(asked) < 30
    answers.close()  # type: ignore[attr-defined]


def test_an_unreadable_source_is_an_error_row(tmp_path: Path) -> None:
    scorer = Scorer(loading.load(write_bundle(tmp_path)))

    def read(name: str) -> bytes:
        raise ImageError(f"no {name}")

    ((_, answer),) = scorer.answers(["x"], read)
    assert str(answer) == "no x"


def test_a_model_that_is_none_is_a_bundle_error(tmp_path: Path) -> None:
    good = loading.load(write_bundle(tmp_path))
    with pytest.raises(BundleError, match="cannot be run by onnxruntime"):
        Scorer(Bundle(good.path, b"not a model", good.sha256, good.signature))


@pytest.mark.parametrize("tta", ["flips", "dihedral"])
def test_views_are_averaged_outside_as_they_are_inside_a_bundle(
    tmp_path: Path, deep: Bundle, images: NDArray[np.uint8], tta: str
) -> None:
    network = resnet("resnet18", 64, 2, [0.5] * 3, [0.2] * 3)
    inside = Scorer(loading.load(write_bundle(tmp_path, architecture=network, tta=tta)))
    outside = Scorer(deep, tta=tta)
    np.testing.assert_allclose(inside.probabilities(images[0]), outside.probabilities(images[0]), atol=1e-6)
    assert np.abs(outside.probabilities(images[0]) - Scorer(deep).probabilities(images[0])).max() > 1e-4
    assert (
        Scorer(inside.bundle, tta=tta).probabilities(images[0]).tobytes() == inside.probabilities(images[0]).tobytes()
    )


def test_what_a_bundle_averages_over_cannot_be_changed(tmp_path: Path) -> None:
    bundle = loading.load(write_bundle(tmp_path, tta="dihedral"))
    with pytest.raises(BundleError, match=r"evaluation\.tta=dihedral"):
        Scorer(bundle, tta="none")
