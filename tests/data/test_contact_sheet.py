import io

import numpy as np
import pytest
from PIL import Image

from skinlab.data.contact_sheet import Row, draw, shown_size


def sheet(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def plain(level: int, side: int = 128) -> np.ndarray:
    return np.full((side, side, 3), level, dtype=np.uint8)


def test_every_image_is_on_the_sheet_whole_and_in_its_place() -> None:
    rows = [Row("a", "x", [plain(40), plain(80)]), Row("b", "y", [plain(120), plain(160)], apart=True)]
    drawn = sheet(draw("title", ["one", "two"], rows, []))
    centres = {}
    for level in (40, 80, 120, 160):
        where = np.argwhere((drawn == level).all(axis=2))
        lower, upper = where.min(axis=0), where.max(axis=0)
        assert (upper - lower + 1).tolist() == [128, 128]
        centres[level] = (lower + upper) / 2
    assert centres[40][0] == centres[80][0] < centres[120][0] == centres[160][0]
    assert centres[40][1] == centres[120][1] < centres[80][1] == centres[160][1]


@pytest.mark.parametrize("side", [32, 100, 200, 700])
def test_images_of_any_size_are_brought_to_a_size_that_can_be_looked_at(side: int) -> None:
    assert 128 <= shown_size(side) <= 224
    drawn = sheet(draw("title", ["one"], [Row("a", "x", [plain(77, side)])], []))
    assert (drawn == 77).all(axis=2).sum() == shown_size(side) ** 2


def test_the_sheet_is_as_wide_as_its_title_needs() -> None:
    short, long = (sheet(draw(title, ["one"], [Row("a", "x", [plain(9)])], [])).shape[1] for title in ("t", "t" * 200))
    assert long > short


def test_notes_and_captions_take_room_only_where_there_are_any() -> None:
    heights = [
        sheet(draw("t", ["one"], [Row("a", "x", [plain(9)], captions)], notes)).shape[0]
        for captions, notes in (([""], []), (["60 % a"], []), ([""], ["a note"]))
    ]
    assert heights[0] < min(heights[1:])


def test_the_same_sheet_is_the_same_bytes() -> None:
    rows = [Row("a" * 80, "x" * 80, [plain(9)], ["caption " * 20])]
    assert draw("t", ["one"], rows, ["n"]) == draw("t", ["one"], rows, ["n"])
