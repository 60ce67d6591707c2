import pytest

from skinlab.data.archive.fetch import fetch_urls
from skinlab.data.sources import load
from skinlab.errors import DataError
from skinlab.schema import UrlsDataset
from tests.data.archive.archive_server import Archive, isic_id, serving
from tests.data.archive.conftest import MANNERS, Counts
from tests.data.data_builders import COMMON


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of three images that were fetched into `images`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    path = tmp_path / "urls.csv"
    with serving(Archive()) as archive:
        rows = [f"{archive.address}/files/{isic_id(n)}.jpg,{'ab'[n % 2]},{'p' * (n % 2)}\n" for n in (2, 1, 0)]
        path.write_text("url,label,group\n" + "".join(rows))
        fetch_urls(path, None, tmp_path / "images", MANNERS, Counts())
    return path


def dataset(table):
    return UrlsDataset(name="urls", table_path=str(table), path=str(table.parent / "images"), **COMMON)


def test_a_fetched_table_is_loaded(table):
    manifest = load(dataset(table))
    assert (manifest.image_ids, manifest.labels) == ([isic_id(n) for n in range(3)], ["a", "b", "a"])
    assert manifest.groups == [None, "p", None]
    assert manifest.attributes["url"][0].endswith("/files/ISIC_0000000.jpg")


def test_a_table_that_was_changed_since_is_not_what_was_fetched(table):
    table.write_text(table.read_text().replace(",b,", ",c,"))
    with pytest.raises(DataError, match="holds another fetch .* or run `skinlab data fetch --urls"):
        load(dataset(table))
