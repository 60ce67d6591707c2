"""What docs/isic-archive.md shows is accepted."""

import re
import shlex
from pathlib import Path

import pytest

from skinlab.commands.data_fetch import _parser
from skinlab.config import compose

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "isic-archive.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", re.findall(r"^    skinlab (data fetch .*)$", PAGE, flags=re.MULTILINE))
def test_the_fetches_parse(line):
    assert _parser().parse_args(shlex.split(line)[2:]).out


def test_the_options_exist():
    known = _parser().format_usage()
    assert all(option in known for option in re.findall(r"`(--\w+)", PAGE))


@pytest.mark.parametrize("line", re.findall(r"^    skinlab (train .*)$", PAGE, flags=re.MULTILINE))
def test_the_declarations_are_right(line):
    compose(shlex.split(line)[1:])


def test_the_query_of_the_page_is_what_was_fetched():
    fetched, trained = (
        shlex.split(line)
        for line in (
            re.search(r"^    skinlab (data fetch --query .*)$", PAGE, flags=re.MULTILINE)[1],
            re.search(r"^    skinlab (train dataset=isic_archive .*)$", PAGE, flags=re.MULTILINE)[1],
        )
    )
    assert compose(trained[1:]).config.dataset.query == _parser().parse_args(fetched[2:]).query


def test_the_preset_composes(tmp_path, monkeypatch):
    lines = PAGE.split("In a preset this is easier to read:\n\n", 1)[1].split("\n\n- ", 1)[0]
    (tmp_path / "conf/experiment").mkdir(parents=True)
    (tmp_path / "conf/experiment/archive.yaml").write_text("\n".join(line[4:] for line in lines.splitlines()) + "\n")
    monkeypatch.chdir(tmp_path)
    dataset = compose(["experiment=archive"]).config.dataset
    assert (dataset.size, dataset.licenses, dataset.limit) == ("thumbnail", ["CC-0", "CC-BY"], 2000)
