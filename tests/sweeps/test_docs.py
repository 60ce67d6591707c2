"""What docs/sweeps.md shows can be typed."""

import re
import shlex
from pathlib import Path

import pytest

from skinlab.commands.table import SWEEP_VERBS
from skinlab.config.places import choices, places
from skinlab.sweeps.declaration import declare
from skinlab.sweeps.state import Trial

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sweeps.md").read_text(encoding="utf-8")
COMMANDS = [shlex.split(line)[3:] for line in re.findall(r"^    (skinlab train -m .*)$", PAGE, flags=re.MULTILINE)]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_each_sweep_on_the_page_can_be_declared(words):
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher", reason="pip install 'skinlab[sweeps]'")
    assert declare(words, []).space.dimensions


def test_the_page_names_every_choice_verb_pruner_and_fact():
    for name in choices("sweep", places()):
        assert f"| `{name}`" in PAGE or f"sweep={name}" in PAGE
    for pruner in ("none", "median", "hyperband", "patience"):
        assert f"| `{pruner}` |" in PAGE
    for verb in SWEEP_VERBS:
        assert f"skinlab sweep {verb.name} " in PAGE
    for key in Trial.__dataclass_fields__:
        assert f"`{key}`" in PAGE


def test_the_counts_on_the_page_are_right():
    assert "makes 10 runs of 2 points" in PAGE
    found = declare(["optimizer.learning_rate=0.05,0.005", "seed=range(5)"], [])
    assert (found.space.points, found.trials) == (2, 10)
