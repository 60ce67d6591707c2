"""The group of an image where a table knows patients, lesions, both or neither."""

from collections.abc import Mapping, Sequence

PATIENT = "patient_id"
LESION = "lesion_id"


def patient_or_lesion(count: int, columns: Mapping[str, Sequence[str]]) -> list[str | None]:
    """Patients where they are known, else lesions: images of one patient are more alike than those of two.

    A lesion belongs to the patient that any of its rows names.

    Args:
        count: how many rows there are.
        columns: may have `patient_id` and `lesion_id`; an empty value is unknown.

    Example:
        >>> patient_or_lesion(4, {"patient_id": ["P1", "", "", ""], "lesion_id": ["L1", "L1", "L2", ""]})
        ['P1', 'P1', 'L2', None]
    """
    patients, lesions = (columns.get(name, [""] * count) for name in (PATIENT, LESION))
    owner = {lesion: patient for patient, lesion in zip(patients, lesions, strict=True) if patient and lesion}
    return [patient or owner.get(lesion) or lesion or None for patient, lesion in zip(patients, lesions, strict=True)]
