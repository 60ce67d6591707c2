from pathlib import Path
from typing import Any

import pytest

from skinlab.api.overrides import changed, override
from skinlab.config.overrides import parse_one
from skinlab.errors import ConfigError


@pytest.mark.parametrize(
    "value",
    [
        *["resnet34", "it's", 'a "b"', r"a\b", "C:\\dir\\", r"a\'b", "a, b", "", " x ", "null", "2024", "1e3", "true"],
        *["ü", "two\nlines", "'", "range(1,3)", "a=b", "[x]", "$HOME", "/data/a b/", "1,2"],
        *[3, -1, 0.1, 1e-6, True, None, [1, 2], ["a", "b c"], [], {}, {"a b": ["x", "y,z"], "c": None}],
        [{"epochs": 7, "factor": 0.1}],
    ],
)
def test_a_value_is_read_as_what_it_was(value: Any) -> None:
    read = parse_one(override("key", value))
    assert not isinstance(read, str), read
    assert not read.is_sweep_override()
    assert (read.key_or_group, read.value()) == ("key", value)


def test_a_path_is_text() -> None:
    assert override("dataset.path", Path("/data/a b")) == "dataset.path='/data/a b'"


def test_an_interpolation_stays_one() -> None:
    assert override("network.image_size", "${dataset.image_size}") == "network.image_size=${dataset.image_size}"


def test_another_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="seed: complex is no type that a key has"):
        override("seed", 1j)


@pytest.mark.parametrize(
    ("before", "more", "after"),
    [
        (["seed=1", "name=a"], ["seed=2"], ["name=a", "seed=2"]),
        (["dataset=folder", "dataset.path=x"], ["dataset.path=y"], ["dataset=folder", "dataset.path=y"]),
        (["dataset=folder", "dataset.path=x", "seed=1"], ["dataset=synthetic"], ["seed=1", "dataset=synthetic"]),
        (["optimizer=adam"], ["optimizer={learning_rate: 1}"], ["optimizer={learning_rate: 1}"]),
        (["seed=1"], ["~seed"], ["~seed"]),
        (["seed=1"], ["no key"], ["seed=1", "no key"]),
    ],
)
def test_what_is_said_anew_is_not_said_twice(before: list[str], more: list[str], after: list[str]) -> None:
    assert changed(before, more) == after
