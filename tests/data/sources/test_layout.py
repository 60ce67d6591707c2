"""What folders mean: classes, a given split, wrapping, or two readings."""

import pytest

from skinlab.data.sources.layout import subset_of, understood
from skinlab.errors import DataError


def files(*folders: str) -> list[str]:
    return [f"{folder}/{i}.png" if folder else f"{i}.png" for i, folder in enumerate(folders)]


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        ("train", "train"),
        ("TRAINING", "train"),
        ("Train_Set", "train"),
        ("train-images", "train"),
        ("1_train", "train"),
        ("val", "validation"),
        ("Valid", "validation"),
        ("validation_data", "validation"),
        ("dev", "validation"),
        ("test", "test"),
        ("Testing", "test"),
        ("testset", "test"),
    ],
)
def test_the_usual_names_of_subsets_are_known(name: str, subset: str) -> None:
    assert subset_of(name) == subset


@pytest.mark.parametrize("name", ["malignant", "detest", "contest", "value", "trainer", "mel", "set", ""])
def test_other_names_are_no_subsets(name: str) -> None:
    assert subset_of(name) is None


def test_class_folders_are_labels() -> None:
    found = understood("r", files("a", "b/deep/er", ""))
    assert (found.labels, found.subsets, found.said) == (["a", "b", ""], None, "")


@pytest.mark.parametrize("wrapped", ["", "archive/", "archive/data/"])
def test_a_split_above_the_classes_is_given(wrapped: str) -> None:
    paths = files(*(f"{wrapped}{folder}" for folder in ("Train/a", "Train/b", "val/a", "test/a/x", "test/b")))
    found = understood("r", paths)
    assert found.labels == ["a", "b", "a", "a", "b"]
    assert found.subsets == ["train", "train", "validation", "test", "test"]
    assert "its folders give a split: Train, test, val" in found.said
    assert (f"read from {wrapped} in it" in found.said) == bool(wrapped)


def test_a_split_below_the_classes_is_given() -> None:
    found = understood("r", files("a/train", "a/test", "b/train", "b/test/deep"))
    assert (found.labels, found.subsets) == (["a", "a", "b", "b"], ["train", "test", "train", "test"])


@pytest.mark.parametrize("inner", ["{0}/", "images/", "{0}/images/"])
def test_folders_without_a_meaning_between_split_and_classes_are_passed(inner: str) -> None:
    paths = files(*(f"{top}/{inner.format(top)}{name}" for top in ("train", "test") for name in ("a", "b")))
    found = understood("r", paths)
    assert (found.labels, found.subsets) == (["a", "b", "a", "b"], ["train", "train", "test", "test"])


def test_one_wrapping_folder_is_passed_and_said() -> None:
    found = understood("r", files("ISIC/a", "ISIC/b", ""))
    assert (found.labels, found.subsets, found.said) == (["a", "b", ""], None, "read from ISIC/ in it")


def test_an_image_beside_the_subsets_in_a_wrapping_folder_has_no_label() -> None:
    found = understood("r", files("x/train/a", "x/train/b", "x/test/a", "x"))
    assert (found.labels, found.subsets) == (["a", "b", "a", ""], ["train", "train", "test", ""])


SITES = files("north/nevi x", "north/other", "south/nevi x", "south/other", "south/third")


def test_folders_of_sites_or_folds_above_classes_are_asked_about() -> None:
    with pytest.raises(
        DataError, match=r"the classes may be north, south, or nevi x, other in each of them: name those"
    ):
        understood("r", SITES)
    assert understood("r", SITES, ["north", "south"]).labels[:3] == ["north", "north", "south"]
    found = understood("r", SITES, ["nevi x", "other"])
    assert (found.labels, found.said) == (
        ["nevi x", "other", "nevi x", "other", "third"],
        "classes in each of north, south",
    )


def test_parts_below_folders_with_names_of_classes_are_no_classes() -> None:
    assert understood("r", files("mel/left", "mel/right", "nv/left", "nv/right")).labels == ["mel", "mel", "nv", "nv"]


def test_patients_below_classes_are_no_classes() -> None:
    assert understood("r", files("x/p1", "x/p2", "y/p3", "y/p4")).labels == ["x", "x", "y", "y"]


def test_a_lone_training_folder_is_a_wrapper() -> None:
    assert understood("r", files("train/a", "train/b")).labels == ["a", "b"]


def test_patients_below_a_lone_class_are_no_classes() -> None:
    assert set(understood("r", files("malignant/p1", "malignant/p2")).labels) == {"malignant"}


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("train/a", "test/a", "extra"), r"named as subsets \(test, train\) beside others \(extra\): as a given split"),
        (("val/a", "valid/b", "train/a"), "val and valid are both validation: join them, or move one away"),
        (("train/a", "train/b", "test"), r"in test there are no class folders, .* or set dataset\.path=r/train$"),
        (("train", "test"), "divided into test, train, and in test, train there are no class folders"),
        (("a/train", "a/test", "b/train", "b"), r"1 images are in none of them \(b/3\.png\): as a given split"),
        (("", ""), "no class folders: 2 images lie directly in r"),
    ],
)
def test_two_readings_and_none_are_refused(folders: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        understood("r", files(*folders))
