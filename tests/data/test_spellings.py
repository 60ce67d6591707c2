"""What means "unknown", and which texts are two spellings of one thing."""

import pytest

from skinlab.data.spellings import Missing, composed, spelling_key, unified, variants
from skinlab.errors import DataError

NOTHING = [
    "",
    " ",
    "NA",
    "na",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "None",
    "none",
    "NULL",
    "null",
    "<NA>",
    "#N/A",
    "\u200bNA\ufeff",
]


@pytest.mark.parametrize("text", NOTHING)
def test_texts_that_say_nothing_are_missing_in_any_case(text: str) -> None:
    assert Missing()(text)
    assert Missing().group(text)
    assert Missing().blanked([text, "x"]) == ["", "x"]


@pytest.mark.parametrize("text", ["0", "-1", "no", "Nan Smith", "unknown", "NAB", "n a"])
def test_other_texts_say_something(text: str) -> None:
    assert not Missing()(text)


def test_unknown_is_no_patient_and_may_be_a_label() -> None:
    assert Missing().group("Unknown")
    assert not Missing()("Unknown")


def test_further_texts_may_be_declared() -> None:
    assert Missing(["-9", "Keine Angabe"]).blanked(["-9", "keine angabe ", "9"]) == ["", "", "9"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("12", "12.0"),
        ("12", "0012"),
        ("12", "+12"),
        ("12", "12,0"),
        ("1200", "1.2E+3"),
        ("P12", "p12"),
        ("P 12", "P12"),
        ("P\u00a012", "P12"),
        ("P12\u200b", "P12"),
        ("\ufeffP12", "P12"),
        ("\uff30\uff11\uff12", "P12"),
        ("n\u00e4vus", "na\u0308vus"),
        ("IL\u20131", "IL-1"),
        ("stra\u00dfe", "STRASSE"),
        ("\u0661\u0662", "12"),
    ],
)
def test_two_spellings_of_one_thing_have_one_key(one: str, other: str) -> None:
    assert spelling_key(one) == spelling_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("12", "120"), ("1.5", "15"), ("P12", "P012"), ("nv", "nvs"), ("a_b", "a-b"), ("-1", "1")]
)
def test_two_things_have_two_keys(one: str, other: str) -> None:
    assert spelling_key(one) != spelling_key(other)


def test_spellings_stop_the_run_with_the_pairs_and_their_counts() -> None:
    with pytest.raises(
        DataError, match=r"^t: 2 things are .*: '12' \(2\) and '12\.0' \(1\), 'P1' \(1\) and 'p1' \(1\);"
    ):
        unified(["12", "12.0", "12", "P1", "p1", "x"], "fail", "t")


def test_spellings_are_merged_to_the_more_frequent_one_whatever_the_order() -> None:
    values = ["12.0", "12", "12", "", "y"]
    assert unified(values, "merge", "t") == ["12", "12", "12", "", "y"]
    assert sorted(unified(values[::-1], "merge", "t")) == sorted(unified(values, "merge", "t"))


def test_spellings_may_be_two_things() -> None:
    assert unified(["aB", "Ab"], "keep", "t") == ["aB", "Ab"]


def test_what_is_not_known_is_no_spelling() -> None:
    assert variants(["", "", "a"]) == []


def test_composed_text_is_the_same_for_both_forms() -> None:
    assert composed("na\u0308vus") == composed("n\u00e4vus") == "n\u00e4vus"
