"""What docs/configuration.md shows is what happens."""

import re
from pathlib import Path

import pytest

from skinlab.cli import main
from skinlab.config import compose
from skinlab.sweeps.declaration import declare

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


def block(after):
    """The indented block that follows a text."""
    lines = PAGE.split(after, 1)[1].splitlines()[1:]
    start = next(i for i, line in enumerate(lines) if line.startswith("    "))
    end = next((i for i, line in enumerate(lines[start:], start) if line and not line.startswith("    ")), len(lines))
    return "\n".join(line[4:] for line in lines[start:end]).strip() + "\n"


def test_the_refusal_is_printed_as_shown(capsys):
    shown = block("names the override or the file:")
    command, _, output = shown.partition("\n")
    assert main(command.split()[2:]) == 2
    assert capsys.readouterr().err == output


def test_the_preset_composes(write):
    write("conf/experiment/clinic.yaml", block("Your own go into a folder"))
    config = compose(["experiment=clinic"]).config
    assert (config.name, config.dataset.path, config.network.dropout) == ("clinic_dropout", "/data/clinic", 0.5)


def test_the_augmentation_composes(write):
    write("conf/augmentation/rotate.yaml", block("An augmentation lists transforms"))
    assert compose(["augmentation=rotate"]).config.augmentation.name == "rotate"


def test_the_sweep_makes_as_many_runs_as_said():
    assert declare(block("each combination is a run of its own:").split()[3:], []).trials == 8
    assert "makes 8 runs" in PAGE


@pytest.mark.parametrize("typed", re.findall(r"^\| [^|]+ \| `([^`]+)` \|$", PAGE, flags=re.MULTILINE))
def test_what_can_be_typed_is_accepted(typed):
    override = (
        typed.removeprefix("'").removesuffix("'")
        if typed.startswith("'")
        else typed.replace("'\"", '"').replace("\"'", '"')
    )
    compose([override, *(["dataset=folder"] if "dataset.path" in override else [])])
