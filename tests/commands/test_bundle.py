import io
import zipfile
from pathlib import Path

import pytest

from skinlab.cli import main
from skinlab.errors import BundleError
from skinlab.serving import loading
from tests.serving.bundles import write_bundle, write_replayed


def test_the_file_holds_a_bundle_that_can_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_replayed(tmp_path / "b")
    assert main(["bundle", str(tmp_path / "b"), "--out", str(tmp_path / "b.zip")]) == 0
    assert "3 images of the test subset" in capsys.readouterr().out
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        archive.extractall(tmp_path / "again")
    assert loading.load(tmp_path / "again").files == loading.load(tmp_path / "b").files
    assert (tmp_path / "again" / "score.py").is_file()


def test_the_same_bundle_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        main(["bundle", str(write_bundle(tmp_path / name)), "--out", str(tmp_path / f"{name}.zip")])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_a_bundle_of_an_older_skinlab_says_what_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_bundle(tmp_path / "b")
    lines = io.StringIO((folder / "SHA256SUMS").read_text())
    kept = [line for line in lines if "score.py" not in line and "decoding.py" not in line]
    (folder / "SHA256SUMS").write_text("".join(kept))
    assert main(["bundle", str(folder), "--out", str(tmp_path / "b.zip")]) == BundleError.exit_code
    assert "has no score.py, decoding.py: an older skinlab wrote it" in capsys.readouterr().err
    assert not (tmp_path / "b.zip").exists()


@pytest.mark.parametrize("words", [[], ["run"], ["--out", "x.zip"]])
def test_a_missing_argument_is_told(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bundle", *words]) == 2
    assert "needs a run and a file" in capsys.readouterr().err
