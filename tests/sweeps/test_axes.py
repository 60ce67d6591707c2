import pytest

from skinlab.sweeps.axes import axes

DESCRIBED = {
    "optimizer.learning_rate": {"interval": [0.0001, 0.1], "log": True, "type": "float"},
    "network.dropout": {"interval": [0.0, 0.8], "log": False, "type": "float"},
    "optimizer.minibatch_size": [64, 16, 32],
    "augmentation": ["none", "dermoscopy"],
    "seed": [1, 2],
}


def test_seeds_are_no_axis_and_names_are_short_where_that_is_enough():
    assert [axis.name for axis in axes(DESCRIBED)] == ["learning_rate", "dropout", "minibatch_size", "augmentation"]
    assert [axis.name for axis in axes({"a.x": [1], "b.x": [1]})] == ["a.x", "b.x"]


def test_numbers_are_in_order_and_words_as_they_were_declared():
    _, _, size, words = axes(DESCRIBED)
    assert size.ticks() == [(0.0, "16"), (0.5, "32"), (1.0, "64")]
    assert words.ticks() == [(0.0, "none"), (1.0, "dermoscopy")]
    assert (size.is_ordered, words.is_ordered) == (True, False)


def test_a_logarithmic_axis_has_equal_room_for_each_power_of_ten():
    rate, dropout, *_ = axes(DESCRIBED)
    assert rate.at(0.001) == pytest.approx(1 / 3)
    assert [text for _, text in rate.ticks()] == ["0.0001", "0.001", "0.01", "0.1"]
    assert dropout.at(0.4) == pytest.approx(0.5)


def test_many_values_are_not_all_written():
    (axis,) = axes({"training.epochs": list(range(1, 41))})
    assert len(axis.ticks()) <= 5


def test_a_single_value_and_values_that_no_dictionary_takes_have_a_place():
    one, lists = axes({"a": [3], "network.mean": [[0.5, 0.5], [0.1, 0.1], [0.5, 0.5]]})
    assert one.at(3) == 0.5
    assert [lists.at(value) for value in ([0.5, 0.5], [0.1, 0.1])] == [0.0, 1.0]
