import pytest

from skinlab.results.cards import SHOWN, card, sheet
from skinlab.results.choosing import Choice
from skinlab.results.reading import read
from tests.comparison.run_builders import Made, finished


@pytest.fixture
def many(tmp_path):
    """100 images of three classes."""
    made = Made(images=100, classes=("nevus", "melanoma", "other"), positive="melanoma")
    return read(finished(tmp_path / "many", made=made), "test")


def test_pages_together_hold_each_image_once(many):
    sheets = [sheet(many, Choice(sort="name"), {}, number) for number in (1, 2, 3)]
    assert [len(one.cards) for one in sheets] == [SHOWN, SHOWN, 100 - 2 * SHOWN]
    assert [one.image_id for page in sheets for one in page.cards] == sorted(many.scored.image_ids)
    assert [(one.first, one.last, one.pages) for one in sheets] == [(1, 48, 3), (49, 96, 3), (97, 100, 3)]


def test_a_page_beyond_the_last_is_the_last_and_no_image_is_an_empty_one(many):
    assert sheet(many, Choice(), {}, 99).number == 3
    none = sheet(many, Choice(text="no such name"), {})
    assert (none.cards, none.total, none.first, none.last, none.pages) == ([], 0, 0, 0, 1)


def test_of_several_classes_the_most_probable_bar_comes_first_and_none_has_a_threshold(many):
    for one in sheet(many, Choice(), {}).cards:
        values = [bar.value for bar in one.bars]
        assert values == sorted(values, reverse=True)
        assert one.called == one.bars[0].name
        assert [bar.name for bar in one.bars if bar.is_truth] == [one.truth]
        assert {bar.threshold for bar in one.bars} == {None}
        assert one.is_right == (one.truth == one.called)


def test_of_two_classes_the_positive_bar_comes_first_and_has_the_threshold(run):
    results = read(run, "test")
    for threshold, expected in ((None, 0.5), (0.3, 0.3)):
        one = card(results, 0, 1, threshold)
        assert [(bar.name, bar.threshold) for bar in one.bars] == [("malignant", expected), ("benign", None)]
