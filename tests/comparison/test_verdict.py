import math
from typing import Any

from skinlab.comparison.power import SMALLEST, Needed
from skinlab.comparison.statistics import Difference
from skinlab.comparison.verdict import Pair, is_told, sentence


def pair(difference: Difference, **changes: Any) -> Pair:
    given = {"one": "A", "other": "B", "adjusted": 0.4, "level": 0.05, "better": None, "by_images": 0.01}
    return Pair(**(given | {"difference": difference, "by_seeds": None, "needed": None} | changes))


def test_the_better_one_is_named_with_a_difference_above_zero_whatever_the_order_and_direction() -> None:
    up = Difference(0.012, 0.003, 0.021, 0.01, "")
    assert sentence(pair(up, better="A")) == "A is better than B by 0.012 [0.003, 0.021]"
    down = Difference(-0.012, -0.021, -0.003, 0.01, "")
    assert sentence(pair(down, better="B")) == "B is better than A by 0.012 [0.003, 0.021]"
    assert sentence(pair(down, better="A")) == "A is better than B by 0.012 [0.003, 0.021]"  # a Brier score


def test_what_would_tell_is_said_in_images_and_seeds() -> None:
    difference = Difference(0.02, -0.01, 0.05, 0.2, "")
    told = "A and B are not distinguishable: +0.020 [-0.010, +0.050]; "
    either = Needed(0.02, 1437, 6, None)
    assert sentence(pair(difference, needed=either)) == (
        f"{told}about 1,400 more test images or 6 more seeds of each would tell"
    )
    both = Needed(0.02, None, None, (1437, 1))
    assert sentence(pair(difference, needed=both)).endswith(
        "about 1,400 more test images together with 1 more seed of each would tell"
    )
    smallest = Needed(SMALLEST, 20_000, None, None)
    assert sentence(pair(difference, needed=smallest)).endswith(
        "about 20,000 more test images would tell a difference of 0.01"
    )


def test_a_difference_that_is_small_for_sure_needs_no_more_images() -> None:
    tiny = Difference(0.001, -0.004, 0.006, 0.5, "")
    assert sentence(pair(tiny, needed=Needed(SMALLEST, 5, None, None))).endswith(
        "whichever is better, it is by less than 0.01"
    )


def test_equals_and_what_cannot_be_told_are_said_so() -> None:
    assert sentence(pair(Difference(0.0, 0.0, 0.0, 1.0, ""))) == "A and B have the same value on these images"
    nothing = Difference(math.nan, math.nan, math.nan, math.nan, "")
    assert "the metric is not defined" in sentence(pair(nothing))
    assert "too few images" in sentence(pair(Difference(0.5, math.nan, math.nan, math.nan, "")))


def test_test_and_interval_must_both_find_a_difference() -> None:
    assert is_told(Difference(0.1, 0.01, 0.2, 0.01, ""), 0.04, 0.05)
    assert not is_told(Difference(0.1, 0.01, 0.2, 0.01, ""), 0.06, 0.05)
    assert not is_told(Difference(0.1, -0.001, 0.2, 0.049, ""), 0.049, 0.05)
    assert not is_told(Difference(0.1, math.nan, math.nan, math.nan, ""), math.nan, 0.05)


def test_a_difference_that_only_the_other_pairs_hide_is_said_to_be_one() -> None:
    clear = Difference(0.05, 0.01, 0.09, 0.02, "")
    assert sentence(pair(clear, adjusted=0.12)) == (
        "A and B are not distinguishable: +0.050 [+0.010, +0.090], which would tell if it were the only pair "
        "(p 0.120 by Holm)"
    )
