from pathlib import Path

import pytest

import skinlab
from skinlab import schema
from skinlab.config import compose, to_dict
from skinlab.errors import ConfigError


def test_it_is_what_the_command_line_declares() -> None:
    words = ["experiment=debug", "optimizer.learning_rate=0.1", "seed=3"]
    experiment = skinlab.compose("experiment=debug", "optimizer.learning_rate=0.1", seed=3)
    assert experiment.to_dict() == to_dict(compose(words).config)
    assert experiment.overrides == tuple(words)
    assert experiment.command == "skinlab train experiment=debug optimizer.learning_rate=0.1 seed=3"


def test_it_is_a_typed_declaration() -> None:
    experiment = skinlab.compose(**{"network.dropout": 0.25, "dataset.images": 64})
    assert isinstance(experiment, schema.Config)
    assert isinstance(experiment.dataset, schema.SyntheticDataset)
    assert (experiment.network.dropout, experiment.dataset.images) == (0.25, 64)


def test_another_one_is_made_of_it_and_it_stays_as_it_was() -> None:
    first = skinlab.compose("dataset=folder", "dataset.path='/data/a b'", seed=1)
    second = first.with_("seed=2", dataset="synthetic")
    assert second.command == "skinlab train seed=2 dataset=synthetic"
    assert (first.seed, first.dataset.name) == (1, "folder")
    assert second == skinlab.compose("seed=2")  # what is declared counts, not how
    assert first != second


def test_mistakes_are_those_of_the_command_line() -> None:
    with pytest.raises(ConfigError, match="no key 'learning_rat' in optimizer .* did you mean 'learning_rate'"):
        skinlab.compose("optimizer.learning_rat=1")
    with pytest.raises(ConfigError, match=r"^seed=1\.5: must be a whole number"):
        skinlab.compose().with_(seed=1.5)


def test_folders_of_configuration_are_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text("# @package _global_\nname: mine\nseed: 7\n")
    experiment = skinlab.compose(experiment="mine", config_dirs=[tmp_path]).with_("network.dropout=0.1")
    assert (experiment.seed, experiment.name) == (7, "mine")
    assert experiment.command == f"skinlab train --config-dir {tmp_path} experiment=mine network.dropout=0.1"


def test_a_notebook_shows_choices_and_command_and_escapes_both() -> None:
    page = skinlab.compose(name="<script>x")._repr_html_()
    assert "network=resnet18" in page
    assert "skinlab train &#x27;name=" in page
    assert "&lt;script&gt;x" in page
    assert "<script>" not in page
