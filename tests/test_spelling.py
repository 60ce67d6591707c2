from skinlab.spelling import closest


def test_case_does_not_matter_and_the_answer_is_as_it_was_given() -> None:
    assert closest("MALIGNENT", ["Benign", "Malignant"]) == "Malignant"


def test_nothing_close_is_nothing() -> None:
    assert closest("zzz", ["Benign", "Malignant"]) is None
    assert closest("zzz", []) is None
