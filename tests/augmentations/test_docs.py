"""The parameters that docs/augmentation.md shows are those of the code."""

import inspect
from pathlib import Path

import pytest
import yaml

from skinlab import augmentations

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "augmentation.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "column"), [("Hair", 1), ("Ruler", 3)])
def test_the_documented_parameters_are_those_of_the_transform(name: str, column: int) -> None:
    table = PAGE.split("| `skinlab.augmentations.Hair` |")[1].split("\n\n")[0]
    cells = [row.split("`")[column] for row in table.splitlines()[2:]]
    shown = yaml.safe_load("\n".join(cells))
    transform = getattr(augmentations, name)
    defaults = {key: value.default for key, value in inspect.signature(transform).parameters.items()}
    assert shown == {key: list(value) if isinstance(value, tuple) else value for key, value in defaults.items()}
