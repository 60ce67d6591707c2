import pytest

from skinlab.data.archive.urls import UrlSource, read_urls
from skinlab.errors import DataError


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "urls.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_rows_become_entries(table):
    text = "url,label,group\nhttps://e.org/x/a.JPG?key=1,nevus,p1\nhttp://e.org/b%2D1.png, melanoma ,\n"
    first, second = read_urls(table(text))
    assert (first.file, first.address) == ("images/a.JPG", "https://e.org/x/a.JPG?key=1")
    assert first.row == {"label": "nevus", "group": "p1", "url": "https://e.org/x/a.JPG"}
    assert (second.file, second.row["label"], second.row["group"], second.size) == (
        "images/b-1.png",
        "melanoma",
        "",
        None,
    )


def test_a_name_may_be_given(table):
    assert read_urls(table("url,label,name\nhttps://e.org/17/download,nevus,a.jpg\n"))[0].file == "images/a.jpg"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column url"),
        ("url,lable\nhttps://e.org/a.jpg,x\n", r"has no column label \(did you mean lable\?\)"),
        ("url,label,age\nhttps://e.org/a.jpg,x,3\n", "has the columns age besides url,label"),
        ("url,label\n", "has no rows"),
        ("url,label\nhttps://e.org/a.jpg\n", "1 rows have more or fewer values than the header: lines 2"),
        ("url,label\nhttps://e.org/a.jpg,x,y\n", "1 rows have more or fewer values"),
        ("url,label\nhttps://e.org/a.jpg,\n", "line 2: no label"),
        ("url,label\nfile:///etc/passwd,x\n", r"line 2: file:///etc/passwd is not http\(s\)"),
        ("url,label\nhttps://e.org/a.exe,x\n", "line 2: 'a.exe' is no name for an image file"),
        ("url,label\nhttps://e.org/17,x\n", "line 2: '17' is no name for an image file"),
        ("url,label\nhttps://e.org/..%2F..%2Fa.jpg,x\n", "is no name for an image file"),
        ("url,label,name\nhttps://e.org/a,x,../a.jpg\n", "is no name for an image file"),
        ("url,label,name\nhttps://e.org/a,x,.a.jpg\n", "is no name for an image file"),
        (
            "url,label\nhttps://e.org/a.jpg,x\nhttps://e.org/b.jpg,x\nhttps://e.org/a.jpg,y\n",
            "1 times the same address: lines 2 and 4",
        ),
        ("url,label\nhttps://e.org/a.jpg,x\nhttps://f.org/A.jpg,x\n", "1 times the same file name: lines 2 and 3"),
    ],
)
def test_a_wrong_table_is_one_line_that_says_where(table, text, said):
    with pytest.raises(DataError, match=said) as caught:
        read_urls(table(text))
    assert "\n" not in str(caught.value)


def test_a_table_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(DataError, match="no such table"):
        read_urls(tmp_path / "urls.csv")


def test_a_table_is_known_by_its_content_not_its_order(table):
    first, second = "https://e.org/a.jpg,x\n", "https://e.org/b.jpg,y\n"
    declared = UrlSource(table(f"url,label\n{first}{second}")).declared(None)
    assert UrlSource(table(f"url,label\n{second}{first}")).declared(None) == declared
    assert UrlSource(table(f"url,label\n{first}{second[:-2]}z\n")).declared(None) != declared
