import os
import pty
import re
import subprocess
import sys

import pytest

from skinlab.cli import main
from skinlab.commands import data_fetch
from skinlab.commands.table import DATA_VERBS
from tests.data.archive.archive_server import Archive, isic_id, serving
from tests.processes import read_terminal

FAST = ("--rate", "1000", "--tries", "2", "--backoff", "0.01", "--timeout", "5")


@pytest.fixture
def archive(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(Archive()) as running:
        monkeypatch.setenv("SKINLAB_ISIC_API", running.api)
        yield running


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "--out is required"),
        ("--out d --limit 0", "--limit 0: must be at least 1"),
        ("--out d --resize 8", "--resize 8: must be at least 32 and at most 4096"),
        ("--out d --rate 0", "--rate 0.0: must be at least 0.01 and at most 1000"),
        ("--out d --rate nan", "--rate nan: must be at least"),
        ("--out d --jobs 100", "--jobs 100: must be at least 1 and at most 32"),
        ("--out d --collections 2,x", "--collections x: must be numbers"),
        ("--out d --licenses CC0", "--licenses CC0: must be of CC-0, CC-BY, CC-BY-NC"),
        ("--out d --size tiny", "argument --size: invalid choice: 'tiny'"),
        ("--out d --api http://example.org", "must be an https address"),
        ("--out d --urls t.csv --limit 3 --query x", "--query, --limit and --urls: a table"),
        ("--out d --colections 3", "unrecognized arguments: --colections 3; see skinlab data fetch --help"),
    ],
)
def test_a_wrong_option_is_one_line_and_nothing_is_made(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["data", "fetch", *words.split()]) == 2
    error = capsys.readouterr().err
    assert error.startswith("skinlab data: ")
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_help_says_the_defaults_and_completion_knows_every_option(capsys):
    assert main(["data", "fetch", "--help"]) == 0
    output = capsys.readouterr().out
    assert "at most N requests a second in all (default 10)" in output
    options = next(verb for verb in DATA_VERBS if verb.name == "fetch").options
    assert set(re.findall(r"^  (?:-h, )?(--\w+)", output, flags=re.MULTILINE)) == set(options)


def test_a_fetch_tells_how_it_goes_in_plain_lines(archive, tmp_path, capsys):
    out = tmp_path / "isic"
    assert data_fetch.main(["--licenses", "CC-0,CC-BY", "--out", str(out), *FAST]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("8 of 8 images, ")
    assert re.fullmatch(rf"8 images in {out} \(8 fetched now, 0.0 MB\); 4 under other licences passed over", lines[-1])
    assert data_fetch.main(["--licenses", "CC-BY,CC-0", "--out", str(out), *FAST]) == 0
    assert f"8 images in {out} (nothing was missing)" in capsys.readouterr().out


def test_a_failing_file_is_named_and_the_exit_status_is_1(archive, tmp_path, capsys):
    archive.replies["/files/ISIC_0000002.jpg"] = (404, {}, b"")
    assert data_fetch.main(["--out", str(tmp_path / "isic"), *FAST]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].startswith("11 images in ")
    assert lines[-2:] == [
        "  failed: ISIC_0000002: HTTP 404",
        f"1 failed, see {tmp_path / 'isic' / 'failures.json'}; the same command tries them again",
    ]


def test_a_table_of_addresses_is_fetched(archive, tmp_path):
    table = tmp_path / "urls.csv"
    table.write_text(f"url,label\n{archive.address}/files/{isic_id(1)}.jpg,nevus\n")
    assert data_fetch.main(["--urls", str(table), "--out", str(tmp_path / "images"), *FAST]) == 0
    assert (tmp_path / "images/images/ISIC_0000001.jpg").is_file()


def test_a_terminal_gets_a_bar(archive, tmp_path):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "skinlab", "data", "fetch", "--out", str(tmp_path / "isic"), *FAST]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen = read_terminal(ours)
    assert process.wait(timeout=60) == 0, seen
    assert "fetching" in seen
    assert "12/12" in seen
