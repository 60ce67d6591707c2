import pytest

from skinlab.errors import ConfigError
from skinlab.sweeps.space import Choices, Interval, read_space


def read(*overrides, seed=1):
    return read_space(overrides, [], seed)


@pytest.mark.parametrize(
    ("typed", "dimension"),
    [
        ("a=1,2", Choices((1, 2), ("1", "2"))),
        ("a=choice(x,y)", Choices(("x", "y"), ("x", "y"))),
        ("a='x,y',z", Choices(("x,y", "z"), ("'x,y'", "z"))),
        ("a=[1,2],[3]", Choices(([1, 2], [3]), ("[1,2]", "[3]"))),
        ("a=range(1,4)", Choices((1, 2, 3), ("1", "2", "3"), 1.0)),
        ("a=range(0.0,1.0,step=0.5)", Choices((0.0, 0.5), ("0.0", "0.5"), 0.5)),
        ("a=interval(0,1)", Interval(0, 1)),
        ("a=int(interval(8,64))", Interval(8, 64, whole=True)),
        ("a=tag(log,interval(1e-4,1e-1))", Interval(1e-4, 1e-1, log=True)),
        ("a=tag(log,int(interval(8,64)))", Interval(8, 64, log=True, whole=True)),
    ],
)
def test_hydras_own_syntax_says_what_is_swept(typed, dimension):
    assert read(typed).dimensions == {"a": dimension}


def test_a_choice_of_a_group_is_swept_by_its_names():
    assert read("augmentation=glob(f*)").dimensions["augmentation"].values == ("flip_crop",)


def test_seeds_and_folds_repeat_points():
    space = read("a=1,2", "seed=range(2)", "split.fold=0,1", "b=3")
    assert set(space.dimensions) == {"a"}
    assert space.repetitions == [
        {"seed": 0, "split.fold": 0},
        {"seed": 0, "split.fold": 1},
        {"seed": 1, "split.fold": 0},
        {"seed": 1, "split.fold": 1},
    ]


def test_a_trial_is_declared_in_the_order_typed():
    space = read("name=x", "++a=1,2", "seed=5,6", "b=interval(0,1)")
    assert space.overrides({"a": 2, "seed": 5, "b": 0.25}) == ["name=x", "a=2", "seed=5", "b=0.25"]


def test_of_a_key_typed_twice_the_last_counts():
    assert read("a=1,2", "a=3").dimensions == {}
    assert read("a=3", "a=1,2").dimensions["a"].values == (1, 2)


def test_a_shuffle_is_the_same_each_time():
    first, second = (read("a=shuffle(range(20))") for _ in range(2))
    assert first == second
    assert sorted(first.dimensions["a"].values) == list(range(20))
    assert read("a=shuffle(range(20))", seed=2) != first


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("sweep.trials=1,2", "sweep.trials is the same for the whole sweep"),
        ("hydra/launcher=basic,joblib", "hydra/launcher is the same for the whole sweep"),
        ("output_dir=a,b", "output_dir is the same for the whole sweep"),
        ("seed=interval(1,5)", "seeds and folds repeat each point: name them, e.g. seed=range(5)"),
        ("a=interval(2,1)", "goes from a smaller to a larger number"),
        ("a=tag(log,interval(0,1))", "above 0"),
        ("a=tag(logg,interval(1,2))", "no tag 'logg'; there is log"),
    ],
)
def test_what_cannot_be_swept_is_refused(typed, said):
    with pytest.raises(ConfigError) as caught:
        read(typed)
    assert said in str(caught.value)
