import copy

import pytest

from skinlab.data.archive.api import (
    API_VARIABLE,
    PUBLIC_API,
    ArchiveSource,
    ShapeError,
    api_address,
    plain_http,
    read_entry,
    read_page,
)
from skinlab.data.archive.declaration import ArchiveQuery
from skinlab.errors import ConfigError, DataError
from tests.data.archive.archive_server import Archive


@pytest.fixture
def page():
    return Archive(3, address="https://example.org").search({"limit": ["2"], "cursor": ["0"]})


def test_a_page_gives_entries_the_cursor_and_the_count(page):
    read = read_page(page, "full")
    assert (read.following, read.count, [entry.name for entry in read.entries]) == (
        "2",
        3,
        ["ISIC_0000000", "ISIC_0000001"],
    )


def test_an_entry_has_the_metadata_of_both_parts_as_text(page):
    entry = read_page(page, "full").entries[1]
    assert (entry.file, entry.size) == ("images/ISIC_0000001.jpg", page["results"][1]["files"]["full"]["size"])
    assert entry.row == {
        "isic_id": "ISIC_0000001",
        "copyright_license": "CC-BY",
        "attribution": "Clinic 1",
        "pixels_x": "80",
        "image_type": "dermoscopic",
        "diagnosis_1": "Malignant",
        "sex": "male",
        "age_approx": "31",
        "lesion_id": "IL_0",
        "patient_id": "IP_0",
    }
    assert read_page(page, "full").entries[0].row["lesion_id"] == ""


def test_a_thumbnail_has_its_own_address_and_size(page):
    entry = read_page(page, "thumbnail").entries[0]
    assert "?thumbnail" in entry.address
    assert entry.size == page["results"][0]["files"]["thumbnail_256"]["size"]


def changed(page, path, value):
    """The page with one field replaced, or removed where the value is `...`."""
    result = copy.deepcopy(page)
    inner = result
    for name in path[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return result


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("results",), ..., "results is missing"),
        (("results",), {}, "results is dict, not list"),
        (("next",), ..., "next is missing"),
        (("next",), "https://example.org/elsewhere", "next holds no cursor"),
        (("count",), "12", "count is str, not int"),
        (("results", 1), [], "results[1] is not an object but list"),
        (("results", 1, "isic_id"), "../../etc/passwd", "results[1].isic_id is '../../etc/passwd', not ISIC_"),
        (("results", 1, "isic_id"), "ISIC_0000001\n", r"results[1].isic_id is 'ISIC_0000001\n', not ISIC_"),
        (("results", 1, "isic_id"), "ISIC_" + "\u0660" * 7, "results[1].isic_id is 'ISIC_"),
        (("results", 1, "isic_id"), 7, "results[1].isic_id is int, not str"),
        (("results", 0, "files", "full"), ..., "results[0].files.full is missing"),
        (("results", 0, "files", "full", "url"), None, "results[0].files.full.url is NoneType, not str"),
        (("results", 0, "files", "full", "size"), True, "results[0].files.full.size is bool, not int"),
        (("results", 0, "files", "full", "size"), 0, "results[0].files.full.size is 0"),
        (("results", 0, "metadata", "clinical"), ..., "results[0].metadata.clinical is missing"),
        (("results", 0, "copyright_license"), ..., "results[0].copyright_license is missing"),
    ],
)
def test_a_reply_of_another_shape_is_named_by_its_field(page, path, value, said):
    with pytest.raises(ShapeError) as caught:
        read_page(changed(page, path, value), "full")
    assert str(caught.value).startswith(f"the archive's reply is not as expected: {said}")
    assert "\n" not in str(caught.value)


def test_a_reply_that_is_no_object_at_all_is_named(page):
    with pytest.raises(ShapeError, match="the reply is not an object but list"):
        read_page([page], "full")


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("https://e.org/a/b.PNG?x=1.gif", "images/ISIC_0000000.png"),
        ("https://e.org/image/17/download", "images/ISIC_0000000.jpg"),
        ("https://e.org/a.php", "images/ISIC_0000000.jpg"),
        ("https://e.org/..%2F..%2Fa.jpg%2F..%2Fx", "images/ISIC_0000000.jpg"),
    ],
)
def test_the_address_gives_no_more_than_the_extension(page, address, file):
    result = changed(page, ("results", 0, "files", "full", "url"), address)["results"][0]
    assert read_entry(result, "full", "").file == file


def test_the_base_address_is_chosen_by_option_then_environment_then_default(monkeypatch):
    assert api_address(None) == PUBLIC_API
    monkeypatch.setenv(API_VARIABLE, "https://mirror.example.org/api/v2")
    assert api_address(None) == "https://mirror.example.org/api/v2/"
    assert api_address("http://127.0.0.1:8/api/v2/") == "http://127.0.0.1:8/api/v2/"


def test_an_unencrypted_archive_is_refused():
    with pytest.raises(ConfigError, match="must be an https address"):
        api_address("http://example.org/api/v2/")


def test_only_a_local_archive_may_point_to_unencrypted_files():
    assert (plain_http(PUBLIC_API), plain_http("http://127.0.0.1:8/")) == ("never", "loopback")


def test_a_search_asks_for_query_collections_limit_and_cursor(archive, web):
    query = ArchiveQuery(query='diagnosis_3:"Melanoma Invasive" AND sex:male', collections=(2, 17))
    ArchiveSource(web, archive.api, query).page("5")
    asked = "query=diagnosis_3%3A%22Melanoma%20Invasive%22%20AND%20sex%3Amale&collections=2%2C17&limit=100&cursor=5"
    assert archive.paths == [f"/api/v2/images/search/?{asked}"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_hidden_collection_is_one_line(archive, web, status):
    archive.replies["/api/v2/collections/9/"] = (status, {}, b'{"message": "Not found"}')
    with pytest.raises(DataError, match=rf"^collection 9 is not there or not public \(HTTP {status} \(Not found\)\)"):
        ArchiveSource(web, archive.api, ArchiveQuery(collections=(3, 9))).check_collections()


def test_a_query_that_is_not_understood_is_one_line(archive, web):
    archive.replies["/api/v2/images/search/"] = (400, {}, b'{"message": "Invalid query"}')
    with pytest.raises(DataError, match=r"does not understand --query 'sex=x': HTTP 400 \(Invalid query\)"):
        ArchiveSource(web, archive.api, ArchiveQuery(query="sex=x")).page(None)


def test_an_archive_that_is_down_is_one_line(archive, web):
    archive.replies["/api/v2/images/search/"] = (503, {}, b"")
    with pytest.raises(DataError, match=r"cannot be read: HTTP 503; tried 12 times; the same command goes on"):
        ArchiveSource(web, archive.api, ArchiveQuery()).page(None)
