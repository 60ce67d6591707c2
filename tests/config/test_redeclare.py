import pytest

from skinlab.config import compose, to_dict
from skinlab.config.redeclare import redeclare
from skinlab.errors import ConfigError

GROUPS = ("dataset", "split")


@pytest.fixture(scope="module")
def recorded():
    return to_dict(compose(["dataset=folder", "dataset.path=images", "dataset.image_size=64", "seed=9"]).config)


def test_without_overrides_it_is_what_was_recorded(recorded):
    assert to_dict(redeclare(recorded, [], GROUPS)) == recorded


def test_a_key_alone_changes_the_recorded_group(recorded):
    config = redeclare(recorded, ["dataset.path=others", "dataset.classes={a: [x], b: [y, z]}"], GROUPS)
    assert (config.dataset.path, config.dataset.image_size) == ("others", 64)
    assert config.dataset.classes == {"a": ["x"], "b": ["y", "z"]}
    assert config.seed == 9
    assert recorded["dataset"]["path"] == "images"


def test_a_choice_starts_from_its_file(recorded):
    config = redeclare(recorded, ["dataset=ham10000", "dataset.path=ham", "split=column", "split.column=part"], GROUPS)
    assert (config.dataset.name, config.dataset.path, config.dataset.image_size) == ("ham10000", "ham", 224)
    assert (config.split.name, config.split.column) == ("column", "part")


def test_a_single_key_of_a_section_may_be_allowed(recorded):
    allowed = (*GROUPS, "evaluation.subgroups")
    assert redeclare(recorded, ["evaluation.subgroups=[sex]"], allowed).evaluation.subgroups == ["sex"]
    with pytest.raises(ConfigError, match="only dataset, split and evaluation.subgroups can be declared anew here"):
        redeclare(recorded, ["evaluation.tta=flips"], allowed)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("optimizer.learning_rate=1", "optimizer.learning_rate=1: only dataset and split can be declared anew here"),
        ("dataset.pth=x", "dataset.pth=x: no key 'pth' in dataset; did you mean 'path'?"),
        ("dataset=foldr", "dataset=foldr: no such choice in group 'dataset'; did you mean 'folder'?"),
        ("dataset=ham10000", "dataset.path is required"),
        ("dataset.path=1", "dataset.path=1: must be text, not a whole number"),
        ("dataset.path=a,b", "several values make a sweep"),
        ("~dataset.path", "~dataset.path: every key is needed"),
    ],
)
def test_mistakes_name_the_override(recorded, override, said):
    with pytest.raises(ConfigError) as caught:
        redeclare(recorded, [override], GROUPS)
    assert said in str(caught.value)


def test_a_record_of_an_earlier_version_gets_the_sections_that_it_did_not_know(recorded):
    earlier = {name: value for name, value in recorded.items() if name not in ("bundle", "deployment")}
    assert to_dict(redeclare(earlier, [], GROUPS)) == recorded


def test_a_record_of_an_earlier_version_ignores_colour_profiles_as_that_version_did(recorded):
    dataset = {name: value for name, value in recorded["dataset"].items() if name != "colour_profile"}
    assert redeclare({**recorded, "dataset": dataset}, [], GROUPS).dataset.colour_profile == "ignore"
