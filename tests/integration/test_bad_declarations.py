"""A wrong declaration stops before any work: one line that names the mistake, and no run directory."""

import pytest

from skinlab.errors import ConfigError
from tests.integration.commands import Workplace

MISTAKES = {
    "optimizer.learning_rat=0.1": "optimizer.learning_rat=0.1: no key 'learning_rat' in optimizer",
    "optimzer.learning_rate=0.1": "optimzer.learning_rate=0.1: no key 'optimzer'; did you mean 'optimizer.",
    "augmentation=flip_corp": "augmentation=flip_corp: no such choice in group 'augmentation'; did you mean ",
    "experiment=debgu": "experiment=debgu: no such choice in group 'experiment'; did you mean 'debug'?",
    "optimizer.learning_rate=fast": "optimizer.learning_rate=fast: must be a number",
    "optimizer.learning_rate=-1": "optimizer.learning_rate=-1: must be greater than 0",
    "network.dropout=1.5": "network.dropout=1.5: must be at least 0 and below 1",
    "optimizer.minibatch_size=0": "optimizer.minibatch_size=0: must be at least 1",
    "dataset=folder": "dataset.path is required",
}


@pytest.mark.parametrize("word", MISTAKES)
def test_the_mistake_is_named_in_one_line(workplace: Workplace, word: str) -> None:
    done = workplace.skinlab("train", word)
    assert done.code == ConfigError.exit_code
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith(f"skinlab train: {MISTAKES[word]}")
    assert list(workplace.path.iterdir()) == []


def test_one_wrong_value_of_a_sweep_stops_all_of_it(workplace: Workplace) -> None:
    done = workplace.skinlab("train", "-m", "experiment=debug", "network.dropout=0.2,1.5")
    assert done.code == ConfigError.exit_code
    (line,) = done.err.splitlines()
    assert line.startswith("skinlab train: network.dropout=1.5: ")
    assert list(workplace.path.iterdir()) == []
