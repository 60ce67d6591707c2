"""What docs/compare.md and the help say is what there is."""

from pathlib import Path

import pytest

from skinlab.commands.compare import HELP
from skinlab.commands.table import find
from skinlab.comparison.comparing import MOST_PAIRED
from skinlab.comparison.power import SMALLEST

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "compare.md").read_text(encoding="utf-8")
VERB = find("compare")


@pytest.mark.parametrize("option", [option for option in VERB.options if option != "--help"] if VERB else [])
def test_every_option_is_explained(option: str) -> None:
    assert option in PAGE
    assert option in HELP


def test_the_limits_are_those_of_the_code() -> None:
    assert MOST_PAIRED == 6
    assert "Up to six experiments are compared each with each" in PAGE
    assert f"below {SMALLEST:g} it says so for one of {SMALLEST:g}" in PAGE
