"""Patients before lesions before nothing."""

from pathlib import Path

import pytest

from skinlab.data.sources.columns import Columns
from skinlab.data.sources.groups import groups_of, patient_or_lesion
from skinlab.errors import DataError
from tests.data.data_builders import table_dataset


def test_a_table_without_either_knows_no_groups() -> None:
    assert patient_or_lesion(2, {}) == [None, None]


def test_lesions_stand_in_where_no_patient_is_known() -> None:
    assert patient_or_lesion(2, {"lesion_id": ["L1", ""]}) == ["L1", None]


def test_all_images_of_a_lesion_go_to_the_patient_of_one() -> None:
    columns = {"patient_id": ["", "P1", "P1", ""], "lesion_id": ["L1", "L1", "L2", "L3"]}
    assert patient_or_lesion(4, columns) == ["P1", "P1", "P1", "L3"]


def test_the_widest_group_that_is_known_counts_and_owns_what_is_narrower() -> None:
    columns = {"visit": ["V1", "V1", ""], "patient_id": ["", "P1", "P1"], "lesion_id": ["L1", "L2", "L1"]}
    assert patient_or_lesion(3, columns, ("visit", "patient_id", "lesion_id")) == ["V1", "V1", "V1"]


def known(on_spelling: str = "fail", **columns: list[str]) -> list[str | None]:
    dataset = table_dataset("t.csv", on_spelling=on_spelling, missing_values=["-9"])
    count = len(next(iter(columns.values())))
    return groups_of(Columns(Path("t.csv"), columns, range(count)), dataset)


@pytest.mark.parametrize("code", ["", "NA", "NaN", "None", "unknown", "Unknown", "-9"])
def test_a_code_for_unknown_is_no_group_and_does_not_win_over_a_known_lesion(code: str) -> None:
    assert known(patient_id=[code, "P1"], lesion_id=["L1", code]) == ["L1", "P1"]


def test_two_spellings_of_a_patient_stop_the_run_or_are_one() -> None:
    ids = ["12", "12.0", "P1", "p1"]
    with pytest.raises(DataError, match=r"^t\.csv: column patient_id: 2 things are .*'12' \(1\) and '12\.0' \(1\)"):
        known(patient_id=ids)
    assert known("merge", patient_id=ids) == ["12", "12", "P1", "P1"]
    assert known("keep", patient_id=ids) == ids


def test_two_spellings_of_a_lesion_are_seen_though_a_patient_hides_one() -> None:
    with pytest.raises(DataError, match="column lesion_id: 1 thing is spelled"):
        known(patient_id=["P1", ""], lesion_id=["L1", "l1"])
