import pytest

from skinlab.config import check_sweep
from skinlab.config.sweep import expand, with_space
from skinlab.errors import ConfigError


def refused(*overrides):
    with pytest.raises(ConfigError) as caught:
        check_sweep(overrides)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("override", "values"),
    [
        ("seed=1,2", ["seed=1", "seed=2"]),
        ("seed=range(1,4)", ["seed=1", "seed=2", "seed=3"]),
        ("seed=choice(5,7)", ["seed=5", "seed=7"]),
        ("name='a,b',c", ["name='a,b'", "name=c"]),
        ("dataset.classes=[a,b],[c,d]", ["dataset.classes=[a,b]", "dataset.classes=[c,d]"]),
        ("augmentation=glob(*)", [f"augmentation={name}" for name in ("dermoscopy", "flip_crop", "none", "strong")]),
        ("network.dropout=interval(0,0.5)", ["network.dropout=0.0", "network.dropout=0.5"]),
        ("++seed=1,2", ["++seed=1", "++seed=2"]),
        ("dataset.classes=[a,b]", ["dataset.classes=[a,b]"]),
    ],
)
def test_every_kind_of_sweep_is_expanded(override, values):
    assert expand([override]) == [values]


def test_the_space_of_a_file_is_checked_with_what_is_typed():
    typed = ["sweep=reference", "network.dropout=0.5"]
    assert with_space(typed) == [
        *typed,
        "optimizer.learning_rate=0.003,0.01,0.03",
        "optimizer.minibatch_size=16,32,64",
    ]
    assert refused("sweep=reference", "network.dropout=0.5,2") == ["network.dropout=2: must be at least 0 and below 1"]


def test_each_value_is_checked_once_with_the_others_at_their_first():
    composed = check_sweep(["seed=1,2,3", "network.dropout=0.2,0.5"])
    assert [(one.config.seed, one.config.network.dropout) for one in composed] == [
        (1, 0.2),
        (2, 0.2),
        (3, 0.2),
        (1, 0.5),
    ]


def test_a_bad_value_among_good_ones_is_named():
    assert refused("network.dropout=0.2,1.5,0.5") == ["network.dropout=1.5: must be at least 0 and below 1"]


def test_a_bad_choice_among_good_ones_is_named():
    assert refused("augmentation=none,flip_crp") == [
        (
            "augmentation=flip_crp: no such choice in group 'augmentation'; did you mean 'flip_crop'? "
            "There are: dermoscopy, flip_crop, none, strong"
        )
    ]


def test_all_bad_values_of_all_overrides_are_named_once():
    assert refused("network.dropout=2,3", "seed=1,-1") == [
        "network.dropout=2: must be at least 0 and below 1",
        "network.dropout=3: must be at least 0 and below 1",
        "seed=-1: must be at least 0 and at most 2147483647",
    ]


def test_a_choice_that_needs_a_path_says_so():
    assert refused("dataset=synthetic,folder") == [
        "dataset.path is required: the folder, or a .zip or .tar archive of it; e.g. dataset.path=PATH"
    ]


def test_a_sweep_over_nothing_is_refused():
    assert refused("network=glob(x*)") == ["network=glob(x*): a sweep over no value at all"]


def test_an_override_that_cannot_be_read_is_one_line():
    assert refused("seed=1,2", "name=[") == [
        (
            "name=[: cannot be read: no viable alternative at input '['; "
            "quote a value with special characters: name='\"[\"'"
        )
    ]
