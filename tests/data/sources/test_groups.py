"""Patients before lesions before nothing."""

from skinlab.data.sources.groups import patient_or_lesion


def test_a_table_without_either_knows_no_groups() -> None:
    assert patient_or_lesion(2, {}) == [None, None]


def test_lesions_stand_in_where_no_patient_is_known() -> None:
    assert patient_or_lesion(2, {"lesion_id": ["L1", ""]}) == ["L1", None]


def test_all_images_of_a_lesion_go_to_the_patient_of_one() -> None:
    columns = {"patient_id": ["", "P1", "P1", ""], "lesion_id": ["L1", "L1", "L2", "L3"]}
    assert patient_or_lesion(4, columns) == ["P1", "P1", "P1", "L3"]
