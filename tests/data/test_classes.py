"""Labels become classes: merged, left out or refused as declared."""

import pytest

from skinlab.data.classes import choose_classes
from skinlab.data.manifest import Manifest
from skinlab.errors import DataError

SEVEN = ["mel", "nv", "nv", "bcc", "df", "bkl", "mel"]
MERGED = {"malignant": ["mel", "bcc"], "benign": ["nv", "bkl", "df"]}


def labelled(labels: list[str]) -> Manifest:
    names = [f"i{row}" for row in range(len(labels))]
    return Manifest(image_ids=names, paths=names, labels=labels, groups=[None] * len(labels), attributes={"age": names})


def test_without_a_declaration_every_label_is_a_class() -> None:
    chosen = choose_classes(labelled(["b", "a", "b"]), None, "fail")
    assert (chosen.names, chosen.left_out, chosen.mapping) == (None, {}, {"a": {"a": 1}, "b": {"b": 2}})
    assert chosen.manifest.labels == ["b", "a", "b"]


def test_a_mapping_merges_labels_in_its_order_and_keeps_the_original() -> None:
    chosen = choose_classes(labelled(SEVEN), MERGED, "fail")
    assert chosen.names == ["malignant", "benign"]
    assert chosen.manifest.labels == ["malignant", "benign", "benign", "malignant", "benign", "benign", "malignant"]
    assert chosen.manifest.attributes["original_label"] == SEVEN
    assert chosen.audit() == {
        "classes": {"malignant": {"mel": 2, "bcc": 1}, "benign": {"nv": 2, "bkl": 1, "df": 1}},
        "left_out_labels": {},
    }


@pytest.mark.parametrize("classes", [["nv", "mel"], {"nevus": ["nv"], "melanoma": ["mel"]}])
def test_other_labels_are_left_out_and_counted(classes: list[str] | dict[str, list[str]]) -> None:
    chosen = choose_classes(labelled(SEVEN), classes, "drop")
    assert chosen.left_out == {"bcc": 1, "bkl": 1, "df": 1}
    assert chosen.manifest.image_ids == ["i0", "i1", "i2", "i6"]
    assert chosen.manifest.attributes["age"] == ["i0", "i1", "i2", "i6"]


def test_other_labels_are_refused_by_name_count_and_image_where_declared() -> None:
    with pytest.raises(DataError) as caught:
        choose_classes(labelled(SEVEN + ["x"] * 12), ["mel", "nv", "bkl", "df"], "fail")
    assert str(caught.value) == (
        "13 images have a label outside of dataset.classes (mel, nv, bkl, df): bcc (1), x (12); i3, i7, i8, i9, i10, "
        "i11, i12, i13, i14, i15 and 3 more; add their labels to dataset.classes, or set dataset.on_other_label=drop"
    )


def test_images_without_label_are_in_no_class() -> None:
    assert choose_classes(labelled(["a", "", "b"]), None, "fail").left_out == {"": 1}
    with pytest.raises(DataError, match=r"1 images have no label: i1; label them, or set dataset\.on_missing=drop"):
        choose_classes(labelled(["a", "", "b"]), None, "drop", on_missing="fail")


@pytest.mark.parametrize("classes", [["mel", "nevus"], {"a": ["mel"], "b": ["nv", "nevus"]}])
def test_a_declared_label_that_no_image_has_is_named(classes: list[str] | dict[str, list[str]]) -> None:
    expected = r"no image has the label nevus; dataset\.classes may name: bcc, bkl, df, mel, nv"
    with pytest.raises(DataError, match=expected):
        choose_classes(labelled(SEVEN), classes, "drop")


@pytest.mark.parametrize("twin", ["Mel", " mel", "MEL ", "\u00a0mel", "me\u200bl", "\uff4del"])
@pytest.mark.parametrize("classes", [None, ["mel", "nv"], {"a": ["mel"], "b": ["nv"]}])
def test_two_spellings_of_a_label_are_refused(twin: str, classes: list[str] | dict[str, list[str]] | None) -> None:
    with pytest.raises(DataError, match="labels: 1 thing is spelled in more than one way") as caught:
        choose_classes(labelled(["mel", "nv", twin]), classes, "drop")
    assert f"{twin!r} (1)" in str(caught.value)
    assert "'mel' (1)" in str(caught.value)
    assert "dataset.on_spelling=merge" in str(caught.value)


def test_two_spellings_of_a_label_may_be_merged_or_kept() -> None:
    found = labelled(["mel", "Mel", "mel", "nv"])
    assert choose_classes(found, None, "drop", "merge").mapping == {"mel": {"mel": 3}, "nv": {"nv": 1}}
    assert list(choose_classes(found, None, "drop", "keep").mapping) == ["Mel", "mel", "nv"]


@pytest.mark.parametrize("names", [["train", "test"], ["Train", "VAL", "testing"]])
def test_classes_that_are_names_of_subsets_are_never_trained(names: list[str]) -> None:
    with pytest.raises(DataError, match=r"which are names of subsets: set dataset\.path .* or dataset\.label_column"):
        choose_classes(labelled(names * 2), None, "drop")


def test_a_declared_class_is_found_in_either_unicode_form() -> None:
    decomposed = "na\u0308vus"
    assert choose_classes(labelled([decomposed, "mel"]), ["n\u00e4vus", "mel"], "drop").names == ["n\u00e4vus", "mel"]


def test_inner_blanks_count_too() -> None:
    with pytest.raises(DataError, match="spelled in more than one way"):
        choose_classes(labelled(["basal cell", "Basal  cell", "nv"]), None, "drop")


def test_spellings_that_are_declared_one_class_or_none_are_fine() -> None:
    chosen = choose_classes(labelled(["mel", "Mel", "nv", "DF", "df"]), {"m": ["Mel", "mel"], "n": ["nv"]}, "drop")
    assert chosen.manifest.labels == ["m", "m", "n"]
    assert chosen.left_out == {"DF": 1, "df": 1}
