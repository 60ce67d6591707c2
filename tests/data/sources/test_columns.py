"""Tables by column, from CSV and Parquet."""

import sys
from pathlib import Path

import pytest

from skinlab.data.sources.columns import read_table
from skinlab.errors import DataError, SetupError


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
