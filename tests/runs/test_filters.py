from pathlib import Path

import pytest

from skinlab.errors import ConfigError
from skinlab.runs import filters, index, notes


@pytest.fixture
def kept(output: Path):
    """Last parts of the ids of the runs that filters keep."""
    notes.tag(output / "runs/debug/20261101-100000-aaaa01", ["paper"])

    def function(*texts: str) -> list[str]:
        runs = list(index.all_runs(output).values())
        keys = filters.Keys(runs)
        conditions = [filters.read(text, keys) for text in texts]
        return [facts.values["id"].rpartition("-")[2] for facts in runs if all(one.keeps(facts) for one in conditions)]

    return function


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status=failed", ["cccc03"]),
        ("status!=finished", ["cccc03"]),
        ("dataset=isic2017", ["bbbb02"]),
        ("dataset=synthetic", ["aaaa01", "bbbb02", "cccc03", "dddd04/3"]),
        ("network=resnet34", ["bbbb02"]),
        ("network=resnet34,resnet50", ["bbbb02"]),
        ("network!=resnet34,resnet50", ["aaaa01", "cccc03", "dddd04/3"]),
        ("network.name=resnet3?", ["bbbb02"]),
        ("auc>0.8", ["bbbb02"]),
        ("validation.auc>=0.7", ["aaaa01", "bbbb02"]),
        ("test.auc>0.8", ["aaaa01"]),
        ("optimizer.learning_rate<=0.01", ["aaaa01", "bbbb02", "cccc03"]),
        ("learning_rate=0.1", ["dddd04/3"]),
        ("learning_rate=1e-1", ["dddd04/3"]),
        ("tag=paper", ["aaaa01"]),
        ("tag!=paper", ["bbbb02", "cccc03", "dddd04/3"]),
        ("experiment=lr", ["dddd04/3"]),
        ("experiment=debug", ["aaaa01", "bbbb02", "cccc03", "dddd04/3"]),
        ("sweep=*dddd04", ["dddd04/3"]),
        ("sweep=null", ["aaaa01", "bbbb02", "cccc03"]),
        ("started>2026-11-03", ["cccc03", "dddd04/3"]),
        ("dataset.shuffle_labels=false", ["aaaa01", "bbbb02", "cccc03", "dddd04/3"]),
        ("shuffle_labels=true", []),
        ("seed=2", []),
        ("commit=aaaa*", ["aaaa01", "bbbb02", "cccc03", "dddd04/3"]),
    ],
)
def test_a_filter_keeps_the_runs_that_meet_it(kept, text, expected):
    assert kept(text) == expected


def test_all_filters_must_hold(kept):
    assert kept("auc>0.6", "seed=1", "network=resnet18") == ["aaaa01"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rat=1", "learning_rat: no run has this key; did you mean 'learning_rate'"),
        ("image_size=1", "image_size: which of dataset.image_size, network.image_size"),
        ("auc", "auc: neither a command nor a filter"),
        ("audit=1", "audit: no run has this key"),
        ("auc>high", "validation.auc is a number"),
    ],
)
def test_a_wrong_filter_is_one_line(kept, text, said):
    with pytest.raises(ConfigError, match=said) as found:
        kept(text)
    assert "\n" not in str(found.value)
