import io
from pathlib import Path

import numpy as np
from PIL import Image

from skinlab.evaluation.explain import overlay
from skinlab.networks.resnet import resnet
from skinlab.report.facts import Scored
from skinlab.report.galleries import SHOWN, SIDE, galleries, jpeg, most_uncertain, most_wrong
from skinlab.serving import loading
from skinlab.serving.explaining import Explainer
from tests.serving.bundles import write_bundle

NETWORK = resnet("resnet18", 64, 2, [0.5] * 3, [0.2] * 3)


def of_scores(targets, chances):
    probabilities = np.stack([1 - np.array(chances), chances], axis=1)
    return Scored([f"image_{row}" for row in range(len(targets))], np.array(targets), probabilities)


def images(count):
    return np.random.default_rng(0).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)


def test_most_wrong_are_those_whose_truth_was_least_probable_equal_ones_by_name():
    scored = of_scores([0, 1, 0, 1, 0], [0.75, 0.25, 0.875, 0.5, 0.75])
    assert most_wrong(scored, np.array([1, 0, 1, 1, 1])) == [2, 0, 1, 4]


def test_most_uncertain_are_nearest_to_the_threshold_or_to_a_tie():
    assert most_uncertain(of_scores([0, 1, 0], [0.1, 0.35, 0.6]), 1, 0.3) == [1, 0, 2]
    ties = Scored(["a", "b"], np.array([0, 0]), np.array([[0.8, 0.1, 0.1], [0.4, 0.35, 0.25]]))
    assert most_uncertain(ties, 0, 0.5) == [1, 0]


def test_what_has_no_truth_or_no_answer_is_not_shown():
    scored = of_scores([-1, 1, 1], [0.9, np.nan, 0.2])
    assert most_wrong(scored, np.array([1, 0, 0])) == [2]
    assert most_uncertain(scored, 1, 0.5) == [2]


def test_pictures_tell_truth_decision_and_where_the_network_looked(tmp_path: Path):
    bundle = loading.load(write_bundle(tmp_path, architecture=NETWORK, threshold=0.4))
    pixels, rows = images(5), np.array([4, 2])
    found = galleries(of_scores([0, 1], [0.45, 0.9]), pixels, rows, bundle)
    (wrong,) = found.wrong
    assert (wrong.image_id, wrong.truth, wrong.decision, wrong.probability) == ("image_0", "benign", "malignant", 0.45)
    assert wrong.image == jpeg(pixels[4])
    assert wrong.heat == jpeg(overlay(pixels[4], Explainer(bundle).heat_map(pixels[4], 1)))
    assert Image.open(io.BytesIO(wrong.heat)).size == (SIDE, SIDE)
    assert [shown.image_id for shown in found.uncertain] == ["image_0", "image_1"]
    assert found.no_heat is None
    assert found.places == Explainer(bundle).heat_map(pixels[4], 1).shape


def test_a_network_that_cannot_be_explained_leaves_pictures_and_the_reason(tmp_path: Path):
    bundle = loading.load(write_bundle(tmp_path, explain=None))
    found = galleries(of_scores([0], [0.9]), images(1), np.array([0]), bundle)
    assert found.wrong[0].heat is None
    assert found.no_heat == "the bundle cannot explain itself: its signature names no feature map"


def test_galleries_are_bounded(tmp_path: Path):
    bundle = loading.load(write_bundle(tmp_path, explain=None))
    found = galleries(of_scores([0] * 40, [0.9] * 40), images(40), np.arange(40), bundle)
    assert len(found.wrong) == len(found.uncertain) == SHOWN
