"""The page: whole, bounded, and nobody's markup but ours."""

import re
from html.parser import HTMLParser

import numpy as np

from skinlab.data.audit.findings import Findings, LeakFound, NearDuplicate
from skinlab.data.audit.page import SHOWN, audit_page
from skinlab.data.label_log.apply import Corrections

EVIL = '<script>alert("x")</script>&\''


def findings(**changes):
    empty = {name: [] for name in Findings.__annotations__}
    keys = {
        "images": 2,
        "left_out_labels": {},
        "ignored_files": {},
        "absent_in_lists": {},
        "images_without_group": 1,
        "counts": {},
    }
    keys["label_log"] = Corrections()
    return Findings(**{**empty, **keys, "on_leak": "warn", **changes})


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.alternatives = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        self.alternatives += [value for name, value in attrs if name == "alt"]


def images(*names):
    return {name: np.full((32, 32, 3), 100, np.uint8) for name in names}


def test_names_are_text_and_never_markup():
    leak = LeakFound(images=[EVIL, "b"], subsets=["train", "test"], reason="near_duplicate", similarity=0.9)
    page = Tags(audit_page(EVIL, findings(leaks=[leak]), images(EVIL, "b")))
    assert "script" not in page.tags
    assert page.alternatives == [EVIL, "b"]


def test_nothing_is_asked_of_a_server():
    leak = LeakFound(images=["a", "b"], subsets=["train", "test"], reason="group", similarity=None)
    text = audit_page("set", findings(leaks=[leak]), images("a", "b"))
    assert all(source.startswith("data:image/jpeg;base64,") for source in Tags(text).sources)
    assert not re.search(r"https?://|@import|url\(", text)


def test_a_long_list_is_cut_and_the_count_said():
    pairs = [NearDuplicate([f"a{i}", f"b{i}"], ["x", "x"], 0.9) for i in range(SHOWN + 20)]
    names = [name for pair in pairs for name in pair.images]
    page = audit_page("set", findings(near_duplicates=pairs), images(*names))
    assert len(Tags(page).sources) == 2 * SHOWN
    assert f"The first {SHOWN} of {SHOWN + 20} are shown." in page
