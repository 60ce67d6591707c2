import csv
import io
import json
from dataclasses import replace

import pytest
from PIL import Image

from skinlab.data.archive.declaration import ArchiveQuery
from skinlab.data.archive.fetch import fetch_archive, fetch_urls
from skinlab.errors import DataError, OutputError
from tests.data.archive.archive_server import isic_id, jpeg
from tests.data.archive.conftest import MANNERS, Counts, fetch


def table(out):
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def names(out):
    return sorted(path.name for path in (out / "images").iterdir())


def test_images_tables_and_record_are_written(archive, out):
    summary = fetch(archive, out)
    assert (summary.fetched, summary.present, summary.failures) == (12, 0, [])
    assert [(out / "images" / f"{isic_id(n)}.jpg").read_bytes() for n in range(12)] == [jpeg(n) for n in range(12)]
    assert table(out)[1]["diagnosis_1"] == "Malignant"
    assert [row["file"] for row in table(out)] == [f"images/{isic_id(n)}.jpg" for n in range(12)]
    assert "### Clinic 1 (2 images)\n\nISIC_0000001, ISIC_0000007\n" in (out / "ATTRIBUTION.md").read_text()
    assert json.loads((out / "fetch.json").read_text()) == {
        "version": 1,
        "status": "finished",
        "counts": {"complete": 12, "failed": 0, "under_other_licenses": 0},
        "fetches": [ArchiveQuery().declared(archive.api)],
    }
    assert not (out / "failures.json").exists()


def test_a_finished_fetch_asks_for_nothing(archive, out):
    fetch(archive, out)
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    asked = len(archive.paths)
    summary = fetch(archive, out)
    assert (summary.present, summary.fetched, len(archive.paths)) == (12, 0, asked)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_the_tables_do_not_depend_on_threads(archive, out, tmp_path):
    fetch(archive, out)
    fetch(archive, tmp_path / "other", manners=replace(MANNERS, jobs=1))
    for name in ("metadata.csv", "ATTRIBUTION.md", "fetch.json"):
        assert (out / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_a_file_that_was_deleted_or_cut_comes_again(archive, out):
    fetch(archive, out)
    (out / "images/ISIC_0000003.jpg").unlink()
    (out / "images/ISIC_0000004.jpg").write_bytes(b"cut")
    asked = len(archive.requests)
    assert fetch(archive, out).fetched == 2
    assert sorted(archive.requests[asked:]) == ["ISIC_0000003", "ISIC_0000004"]


def test_a_limit_takes_the_first_and_lists_no_further(archive, out):
    fetch(archive, out, limit=7)
    assert names(out) == [f"{isic_id(n)}.jpg" for n in range(7)]
    assert sum("search" in path for path in archive.paths) == 2


def test_licences_are_sorted_out_before_the_limit(archive, out):
    summary = fetch(archive, out, limit=4, licenses=("CC-0",))
    assert [row["isic_id"] for row in table(out)] == [isic_id(n) for n in (0, 3, 6, 9)]
    assert summary.passed_over == 6


def test_thumbnails_and_resized_files(archive, out, tmp_path):
    fetch(archive, out, size="thumbnail", limit=1)
    assert (out / "images/ISIC_0000000.jpg").read_bytes() == jpeg(0, 32)
    fetch(archive, tmp_path / "small", resize=32, limit=2)
    asked = len(archive.requests)
    assert fetch(archive, tmp_path / "small", resize=32, limit=2).present == 2
    assert len(archive.requests) == asked


def test_what_is_made_smaller_is_a_jpeg_by_name_too(archive, out):
    stream = io.BytesIO()
    Image.new("RGB", (80, 60), "red").save(stream, "PNG")
    archive.replies["/lesion.PNG"] = (200, {}, stream.getvalue())
    full = {"url": f"{archive.address}/lesion.PNG", "size": len(stream.getvalue())}
    archive.edit = lambda result: {**result, "files": {"full": full}}
    fetch(archive, out, resize=32, limit=1)
    assert names(out) == ["ISIC_0000000.jpg"]
    with Image.open(out / table(out)[0]["file"]) as image:
        assert (image.format, image.size) == ("JPEG", (43, 32))


def test_expired_addresses_are_asked_for_anew(archive, out):
    fetch(archive, out, limit=6)
    (out / "images/ISIC_0000003.jpg").unlink()
    archive.expired, archive.signature = "one", "two"
    assert fetch(archive, out, limit=6).failures == []
    assert "/api/v2/images/ISIC_0000003/" in archive.paths
    assert (out / "images/ISIC_0000003.jpg").read_bytes() == jpeg(3)


def test_a_failing_file_is_recorded_and_the_same_call_goes_on(archive, out):
    archive.replies["/files/ISIC_0000002.jpg"] = (404, {}, b"")
    archive.replies["/files/ISIC_0000005.jpg"] = (200, {}, b"<html>no image</html>")
    summary = fetch(archive, out, manners=replace(MANNERS, patience=replace(MANNERS.patience, tries=2)))
    size = len(jpeg(5))
    assert json.loads((out / "failures.json").read_text()) == [
        {"name": "ISIC_0000002", "reason": "HTTP 404"},
        {
            "name": "ISIC_0000005",
            "reason": f"the server announces 21 bytes where the listing says {size}; tried 2 times",
        },
    ]
    assert (summary.complete, len(summary.failures), len(table(out))) == (10, 2, 10)
    archive.replies.clear()
    assert fetch(archive, out).fetched == 2
    assert not (out / "failures.json").exists()
    assert len(table(out)) == 12


def test_an_address_that_is_not_https_fails_alone(archive, out):
    def edit(result):
        if result["isic_id"] == isic_id(1):
            result["files"]["full"]["url"] = "http://example.org/a.jpg"
        return result

    archive.edit = edit
    failures = fetch(archive, out).failures
    assert [(each.name, each.reason) for each in failures] == [(isic_id(1), "http://example.org/a.jpg is not https")]


def test_a_server_that_is_down_ends_the_fetch_with_one_line(archive, out):
    archive.images = 60
    for number in range(60):
        archive.replies[f"/files/{isic_id(number)}.jpg"] = (503, {}, b"")
    with pytest.raises(DataError, match=r"^20 files in a row could not be fetched, the last: HTTP 503; tried 2 times"):
        fetch(archive, out, manners=replace(MANNERS, patience=replace(MANNERS.patience, tries=2)))
    archive.replies.clear()
    assert fetch(archive, out).fetched == 60


def test_a_reply_of_another_shape_ends_the_fetch_with_one_line(archive, out):
    archive.edit = lambda result: {**result, "isic_id": "../../evil"}
    with pytest.raises(DataError, match=r"results\[0\]\.isic_id is '../../evil'"):
        fetch(archive, out)
    assert names(out) == []


def test_a_hidden_collection_ends_the_fetch_before_anything_is_listed(archive, out):
    archive.replies["/api/v2/collections/9/"] = (404, {}, b"")
    with pytest.raises(DataError, match="collection 9 is not there or not public"):
        fetch(archive, out, collections=(9,))
    assert not any("search" in path for path in archive.paths)


def test_an_image_on_two_pages_is_fetched_once(archive, out):
    archive.edit = lambda result: {**result, "isic_id": isic_id(0)} if result["isic_id"] == isic_id(7) else result
    archive.replies["/files/ISIC_0000007.jpg"] = (404, {}, b"")
    assert fetch(archive, out).complete == 11


def test_a_full_disk_is_one_line_and_what_is_complete_stays(archive, out):
    fetch(archive, out, limit=2)
    (out / ".fetch/parts").mkdir(exist_ok=True)
    (out / ".fetch/parts/ISIC_0000003.part").symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"^the disk is full: .* run the same command again: complete files stay"):
        fetch(archive, out, limit=5, extend=True)
    assert {f"{isic_id(n)}.jpg" for n in range(2)} <= set(names(out))
    assert json.loads((out / "fetch.json").read_text())["status"] == "unfinished"
    (out / ".fetch/parts/ISIC_0000003.part").unlink()
    assert fetch(archive, out, limit=5).complete == 5


