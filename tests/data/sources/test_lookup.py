"""Finding tables below a folder, and joining them."""

from pathlib import Path

import pytest

from skinlab.data.sources.columns import Columns
from skinlab.data.sources.lookup import holder, joined, stacked
from skinlab.errors import DataError


def touched(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def table(name: str, **columns: list[str]) -> Columns:
    return Columns(Path(name), columns, range(2, 2 + len(next(iter(columns.values())))))


def test_the_first_name_that_is_there_is_taken_the_nearest_to_the_top_in_any_case(tmp_path: Path) -> None:
    held = holder(str(touched(tmp_path, "a/b/meta.csv", "a/META.csv", "a/.meta.csv", "__MACOSX/meta.csv")))
    assert held.find(["none.csv", "meta.csv"]) == tmp_path / "a" / "META.csv"
    assert held.find(["none.csv"]) is None


def test_several_equally_near_are_refused(tmp_path: Path) -> None:
    held = holder(str(touched(tmp_path, "a/meta.csv", "b/meta.csv")))
    with pytest.raises(
        DataError, match=r"has 2 that may be meta\.csv: a/meta\.csv, b/meta\.csv; set dataset\.path to one"
    ):
        held.find(["meta.csv"])


def test_a_star_is_any_text_and_brackets_are_brackets_of_a_name(tmp_path: Path) -> None:
    held = holder(str(touched(tmp_path, "Split_1.csv", "[1].csv")))
    assert held.find(["split_*.csv"]) == tmp_path / "Split_1.csv"
    assert held.find(["[1].csv"]) == tmp_path / "[1].csv"


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    touched(tmp_path / "elsewhere", "meta.csv")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "data").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "again").symlink_to(tmp_path / "root")
    assert holder(str(tmp_path / "root")).find(["meta.csv"]) == tmp_path / "root" / "data" / "meta.csv"


def test_stacked_tables_have_all_columns_and_say_where_a_row_is_of() -> None:
    both = stacked({"train": table("a.csv", i=["1"], x=["p"]), "test": table("b.csv", i=["2"], y=["q"])}, "part")
    assert both.columns == {"i": ["1", "2"], "x": ["p", ""], "y": ["", "q"], "part": ["train", "test"]}
    one = table("a.csv", i=["1"])
    assert stacked({"train": one}, "part") is one


def test_tables_are_joined_by_id_and_the_first_that_says_something_wins() -> None:
    mine = table("a.csv", id=["1", "2", "3"], age=["40", "", ""])
    others = [
        ("n", table("b.csv", n=["2", "9"], age=["50", "0"])),
        ("n", table("c.csv", n=["2", "3"], age=["1", "60"])),
    ]
    assert joined(mine, others, "id", "fail").columns["age"] == ["40", "50", "60"]


def test_a_table_that_says_something_of_one_id_twice_is_refused() -> None:
    with pytest.raises(DataError, match=r"b\.csv: 1 ids are in more than one row: 1"):
        joined(table("a.csv", id=["1"]), [("id", table("b.csv", id=["1", "1"]))], "id", "fail")


def test_ids_of_two_tables_that_differ_in_their_spelling_alone_are_refused() -> None:
    with pytest.raises(DataError, match=r"b\.csv: column id, beside the ids of a\.csv: .*'7' .* and '7\.0'"):
        joined(table("a.csv", id=["7"]), [("id", table("b.csv", id=["7.0"]))], "id", "fail")
