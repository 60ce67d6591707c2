import pytest

from skinlab.commands.arguments import command_line, declaring_parser, hydra_overrides
from skinlab.errors import ConfigError


def parse(*words):
    return declaring_parser("train").parse_intermixed_args(words)


def test_options_may_stand_among_overrides():
    options = parse("seed=1,2", "-m", "--config-dir", "more", "name=a")
    assert (options.overrides, options.multirun, [str(folder) for folder in options.config_dirs]) == (
        ["seed=1,2", "name=a"],
        True,
        ["more"],
    )


def test_an_option_is_not_guessed_from_its_beginning():
    with pytest.raises(ConfigError, match="unrecognized arguments: --multi; see skinlab train --help"):
        parse("--multi")


def test_hydra_composes_the_overrides_and_searches_our_folders(tmp_path, monkeypatch):
    (tmp_path / "conf").mkdir()
    monkeypatch.chdir(tmp_path)
    seen = hydra_overrides(parse("seed=1,2", "-m", "name=a"))
    assert seen == [f'hydra.searchpath=["outside://{tmp_path}/conf"]', "seed=1,2", "name=a"]


def test_the_recorded_command_can_be_typed_again():
    options = parse("seed=1,2", "-m", "name=a b", "--config-dir", "more")
    assert command_line("train", options) == "skinlab train -m --config-dir more seed=1,2 'name=a b'"
