import sys
import time
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.cli import main
from skinlab.commands.complete import candidates
from skinlab.data.cache import decoded
from skinlab.errors import OutputError
from tests.data.data_builders import bound
from tests.data.test_cache import hashed
from tests.data.test_cache_room import arrays, files, fill


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path / "home"


def test_an_empty_cache_is_listed_and_not_created(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache"]) == 0
    assert capsys.readouterr().out == f"0.00 MB of at most 50.00 GB in {paths.cache()}\n"
    assert not home.exists()


def test_entries_are_listed_with_what_they_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = files(tmp_path / "images", 1)
    used = decoded(made, hashed(made), 32).images
    path = fill(tmp_path / "images", 2, last_use=1e9)
    assert main(["cache"]) == 0
    title, first, *others = capsys.readouterr().out.splitlines()
    assert title.split() == ["kind", "images", "px", "size", "last", "use", "(UTC)", "in", "use", "name"]
    *facts, name = first.split()
    assert facts == ["decoded", "4", "32", "0.01", "MB", "2001-09-09", "01:46"]
    assert path.name.startswith(name.rstrip("…"))
    assert [line.split()[7] for line in others if line.startswith("decoded")] == ["yes"]
    assert len(used) == 4


def test_the_old_are_deleted_and_the_young_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = fill(tmp_path / "images", 1, last_use=time.time() - 31 * 24 * 3600)
    young = fill(tmp_path / "images", 2, last_use=time.time() - 29 * 24 * 3600)
    assert main(["cache", "clear", "--older-than", "30d"]) == 0
    assert capsys.readouterr().out == "deleted: 1 of 1, 0.01 MB\n"
    assert arrays() == [young]
    assert not old.exists()


def test_all_is_deleted_but_what_is_in_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "images", 1)
    made = files(tmp_path / "images", 2)
    used = decoded(made, hashed(made), 32).images
    (kept,) = [path for path in arrays() if path.stat().st_mtime == max(one.stat().st_mtime for one in arrays())]
    assert main(["cache", "clear", "--all"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("deleted: 2 of 3, ")
    assert said[1:] == [f"kept, a running process uses it: {kept}"]
    assert arrays() == [kept]
    assert len(used) == 4


def test_damage_is_told_and_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, good = fill(tmp_path / "images", 1), fill(tmp_path / "images", 2)
    bad.write_bytes(bad.read_bytes()[:-1] + b"\0")
    assert main(["cache", "verify"]) == 1
    told, summary = capsys.readouterr().out.splitlines()
    assert told == f"damaged: {bad}: the pixels are not those that were written; deleted"
    assert summary == "2 of 3 whole"
    assert arrays() == [good]
    assert main(["cache", "verify"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["clear"], "say what to delete: --older-than 30d for what was not used for 30 days, or --all"),
        (["clear", "--all", "--older-than", "1d"], "say what to delete"),
        (["clear", "--older-than", "month"], "--older-than month: give a number with h, d or w"),
        (["clean"], "no command 'cache clean'; did you mean 'clear'? Commands: clear, verify"),
    ],
)
def test_mistakes_are_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", *words]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"skinlab cache: {message}")
    assert error.count("\n") == 1


@pytest.mark.parametrize("words", [["--help"], ["clear", "--help"], ["verify", "--help"]])
def test_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", *words]) == 0
    assert capsys.readouterr().out.startswith("usage: skinlab cache [VERB]")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ca", ["cache"]),
        ("cache ", ["clear", "verify", "--help"]),
        ("cache clear --o", ["--older-than"]),
        ("cache clear ", ["--older-than", "--all", "--help"]),
    ],
)
def test_verbs_and_options_are_completed(words: str, expected: list[str]) -> None:
    assert candidates(words.split(" ")) == expected


def test_a_cache_that_may_only_be_read_is_listed_and_nothing_of_it_deleted(tmp_path: Path) -> None:
    path = fill(tmp_path / "images", 1)
    path.parent.chmod(0o500)
    try:
        listed, cleared = (
            bound(sys.executable, "-m", "skinlab", "cache", *words) for words in ([], ["clear", "--all"])
        )
    finally:
        path.parent.chmod(0o700)
    assert listed.returncode == 0
    assert listed.stdout.count("decoded") == 1
    assert cleared.returncode == OutputError.exit_code
    assert cleared.stderr.startswith(f"skinlab cache: cannot use the cache folder {paths.cache()}: Permission denied; ")
    assert cleared.stderr.count("\n") == 1
    assert arrays() == [path]
