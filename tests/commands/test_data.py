import pytest

from skinlab.cli import main
from skinlab.commands.complete import candidates
from skinlab.commands.table import DATA_VERBS


def test_help_lists_the_verbs(capsys):
    assert main(["data", "--help"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("usage: skinlab data VERB")
    assert all(f"  {verb.name} " in output for verb in DATA_VERBS)


def test_no_verb_is_an_error_that_shows_the_help(capsys):
    assert main(["data"]) == 2
    assert capsys.readouterr().err.startswith("usage: skinlab data VERB")


def test_an_unknown_verb_gets_the_nearest(capsys):
    assert main(["data", "fecth"]) == 2
    names = ", ".join(verb.name for verb in DATA_VERBS)
    error = capsys.readouterr().err
    assert error == f"skinlab data: no command 'data fecth'; did you mean 'fetch'? Commands: {names}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("da", ["data"]),
        ("data f", ["fetch"]),
        ("data fetch --li", ["--limit", "--licenses"]),
        ("data fetch --out ima", ["images/"]),
        ("data nonsense --", []),
    ],
)
def test_verbs_and_their_options_are_completed(words, expected, tmp_path, monkeypatch):
    (tmp_path / "images").mkdir()
    monkeypatch.chdir(tmp_path)
    assert candidates(words.split(" ")) == expected
