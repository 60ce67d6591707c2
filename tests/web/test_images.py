"""Images of opened data sets: by id, small and whole, from the cache where they were made before."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from skinlab import paths
from skinlab.web.workplace import Workplace

A = "benign/lesion_0"


@pytest.fixture
def at(workplace: Workplace) -> str:
    opened = workplace.reviewed()
    assert opened is not None
    return f"/images/{opened.key}"


def test_a_thumbnail_has_the_shape_of_its_image_and_its_longer_side_is_the_one_asked_for(
    client: TestClient, at: str, folder: Path
) -> None:
    Image.new("RGB", (900, 600)).save(folder / f"{A}.png")
    answer = client.get(f"{at}/thumbnail", params={"id": A, "side": 128})
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(answer.content)).size == (128, 85)


def test_it_is_made_once_and_made_anew_when_the_file_is_another(client: TestClient, at: str, folder: Path) -> None:
    asked = {"id": A, "side": 128}
    first = client.get(f"{at}/thumbnail", params=asked)
    kept = list((paths.cache() / "thumbnails").rglob("*.jpg"))
    assert [file.read_bytes() for file in kept] == [first.content]
    kept[0].write_bytes(b"from the cache")
    assert client.get(f"{at}/thumbnail", params=asked).content == b"from the cache"
    Image.new("RGB", (60, 60), "red").save(folder / f"{A}.png")
    again = client.get(f"{at}/thumbnail", params=asked)
    assert Image.open(BytesIO(again.content)).size == (60, 60)
    assert again.headers["etag"] != first.headers["etag"]


def test_who_has_it_already_is_not_sent_it_again(client: TestClient, at: str) -> None:
    first = client.get(f"{at}/thumbnail", params={"id": A})
    again = client.get(f"{at}/thumbnail", params={"id": A}, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("image_id", ["", "benign/none", "../images/benign/lesion_0", "/etc/passwd", "benign"])
def test_what_is_no_id_of_the_data_set_is_not_there(client: TestClient, at: str, image_id: str) -> None:
    for kind in ("thumbnail", "whole"):
        assert client.get(f"{at}/{kind}", params={"id": image_id}).status_code == 404
        assert client.get(f"/images/another/{kind}", params={"id": A}).status_code == 404


def test_sizes_are_a_few_so_that_the_cache_stays_small(client: TestClient, at: str) -> None:
    assert client.get(f"{at}/thumbnail", params={"id": A, "side": 129}).status_code == 404


def test_the_whole_image_is_the_file_itself_or_a_jpeg_where_browsers_cannot_show_it(
    client: TestClient, at: str, folder: Path
) -> None:
    whole = client.get(f"{at}/whole", params={"id": A})
    assert (whole.headers["content-type"], whole.content) == ("image/png", (folder / f"{A}.png").read_bytes())
    Image.new("RGB", (30, 20), "red").save(folder / f"{A}.png", "TIFF")
    converted = client.get(f"{at}/whole", params={"id": A})
    assert converted.headers["content-type"] == "image/jpeg"
    assert Image.open(BytesIO(converted.content)).size == (30, 20)


def test_a_broken_file_is_named(client: TestClient, at: str, folder: Path) -> None:
    (folder / f"{A}.png").write_bytes(b"\x00")
    answer = client.get(f"{at}/thumbnail", params={"id": A})
    assert (answer.status_code, answer.json()["error"].partition(":")[0]) == (422, A)


def test_a_full_cache_is_said_once_and_images_are_shown_all_the_same(
    client: TestClient, at: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SKINLAB_CACHE_GB", "0.001")
    for image_id in (A, "malignant/lesion_1"):
        assert client.get(f"{at}/thumbnail", params={"id": image_id}).status_code == 200
    assert [record.message.partition(":")[0] for record in caplog.records] == ["thumbnails are not kept"]
    assert not list((paths.cache() / "thumbnails").rglob("*.jpg"))
