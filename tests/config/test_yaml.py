"""conf/ and the schema agree: each key has its default exactly once."""

import dataclasses

import pytest
import yaml

from skinlab import schema
from skinlab.config import conf_dir, tree
from skinlab.config.defaults import content
from skinlab.config.places import choices, groups, places

GROUPS = [group for group in groups(places()) if group != "experiment"]
JOINED = "tracking"  # its choices can be joined, [tensorboard, mlflow], so each holds a part and the root the rest
CHOICES = [(group, name) for group in GROUPS if group != JOINED for name in choices(group, places())]


def load(name):
    return content(conf_dir() / f"{name}.yaml")


def section_of(group, values):
    kinds = tree.siblings((group,))
    named = [kind for kind in kinds if values.get(tree.tag(kind) or "name") in tree.variant_names(kind)]
    return (named or kinds)[0]


def test_a_choice_whose_name_begins_with_an_underscore_is_a_part_of_others():
    assert (conf_dir() / "dataset" / "_base.yaml").is_file()
    assert not [name for _, name in CHOICES if name.startswith("_")]


@pytest.mark.parametrize(("group", "name"), CHOICES)
def test_a_choice_holds_exactly_the_keys_of_its_dataclass(group, name):
    values = load(f"{group}/{name}")
    assert set(values) == {field.name for field in dataclasses.fields(section_of(group, values))}


def test_joined_choices_hold_whole_sections_each_its_own():
    held = [load(f"{JOINED}/{name}") for name in choices(JOINED, places())]
    kinds = tree.key_types(schema.Tracking)
    names = [name for values in held for name in values]
    assert sorted(names) == sorted(set(kinds) - {"wait"})
    for name, value in ((name, value) for values in held for name, value in values.items()):
        sections = tree.sections(kinds[name])
        assert set(value) == set(tree.key_types(sections[0])) if sections else value is True
    root = yaml.safe_load((conf_dir() / "config.yaml").read_text(encoding="utf-8"))
    assert set(root[JOINED]) == set(kinds)


def test_the_root_holds_exactly_the_keys_that_no_group_holds():
    root = yaml.safe_load((conf_dir() / "config.yaml").read_text(encoding="utf-8"))
    expected = {field.name for field in dataclasses.fields(schema.Config)} - set(GROUPS) | {JOINED}
    assert set(root) - {"defaults", "hydra"} == expected
    assert set(root["training"]) == set(tree.key_types(schema.Training))
    assert set(root["training"]["schedule"]) == set(tree.key_types(schema.Schedule))
    assert set(root["training"]["early_stopping"]) == set(tree.key_types(schema.EarlyStopping))
    assert set(root["lr_find"]) == set(tree.key_types(schema.LrFind))
    assert set(root["audit"]) == set(tree.key_types(schema.Audit))
    assert set(root["evaluation"]) == set(tree.key_types(schema.Evaluation))
    assert set(root["bundle"]) == set(tree.key_types(schema.Bundle))


def test_every_group_of_the_schema_has_a_folder():
    sections = {key.dotted for key in tree.own_keys(schema.Config) if tree.sections(key.kind)}
    assert sections - set(GROUPS) == {"audit", "training", "lr_find", "evaluation", "bundle"}


def test_every_variant_of_the_schema_has_its_file():
    for group in GROUPS:
        names = {tree.variant_name(kind) for kind in tree.siblings((group,))} - {None}
        assert names <= set(choices(group, places())), group


@pytest.mark.parametrize("name", choices("experiment", places()))
def test_a_preset_says_what_it_is_for_and_sets_keys_at_the_root(name):
    lines = (conf_dir() / "experiment" / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# @package _global_"
    assert lines[1].startswith("# ")
    assert yaml.safe_load("\n".join(lines))["name"] == name
