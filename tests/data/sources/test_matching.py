"""Which file a value of a table means."""

from pathlib import Path

import pytest

from skinlab.data.sources.columns import Columns
from skinlab.data.sources.matching import match_images
from skinlab.errors import DataError


def matched(values: list[str], found: list[str]) -> list[str | None]:
    table = Columns(Path("t.csv"), {"image": values}, range(2, len(values) + 2))
    return list(match_images(table, values, Path("root"), found).files)


def test_the_closest_kind_of_match_wins() -> None:
    found = ["a.jpg", "a.jpg.png", "sub/a.jpg", "sub/b.jpg", "sub/c.jpg.png", "c.jpg.bmp/c.jpg"]
    assert matched(["a.jpg"], found) == ["a.jpg"]
    assert matched(["sub/a", "b", "a"], found) == ["sub/a.jpg", "sub/b.jpg", "a.jpg"]


def test_a_name_that_means_several_by_its_closest_kind_is_refused() -> None:
    with pytest.raises(DataError, match=r"1 names fit several files in root: a \(a\.jpg, a\.png\)"):
        matched(["a", "b"], ["a.jpg", "a.png", "b.jpg"])


def test_the_same_files_are_found_in_any_order() -> None:
    found = ["x/a.jpg", "y/b.jpg", "c.jpg"]
    assert matched(["c", "a.jpg", "y/b"], found) == matched(["c", "a.jpg", "y/b"], found[::-1])


@pytest.mark.parametrize("value", ["..", "../a", "/etc/a", "x/../../a"])
def test_what_leads_out_of_the_folder_is_refused_with_its_line(value: str) -> None:
    with pytest.raises(DataError, match=r"1 rows lead out of the image folder root: .* \(line 3\)"):
        matched(["a", value], ["a.jpg"])


def test_of_many_rows_that_lead_out_ten_are_named() -> None:
    with pytest.raises(DataError, match=r"12 rows lead out .*\.\./i09 \(line 11\) and 2 more"):
        matched([f"../i{i:02}" for i in range(12)], ["a.jpg"])


def without(values: list[str], found: list[str]) -> list[str]:
    table = Columns(Path("t.csv"), {"image": values}, range(2, len(values) + 2))
    return list(match_images(table, values, Path("root"), found).without)


@pytest.mark.parametrize(
    ("value", "file", "difference"),
    [
        ("a.JPG", "a.jpg", "another case"),
        ("isic_1", "ISIC_1.jpg", "another case"),
        ("a.png", "x/a.jpg", "another extension"),
        ("img\\a.jpg", "img/a.jpg", "another slash"),
        ("12", "000012.png", "lost zeros"),
        ("img/a", "a.png", "another folder"),
    ],
)
def test_a_row_without_image_is_named_with_what_is_near(value: str, file: str, difference: str) -> None:
    assert without([value, "b"], [file, "b.png"]) == [f"{value} (there is {file}: {difference})"]


def test_a_row_without_anything_near_is_named_alone() -> None:
    assert without(["q", ""], ["a.png"]) == ["q", "(empty)"]


def test_names_are_compared_in_one_unicode_form() -> None:
    assert matched(["n\u00e4vus", "cafe\u0301"], ["na\u0308vus.png", "caf\u00e9.png"]) == [
        "na\u0308vus.png",
        "caf\u00e9.png",
    ]
