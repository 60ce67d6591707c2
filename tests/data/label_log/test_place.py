import re
from pathlib import Path

import pytest

from skinlab.config.places import choices, places
from skinlab.data.label_log.place import log_of, log_path
from skinlab.errors import DataError
from tests.data import data_builders as build


def test_the_log_lies_beside_what_gives_the_labels() -> None:
    assert log_path(build.folder_dataset("images")) == Path("images/labels.log")
    assert log_path(build.ham10000_dataset("ham")) == Path("ham/labels.log")
    assert log_path(build.isic_cli_dataset("cli")) == Path("cli/labels.log")
    assert log_path(build.table_dataset("tables/a.csv", image_root="images")) == Path("tables/labels.log")
    assert log_path(build.isic_challenge_dataset("images", "truth/part3.csv")) == Path("truth/labels.log")


def test_a_declared_place_wins_and_may_be_in_the_home() -> None:
    assert log_path(build.folder_dataset("images", label_log="~/mine.log")) == Path.home() / "mine.log"


def test_phantoms_have_a_log_only_where_one_is_declared() -> None:
    assert log_path(build.synthetic_dataset()) is None
    with pytest.raises(DataError, match=r"dataset=synthetic has no folder for a label log: .* dataset\.label_log=PATH"):
        log_of(build.synthetic_dataset())
    assert log_of(build.synthetic_dataset(label_log="p.log")).path == Path("p.log")


def test_the_page_says_where_the_log_of_every_source_lies() -> None:
    page = (Path(__file__).parents[3] / "docs" / "labels.md").read_text(encoding="utf-8")
    table = page.split("## Where the log lies")[1].split("\n\n")[1]
    assert set(re.findall(r"`(\w+)`(?:,| \|)", table)) == set(choices("dataset", places()))
