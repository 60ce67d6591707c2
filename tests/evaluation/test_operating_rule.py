import pytest

from skinlab.evaluation.operating_rule import parse, refusal


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (0.5, "0.5"),
        ("0.50", "0.5"),
        (" sensitivity >= 0.95", "sensitivity>=0.95"),
        ("specificity>=.9", "specificity>=0.9"),
        ("youden", "youden"),
        ("cost( fn = 10, fp=1 )", "cost(fn=10,fp=1)"),
    ],
)
def test_rules_are_read_and_have_one_spelling(given, text):
    assert parse(given).text == text
    assert parse(parse(given).text) == parse(given)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("sensitivity", "must be a threshold such as 0.5"),
        ("sensitivity>0.9", "must be a threshold such as"),
        ("sensitivity>=95", "the sensitivity must be above 0 and below 1"),
        ("specificity>=high", "the specificity must be a number, not high"),
        ("cost(fn=0,fp=1)", "the cost fn must be above 0"),
        ("cost(fn=1,fp=inf)", "the cost fp must be above 0"),
        ("cost(10,1)", "must be a threshold such as"),
        (1.5, "a threshold must be above 0 and below 1"),
        ("nan", "a threshold must be above 0 and below 1"),
    ],
)
def test_what_cannot_be_read_is_named(given, what):
    with pytest.raises(ValueError, match=r".") as caught:
        parse(given)
    assert what in str(caught.value)


@pytest.mark.parametrize("rule", ["youden", 0.3, "sensitivity>=0.95", "cost(fn=2,fp=1)"])
def test_more_than_two_classes_take_the_default_alone(rule):
    assert refusal(rule, 2) is None
    assert "needs two classes, not 3" in refusal(rule, 3)
    assert refusal(0.5, 3) is refusal("0.50", 3) is None
