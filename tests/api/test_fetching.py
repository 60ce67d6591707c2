from collections.abc import Iterator
from pathlib import Path

import pytest

import skinlab
from skinlab.errors import ConfigError
from tests.data.archive.archive_server import Archive, serving

pytest.importorskip("pandas", reason="needs pandas")


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(Archive(images=4)) as running:
        monkeypatch.setenv("SKINLAB_ISIC_API", running.api)
        yield running


def test_images_come_with_their_metadata_as_a_frame(archive: Archive, tmp_path: Path) -> None:
    done = skinlab.fetch(tmp_path / "isic", limit=3)
    assert (done.summary.complete, done.summary.fetched) == (3, 3)
    assert len(done.metadata) == 3
    assert {"isic_id", "license"} <= {name.removeprefix("copyright_") for name in done.metadata.columns}
    assert done.failures.empty
    assert repr(done) == f"<3 images in {tmp_path / 'isic'}>"
    assert "3 images in" in done._repr_html_()
    again = skinlab.fetch(tmp_path / "isic", limit=3)
    assert (again.summary.complete, again.summary.fetched) == (3, 0)


def test_what_makes_no_sense_is_refused_by_the_commands_own_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--limit 0: must be at least 1"):
        skinlab.fetch(tmp_path, limit=0)
    with pytest.raises(ConfigError, match="a table of addresses is fetched as it is"):
        skinlab.fetch(tmp_path, urls=tmp_path / "images.csv", limit=3)
