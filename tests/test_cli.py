import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from skinlab import __version__, cli
from skinlab.commands.table import VERBS
from skinlab.errors import DataError, SkinlabError


@pytest.fixture
def verb(monkeypatch):
    """Replace `check` by a function."""

    def replace(function):
        monkeypatch.setattr(cli.importlib, "import_module", lambda _: SimpleNamespace(main=function))

    return replace


def raising(error):
    def function(argv):
        raise error

    return function


def test_a_verb_gets_the_words_that_follow_it_and_its_code_is_returned(verb):
    seen = []
    verb(lambda argv: seen.append(argv) or 7)
    assert cli.main(["check", "a=1", "-m"]) == 7
    assert seen == [["a=1", "-m"]]


@pytest.mark.parametrize("verb_name", [verb.name for verb in VERBS])
def test_every_verb_of_the_table_has_its_module(verb_name):
    assert callable(cli.importlib.import_module(cli._module(verb_name)).main)


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"skinlab {__version__}\n"


def test_help_goes_to_standard_output(capsys):
    assert cli.main(["--help"]) == 0
    assert capsys.readouterr().out.startswith("usage: skinlab VERB")


def test_no_verb_at_all_is_an_error_that_shows_the_help(capsys):
    assert cli.main([]) == 2
    assert capsys.readouterr().err.startswith("usage: skinlab VERB")


def test_an_unknown_verb_gets_the_nearest(capsys):
    assert cli.main(["trian"]) == 2
    names = ", ".join(verb.name for verb in VERBS)
    assert capsys.readouterr().err == f"skinlab: no command 'trian'; did you mean 'train'? Commands: {names}\n"


def test_a_mistake_of_the_user_is_printed_line_by_line_without_traceback(verb, capsys):
    verb(raising(DataError("one\ntwo")))
    assert cli.main(["check"]) == DataError.exit_code
    output = capsys.readouterr()
    assert (output.out, output.err) == ("", "skinlab check: one\nskinlab check: two\n")


def test_the_traceback_is_shown_on_demand(verb, capsys, monkeypatch):
    monkeypatch.setenv("SKINLAB_DEBUG", "1")
    verb(raising(SkinlabError("one")))
    assert cli.main(["check"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.endswith("skinlab check: one\n")


def test_other_errors_are_not_hidden(verb):
    verb(raising(RuntimeError("a bug")))
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main(["check"])


def test_an_interrupted_command_exits_with_130(verb, capsys):
    verb(raising(KeyboardInterrupt()))
    assert cli.main(["check"]) == 130
    assert "interrupted" in capsys.readouterr().err


def run(*words, **options):
    return subprocess.run(
        [sys.executable, "-m", "skinlab", *words], capture_output=True, text=True, check=False, **options
    )


def test_python_dash_m_is_the_command():
    assert run("--version").stdout == f"skinlab {__version__}\n"


def test_a_reader_that_goes_away_is_no_traceback():
    command = f"{sys.executable} -m skinlab train --help | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout in ("0\n", "141\n")


def test_a_closed_pipe_exits_with_141():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "skinlab", "--help"], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


HEAVY = (
    "hydra",
    "omegaconf",
    "yaml",
    "numpy",
    "cv2",
    "albumentations",
    "sklearn",
    "scipy",
    "matplotlib",
    "onnx",
    "rich",
)


@pytest.mark.parametrize("words", [["--help"], ["__complete", "check", "optimizer."], ["nonsense"]])
def test_light_commands_import_nothing_heavy(words):
    program = (
        "import sys; from skinlab.cli import main; main(sys.argv[1:]);"
        f"sys.stderr.write('heavy:' + ' '.join(m for m in {HEAVY} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    assert done.stderr.endswith("heavy:")


def test_check_imports_no_library_of_the_engines():
    program = (
        "import sys; from skinlab.cli import main; main(['check', '--declaration-only']);"
        f"sys.stderr.write('heavy:' + ' '.join(m for m in {HEAVY[3:]} if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stderr == "heavy:"
