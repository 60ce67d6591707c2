import io

import pytest
from PIL import Image

from skinlab.data.archive import download as module
from skinlab.data.archive.download import download, settle
from skinlab.transfer.download import Part
from skinlab.transfer.web import ExhaustedError, FetchError, RefusedError
from tests.data.archive.archive_server import isic_id, jpeg

NAME = isic_id(3)
BODY = jpeg(3)


@pytest.fixture
def part(tmp_path):
    return Part(tmp_path / f"{NAME}.part")


def begun(part, size, tag=f'"{NAME}"'):
    """A part of which some bytes came."""
    part.restart(tag, len(BODY))
    part.path.write_bytes(BODY[:size])
    return part


def address(archive):
    return f"{archive.address}/files/{NAME}.jpg"


def ranges(archive):
    return [headers.get("Range") for headers in archive.headers]


def test_a_file_comes_whole(archive, web, part):
    download(web, address(archive), len(BODY), part)
    assert part.path.read_bytes() == BODY


def test_a_part_goes_on_where_it_is(archive, web, part):
    download(web, address(archive), len(BODY), begun(part, 1000))
    assert part.path.read_bytes() == BODY
    assert ranges(archive) == ["bytes=1000-"]
    assert archive.headers[0]["If-Range"] == f'"{NAME}"'
    assert archive.sent == len(BODY) - 1000


@pytest.mark.parametrize("known", [len(BODY), None])
def test_a_part_that_is_whole_costs_no_request(archive, web, part, known):
    download(web, address(archive), known, begun(part, len(BODY)))
    assert archive.paths == []


@pytest.mark.parametrize("tag", [None, 'W/"weak"'])
def test_without_a_strong_tag_a_part_begins_anew(archive, web, part, tag):
    download(web, address(archive), len(BODY), begun(part, 1000, tag))
    assert part.path.read_bytes() == BODY
    assert ranges(archive) == [None]


def test_a_part_of_a_file_that_changed_begins_anew(archive, web, part):
    archive.etag = "-newer"
    part.restart(f'"{NAME}"', len(BODY))
    part.path.write_bytes(b"\0" * 1000)
    download(web, address(archive), len(BODY), part)
    assert part.path.read_bytes() == BODY


def test_a_server_without_ranges_is_asked_for_the_whole(archive, web, part):
    archive.ranges = False
    download(web, address(archive), len(BODY), begun(part, 1000))
    assert part.path.read_bytes() == BODY


@pytest.mark.parametrize("content_range", ["bytes 999-2000/2001", "bytes 0-1/2", "bytes 1000-9/99999", "", "nonsense"])
def test_another_part_than_the_one_asked_for_is_not_joined(archive, web, part, content_range):
    archive.replies[f"/files/{NAME}.jpg"] = (206, {"Content-Range": content_range}, BODY[1000:])
    with pytest.raises(ExhaustedError, match="another part than the one asked for"):
        download(web, address(archive), len(BODY), begun(part, 1000))
    assert part.path.read_bytes() == BODY[:1000]


def test_a_part_longer_than_the_file_is_forgotten(archive, web, part):
    archive.replies[f"/files/{NAME}.jpg"] = (416, {}, b"")
    with pytest.raises(ExhaustedError, match="no such part"):
        download(web, address(archive), None, begun(part, 1000))
    assert part.held() == 0


def test_a_wrong_content_length_is_seen_before_a_byte_is_read(archive, web, part):
    with pytest.raises(ExhaustedError, match=f"announces {len(BODY)} bytes where the listing says 7; tried 12 times"):
        download(web, address(archive), 7, part)
    assert part.held() == 0


def test_what_does_not_decode_is_not_kept(archive, web, part):
    archive.replies[f"/files/{NAME}.jpg"] = (200, {"ETag": '"x"'}, BODY[:1000])
    with pytest.raises(ExhaustedError, match="what came is no whole image: damaged image"):
        download(web, address(archive), 1000, part)
    assert part.held() == 0


def test_a_whole_part_that_does_not_decode_is_fetched_again(archive, web, part):
    part.restart(f'"{NAME}"', len(BODY))
    part.path.write_bytes(b"\0" * len(BODY))
    download(web, address(archive), len(BODY), part)
    assert part.path.read_bytes() == BODY


def test_a_file_larger_than_any_image_is_refused(archive, web, part, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1000)
    with pytest.raises(FetchError, match=f"^{len(BODY)} bytes are more than an image has$"):
        download(web, address(archive), None, part)


def test_a_refusal_is_not_tried_again(archive, web, part):
    archive.replies[f"/files/{NAME}.jpg"] = (404, {}, b"")
    with pytest.raises(RefusedError, match="^HTTP 404$"):
        download(web, address(archive), len(BODY), part)
    assert len(archive.paths) == 1


def test_a_torn_note_means_that_no_part_is_known(part):
    begun(part, 1000)
    part.path.with_suffix(".etag").write_text("")
    assert part.note() == (None, None)


def test_settling_renames_and_forgets_the_part(tmp_path, part):
    target = tmp_path / "a.jpg"
    assert settle(begun(part, len(BODY)), target, None) == len(BODY)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
    assert target.read_bytes() == BODY


def test_settling_brings_the_shorter_side_down(tmp_path, part):
    size = settle(begun(part, len(BODY)), tmp_path / "a.jpg", 32)
    data = (tmp_path / "a.jpg").read_bytes()
    assert len(data) == size
    assert Image.open(io.BytesIO(data)).size == (40, 32)
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]
