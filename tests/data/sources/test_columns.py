"""Tables by column, from CSV and Parquet."""

import csv
import gzip
import io
import logging
import sys
from pathlib import Path

import pytest

from skinlab.data.sources import columns
from skinlab.data.sources.columns import Reading, read_table
from skinlab.errors import DataError, SetupError
from tests.data.test_spellings import NOTHING


def test_csv_and_parquet_of_the_same_rows_are_the_same_columns(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install skinlab[parquet]")
    from pyarrow import parquet

    rows = {"image_id": ["a", "b"], "label": ["nv", None], "age": [50.0, None], "lesion": [7, 8], "old": [True, False]}
    parquet.write_table(pa.table(rows), tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_text("image_id,label,age,lesion,old\na,nv,50.0,7,True\nb,,,8,False\n")
    assert read_table(tmp_path / "t.parquet").columns == read_table(tmp_path / "t.csv").columns


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install skinlab[parquet]")
    (tmp_path / "t.parquet").write_text("image_id,label\n")
    with pytest.raises(DataError, match=r"cannot read .*t\.parquet as Parquet: "):
        read_table(tmp_path / "t.parquet")


def test_parquet_without_pyarrow_names_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.parquet").touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SetupError, match=r"t\.parquet: .* pyarrow; pip install skinlab\[parquet\]"):
        read_table(tmp_path / "t.parquet")


ROWS = [["image_id", "label", "note"], ["a", "n\u00e4vus", "x, y; z"], ["b", "mel", 'said "no"'], ["c", "mel", ""]]
WANTED = {"image_id": ["a", "b", "c"], "label": ["n\u00e4vus", "mel", "mel"], "note": ["x, y; z", 'said "no"', ""]}


def written(path: Path, separator: str = ",", encoding: str = "utf-8", rows: list[list[str]] = ROWS) -> Path:
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "utf-32"])
@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
def test_separator_and_encoding_are_found_out(tmp_path: Path, separator: str, encoding: str) -> None:
    assert read_table(written(tmp_path / "t.csv", separator, encoding)).columns == WANTED


def test_what_was_found_out_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        read_table(written(tmp_path / "t.tsv", "\t"))
        read_table(written(tmp_path / "t.csv"))
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 't.tsv'}: read as utf-8, separated by tab (dataset.encoding, .separator)"
    ]


def test_declared_separator_and_encoding_count(tmp_path: Path) -> None:
    rows = [["image_id;x", "label"], ["a;1", "n\u00e4vus"]]
    path = written(tmp_path / "t.csv", ",", "cp437", rows)
    assert read_table(path, Reading(separator=",", encoding="cp437")).columns["label"] == ["n\u00e4vus"]
    with pytest.raises(DataError, match="is not utf-8 text; save it as UTF-8, or set dataset.encoding"):
        read_table(path, Reading(encoding="utf-8"))


def test_two_separators_that_fit_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b,c\n1;2,3\n")
    with pytest.raises(DataError, match=r"may be separated by comma or semicolon: set dataset\.separator"):
        read_table(tmp_path / "t.csv")


def test_a_decimal_comma_is_no_separator(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image_id;label;size\na;nv;1,5\nb;mel;2,5\n")
    assert read_table(tmp_path / "t.csv").columns["size"] == ["1,5", "2,5"]


def test_a_packed_table_is_read(tmp_path: Path) -> None:
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(gzip.compress(written(tmp_path / "t.csv").read_bytes()))
    assert read_table(packed).columns == WANTED
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"cannot read .*t\.csv\.gz: "):
        read_table(packed)


def test_a_table_is_bounded_while_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "TABLE_LIMIT", 1 << 30)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 1000))
    assert len(read_table(tmp_path / "t.csv.gz")) == 1000
    monkeypatch.setattr(columns, "TABLE_LIMIT", 1000)
    with pytest.raises(DataError, match="GiB of text"):
        read_table(tmp_path / "t.csv.gz")


@pytest.mark.parametrize("value", NOTHING)
def test_every_way_to_say_nothing_is_empty(tmp_path: Path, value: str) -> None:
    path = written(tmp_path / "t.csv", rows=[["image_id", "label"], ["a", value], ["b", "mel"]])
    assert read_table(path).columns["label"] == ["", "mel"]


def test_a_floating_nan_of_parquet_is_empty(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install skinlab[parquet]")
    from pyarrow import parquet

    parquet.write_table(pa.table({"image_id": ["a", "b"], "lesion": [float("nan"), 12.0]}), tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").columns["lesion"] == ["", "12.0"]


def test_columns_without_a_name_and_empty_ends_of_lines_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image_id,label,,\na,nv,,\nb,mel,,,,\n")
    assert read_table(tmp_path / "t.csv").columns == {"image_id": ["a", "b"], "label": ["nv", "mel"]}
    (tmp_path / "t.csv").write_text(",image_id,label\n0,a,nv\n1,b,mel\n")
    assert list(read_table(tmp_path / "t.csv").columns) == ["image_id", "label"]


def test_a_table_of_fifty_columns_without_header_is_one_short_line(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\n".join(",".join(f"{row}.{column}" for column in range(50)) for row in range(9)))
    with pytest.raises(
        DataError, match=r"has no column image_id; .* and 40 more; the first line must name the columns"
    ):
        read_table(tmp_path / "t.csv").column("image_id", "dataset.image_column")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "is an Excel workbook or a zip archive; save the table as CSV"),
        (b"a,b\n1,\x00\n", "holds NUL characters"),
        (b"a,b\n1,2,3\n", "line 2: 3 values where the header has 2 columns"),
        (b"a\tb\n1\t2\t3\n", "line 2: 3 values where the header has 2 columns"),
        (b'a,b\n1,"2\n', "is not a table separated by comma"),
        (b"a,b\n", "has no rows"),
        (b"", "has no rows"),
        (b"a,a\n1,2\n", "more than one column a; rename them"),
    ],
)
def test_what_is_no_table_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(tmp_path / "t.csv")
    assert "\n" not in str(caught.value)


def test_notes_below_the_rows_are_passed_over_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t.txt").write_text("|| a | b ||\n|| 1 | 2 ||\n \n\nLegend:\na is 1\n\nb is 2\n")
    with caplog.at_level(logging.INFO):
        assert read_table(tmp_path / "t.txt").columns == {"a": ["1"], "b": ["2"]}
    assert "the lines from 5 on are notes below the table, not read" in caplog.text


@pytest.mark.parametrize("text", ["a,b\n1,2\n3\n", "a,b\n1,2\n\nnote\n3,4\n"])
def test_a_line_of_one_value_that_is_no_note_is_refused_by_its_number(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=r"line [34]: 1 values where the header has 2 columns"):
        read_table(tmp_path / "t.csv")
