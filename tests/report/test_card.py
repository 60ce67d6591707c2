import copy

import numpy as np
import pytest

from skinlab.config import compose
from skinlab.data.prepare import prepare
from skinlab.report.card import model_card
from tests.report.page_facts import result_of, scored


@pytest.fixture(scope="module")
def declared():
    return compose(["experiment=debug", "dataset.images=40", "network.image_size=32"]).config


@pytest.fixture(scope="module")
def data(declared, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINLAB_HOME", str(tmp_path_factory.mktemp("home")))
        return prepare(declared.dataset, declared.split, 32)


@pytest.fixture
def result():
    return copy.deepcopy(result_of(scored()))


def test_card_has_use_and_no_use_data_numbers_operating_point_subgroups_and_limits(declared, data, result):
    card = model_card(declared, data, result)
    headings = [line for line in card.splitlines() if line.startswith("## ")]
    assert headings == [
        "## The model",
        "## What it is for",
        "## What it is not for",
        "## Data",
        "## What it is worth",
        "## Operating point",
        "## Subgroups",
        "## Limits",
    ]
    auc = result["test"]["metrics"]["auc"]
    assert f"| AUC | {auc['value']:.3f} | [{auc['low']:.3f}, {auc['high']:.3f}] 95 % DeLong |" in card
    assert "Research software: not a medical device, not for diagnosis; phantoms." in card
    assert "| female | 20 | " in card
    train = np.bincount(data.targets[data.rows("train")])
    assert f"| {data.classes[0]} | {train[0]} | " in card


def test_a_name_from_the_data_is_text_in_its_cell(declared, data, result):
    result["subgroups"][0]["subgroups"][0]["name"] = "<b>a|b</b>\nnext"
    assert "| &lt;b&gt;a\\|b&lt;/b&gt; next | 20 | " in model_card(declared, data, result)


def test_what_is_undefined_says_why(declared, data, result):
    entry = {"value": None, "low": None, "high": None, "interval": None, "why": "no image is malignant"}
    result["test"]["metrics"]["auc"] = result["operating_point"]["test"]["sensitivity"] = entry
    card = model_card(declared, data, result)
    assert "| AUC | - | undefined: no image is malignant |" in card
    assert "sensitivity undefined: no image is malignant" in card


def test_no_subgroups_and_the_most_probable_class_are_told(declared, data, result):
    result["subgroups"] = []
    result["operating_point"]["threshold"] = None
    card = model_card(declared, data, result)
    assert "That it works alike for everybody is not known." in card
    assert "An image is called what is most probable." in card