def test_a_folder_is_extended_and_each_image_knows_its_fetches(archive, out):
    fetch(archive, out, limit=2, licenses=("CC-0",))
    with pytest.raises(DataError, match="add to it with --extend"):
        fetch(archive, out, limit=2)
    assert fetch(archive, out, limit=2, extend=True).fetched == 1
    assert [(row["isic_id"], row["fetch"]) for row in table(out)] == [
        (isic_id(0), "1 2"),
        (isic_id(1), "2"),
        (isic_id(3), "1"),
    ]


@pytest.mark.parametrize("kind", ["status", "too_many", "reset", "truncated", "stall", "length"])
def test_each_way_of_failing_alone_is_survived(archive, out, kind, monkeypatch):
    monkeypatch.setattr("tests.data.archive.archive_server.FAILURES", (kind,))
    archive.failing = 0.4
    assert fetch(archive, out).failures == []
    assert [(out / "images" / f"{isic_id(n)}.jpg").read_bytes() for n in range(12)] == [jpeg(n) for n in range(12)]
    assert archive.failures[kind] > 0
    assert set(archive.transfers.values()) == {1}


# --- a table of addresses ---


@pytest.fixture
def urls(tmp_path, archive):
    def write(*numbers, name="urls.csv"):
        rows = [f"{archive.address}/files/{isic_id(n)}.jpg?key=secret,{'ab'[n % 2]},p{n}" for n in numbers]
        path = tmp_path / name
        path.write_text("\n".join(["url,label,group", *rows, ""]))
        return path

    return write


def fetch_table(path, out, **options):
    return fetch_urls(path, None, out, MANNERS, Counts(), **options)


def test_a_table_is_fetched_with_its_labels(archive, urls, out):
    archive.failing = 0.2
    assert fetch_table(urls(2, 1), out).failures == []
    assert table(out) == [
        {
            "file": f"images/{isic_id(n)}.jpg",
            "fetch": "1",
            "label": "ab"[n % 2],
            "group": f"p{n}",
            "url": f"{archive.address}/files/{isic_id(n)}.jpg",
        }
        for n in (1, 2)
    ]
    assert (out / f"images/{isic_id(1)}.jpg").read_bytes() == jpeg(1)
    assert fetch_table(urls(2, 1), out).present == 2


def test_another_table_extends_on_demand(urls, out):
    fetch_table(urls(1, 2), out)
    with pytest.raises(DataError, match="holds another fetch"):
        fetch_table(urls(2, 3), out)
    assert fetch_table(urls(2, 3), out, extend=True).fetched == 1
    assert [row["fetch"] for row in table(out)] == ["1", "1 2", "2"]


def test_two_addresses_for_one_file_are_refused(archive, urls, out):
    fetch_table(urls(1), out)
    other = urls(2)
    other.write_text(f"url,label,name\n{archive.address}/files/{isic_id(2)}.jpg,a,{isic_id(1)}.jpg\n")
    with pytest.raises(DataError, match=r"ISIC_0000001.jpg would come from two addresses"):
        fetch_table(other, out, extend=True)


def test_a_table_and_an_archive_do_not_share_a_folder(archive, urls, out):
    fetch_table(urls(1), out)
    with pytest.raises(DataError, match="they do not mix"):
        fetch_archive(ArchiveQuery(), archive.api, out, MANNERS, Counts(), extend=True)
