import copy

import pytest

from skinlab import schema
from skinlab.config import compose, parse, recorded, to_dict
from skinlab.errors import ConfigError


@pytest.fixture(scope="module")
def _values():
    return to_dict(compose([]).config)


@pytest.fixture
def values(_values):
    return copy.deepcopy(_values)


def refused(values):
    with pytest.raises(ConfigError) as caught:
        parse(values)
    return str(caught.value).splitlines()


def test_a_declaration_survives_the_way_to_plain_values_and_back(values):
    assert to_dict(parse(values)) == values


def test_a_recorded_declaration_is_read_where_it_could_not_be_run(values, monkeypatch):
    values["tracking"]["tensorboard"] = True
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert refused(values)
    assert to_dict(recorded(values)) == values


def test_a_recorded_declaration_of_another_version_is_refused(values):
    del values["seed"]
    with pytest.raises(ConfigError, match="^seed is required"):
        recorded(values)


def test_sections_and_elements_of_lists_become_dataclasses(values):
    config = parse(values)
    assert isinstance(config.dataset, schema.SyntheticDataset)
    assert config.training.schedule.phases[1] == schema.Phase(epochs=7.0, factor=0.1)


def test_a_whole_number_becomes_a_number_where_one_is_meant(values):
    values["training"]["checkpoint_minutes"] = 5
    minutes = parse(values).training.checkpoint_minutes
    assert (minutes, type(minutes)) == (5.0, float)


@pytest.mark.parametrize("name", ["folder", "table"])
def test_the_name_tells_which_dataclass_of_a_group_is_meant(name):
    path = "images.csv" if name == "table" else "images"
    dataset = compose([f"dataset={name}", f"dataset.path={path}"]).config.dataset
    assert type(dataset).__name__.lower() == f"{name}dataset"


def test_without_overrides_the_key_and_value_are_named(values):
    values["seed"] = -1
    values["optimizer"]["momentum"] = 1
    assert refused(values) == [
        "seed=-1: must be at least 0 and at most 2147483647",
        "optimizer.momentum=1: must be at least 0 and below 1",
    ]


def test_an_absent_key_is_required(values):
    del values["optimizer"]["momentum"]
    assert refused(values) == [
        "optimizer.momentum is required: fraction of the last step that is kept; e.g. optimizer.momentum=NUMBER"
    ]


def test_an_absent_section_is_required(values):
    del values["evaluation"]
    assert refused(values) == ["evaluation is required: final numbers; e.g. evaluation=NAME"]


def test_truth_is_not_a_number(values):
    values["network"]["dropout"] = False
    assert refused(values) == ["network.dropout=false: must be a number, not true or false"]


def test_arguments_of_transforms_keep_their_values(values):
    transforms = [{"_target_": "albumentations.Pad", "a": [1, {"b": None}], "c": "x", "d": True, "e": 0.5}]
    values["augmentation"]["transforms"] = transforms
    assert parse(values).augmentation.transforms == transforms


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        ("flip", "augmentation.transforms.0=flip: must be keys and values, not text"),
        (
            {"_target_": "albumentations.Pad", "p": float("nan")},
            "augmentation.transforms.0.p=nan: must be a finite number",
        ),
        (
            {"_target_": "albumentations.Pad", 3: 1},
            "augmentation.transforms.0={_target_: albumentations.Pad, 3: 1}: key 3 must be text; quote it",
        ),
    ],
)
def test_what_json_cannot_hold_is_refused_in_transforms(values, bad, line):
    values["augmentation"]["transforms"] = [bad]
    assert refused(values) == [line]


def test_a_long_value_is_shortened(values):
    values["seed"] = "x" * 100
    assert refused(values) == [f"seed={'x' * 57}...: must be a whole number, not text"]


def test_a_list_may_not_be_too_long(values):
    values["training"]["schedule"]["phases"] = [{"epochs": 1, "factor": 1}] * 101
    (line,) = refused(values)
    assert line.endswith("must have at least 1 and at most 100 elements, not 101")
