import os
import pty
import select
import shutil
import subprocess
import sys

import pytest

from skinlab.cli import main
from skinlab.commands.completion import SCRIPTS, script
from skinlab.config.places import choices, places


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_script_of_a_shell_is_printed(shell, capsys):
    assert main(["completion", shell]) == 0
    assert capsys.readouterr().out == SCRIPTS[shell]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["completion"], "skinlab completion: which shell? There are: bash, zsh, fish\n"),
        (
            ["completion", "bsh"],
            "skinlab completion: no script for 'bsh'; did you mean 'bash'? There are: bash, zsh, fish\n",
        ),
    ],
)
def test_another_shell_is_refused(words, line, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err == line


def test_help_says_where_the_script_goes(capsys):
    assert main(["completion", "--help"]) == 0
    assert "~/.bashrc" in capsys.readouterr().out


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_shell_can_read_its_script(shell, tmp_path):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(script(shell), encoding="utf-8")
    assert subprocess.run([shell, "-n", str(file)], capture_output=True, text=True, check=False).stderr == ""


DRIVER = r"""
skinlab() { "$PYTHON" -m skinlab "$@"; }
source "$SCRIPT"
COMP_LINE=$1
COMP_POINT=${#1}
_skinlab
printf '%s|' "${COMPREPLY[@]}"
"""


@pytest.fixture
def press_tab(tmp_path, monkeypatch):
    """What bash would offer for a line with the cursor at its end."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    file = tmp_path / "script"
    file.write_text(script("bash"), encoding="utf-8")
    (tmp_path / "images").mkdir()
    monkeypatch.setenv("SCRIPT", str(file))
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.chdir(tmp_path)

    def press(line, breaks=None):
        setting = f"COMP_WORDBREAKS='{breaks}'" if breaks is not None else ""
        command = ["bash", "--norc", "-c", setting + DRIVER, "bash", line]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.removesuffix("|").split("|")

    return press


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("skinlab tr", ["train "]),
        ("skinlab check opt", ["optimizer=", "optimizer."]),
        ("skinlab  check   optimizer.mo", ["optimizer.momentum="]),
        ("skinlab check seed=1 network.drop", ["network.dropout="]),
        ("skinlab check zzz", [""]),
        # bash replaces only what follows the last `=` or `:`
        ("skinlab check dataset=fo", ["folder "]),
        (
            "skinlab check dataset=",
            [f"{name} " for name in choices("dataset", places())],
        ),
        ("skinlab check engine.device=c", ["cpu "]),
        ("skinlab train -m augmentation=none,f", ["none,flip_crop "]),
        ("skinlab check dataset.path=im", ["images/"]),
    ],
)
def test_bash_offers(line, offered, press_tab):
    assert press_tab(line) == offered


@pytest.mark.parametrize(
    ("breaks", "offered"), [(" =", ["folder "]), (" :", ["dataset=folder "]), (" ", ["dataset=folder "])]
)
def test_bash_offers_whole_words_where_equals_does_not_break_them(breaks, offered, press_tab):
    assert press_tab("skinlab check dataset=fo", breaks) == offered


def test_bash_offers_what_follows_a_colon_in_a_path(press_tab, tmp_path):
    (tmp_path / "a" / "images").mkdir(parents=True)
    assert press_tab("skinlab check --config-dir a/", " :=") == ["a/images/"]


def test_bash_itself_completes_a_typed_line(press_tab):
    """An interactive bash with readline: what stands on its line after each TAB."""
    ours, theirs = pty.openpty()
    command = ["bash", "--norc", "--noprofile", "-i"]
    environment = {**os.environ, "PS1": "READY "}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=environment
    ) as bash:
        try:
            for keys, shown in (
                ('skinlab() { "$PYTHON" -m skinlab "$@"; }; source "$SCRIPT"; echo S""ET\n', "SET"),
                ("", "READY "),
                ("skinlab check dataset=fo\t", "dataset=folder "),
                ("engine.mkl\t", "engine.mkl_cpu_type="),
                ("av\t", "avx2 "),
            ):
                os.write(ours, keys.encode())
                wait_for(ours, shown.encode())
        finally:
            bash.kill()
    os.close(theirs)
    os.close(ours)


def wait_for(terminal, shown):
    """Read, a byte at a time so that nothing after it is lost, until something is shown."""
    seen = b""
    while not seen.endswith(shown):
        assert select.select([terminal], [], [], 60)[0], f"no {shown!r} in {seen!r}"
        seen += os.read(terminal, 1)
