import pytest

from skinlab.commands.arguments import declaring_parser, hydra_arguments
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


def test_hydra_can_parse_what_it_is_given(tmp_path, monkeypatch):
    from hydra._internal.utils import get_args_parser

    (tmp_path / "conf").mkdir()
    monkeypatch.chdir(tmp_path)
    seen = get_args_parser().parse_args(hydra_arguments(parse("seed=1,2", "-m", "name=a")))
    assert seen.multirun
    assert seen.overrides == [f'hydra.searchpath=["file://{tmp_path}/conf"]', "seed=1,2", "name=a"]
