import pytest

from skinlab import schema
from skinlab.commands.table import VERBS
from skinlab.config import tree
from skinlab.config.places import choices, groups, places
from skinlab.help import WIDTH, command_help, keys_help, main_help


@pytest.mark.parametrize("key", list(tree.all_keys()), ids=lambda key: f"{key.dotted}-{key.variant}")
def test_every_key_of_the_schema_is_listed_with_its_meaning(key):
    text = " ".join(keys_help().split())
    if tree.follows_choice(key.path):
        assert f" {key.path[0]}= " in text
    else:
        assert f"{key.dotted.replace('.[]', '[]')}" in text
        assert (tree.sections(key.kind) and len(key.path) > 1) or " ".join(key.doc.split()) in text


def test_a_key_is_listed_with_type_range_unit_and_default():
    text = " ".join(keys_help().split())
    assert (
        "optimizer.learning_rate step size, applied to the mean gradient of the minibatch "
        "[number, greater than 0 and at most 10; default 0.01 with "
    ) in text
    assert (
        "whole number, at least 32 and at most 1024, px; default 72 with synthetic, 64 with dermamnist, else 224]"
    ) in text
    assert (
        "dataset.path the folder, or a .zip or .tar archive of it (only dataset=folder) [text; default none, required]"
        in text
    )


@pytest.mark.parametrize("text", [main_help(), command_help("train"), command_help("check")])
def test_help_fits_a_terminal_of_100_columns(text):
    assert max(map(len, text.splitlines())) <= WIDTH


def test_the_main_page_lists_verbs_groups_choices_keys_examples_and_the_note():
    text = main_help()
    for verb in VERBS:
        assert verb.summary in text
    for group in groups(places()):
        assert f"{group}= " in text
        assert " | ".join(choices(group, places())) in " ".join(text.split())
    for key in tree.own_keys(schema.Config):
        assert f"  {key.dotted}=" in text or f"  {key.dotted}.*" in text
    assert "skinlab train dataset=folder dataset.path=PATH" in text
    assert "nothing it prints is a diagnosis" in text


@pytest.mark.parametrize("verb", ["train", "check"])
def test_a_verb_shows_usage_options_examples_and_keys(verb):
    text = command_help(verb)
    assert text.startswith(f"usage: skinlab {verb} ")
    assert "--config-dir DIR" in text
    assert keys_help().strip() in text


def test_choices_of_the_current_directory_are_listed(tmp_path, monkeypatch):
    (tmp_path / "conf" / "experiment").mkdir(parents=True)
    (tmp_path / "conf" / "experiment" / "mine.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert "| mine |" in main_help()
    assert "| mine |" in keys_help()
