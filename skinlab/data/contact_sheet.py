"""A sheet of small images with captions as a PNG file: draws what it is given, knows nothing of data sets."""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

SMALLEST, LARGEST = 128, 224
"""Sides that images are shown at, in pixels: smaller ones are enlarged by whole factors, larger ones reduced."""

_PAPER, _INK, _PALE = (255, 255, 255), (24, 24, 28), (110, 110, 118)
_GAP, _MARGIN, _GUTTER = 6, 16, 170
_TITLE, _TEXT, _SMALL = 20, 14, 12  # sizes of letters


@dataclass(frozen=True)
class Row:
    """A line of the sheet.

    Attributes:
        name: shown large beside it.
        detail: shown small below the name.
        images: uint8 [S, S, 3], all of one size.
        captions: below each image; empty ones take no room where the whole line has none.
        apart: whether a gap goes before it.
    """

    name: str
    detail: str
    images: Sequence[NDArray[np.uint8]]
    captions: Sequence[str] = field(default_factory=list)
    apart: bool = False


def draw(title: str, columns: Sequence[str], rows: Sequence[Row], notes: Sequence[str]) -> bytes:
    """The sheet as PNG; the same arguments give the same bytes.

    Args:
        title: at the top.
        columns: above the images.
        rows: at least one, each with as many images as there are columns, or fewer.
        notes: at the bottom, each on lines of its own.
    """
    from PIL import Image, ImageDraw

    side = shown_size(rows[0].images[0].shape[0])
    width = 2 * _MARGIN + max(_GUTTER + len(columns) * (side + _GAP) - _GAP, ceil(_font(_TITLE).getlength(title)))
    notes = [line for note in notes for line in textwrap.wrap(note, width // (_TEXT // 2))]
    below = len(notes) * (_TEXT + _GAP)
    tops, bottom = _place(rows, side)
    sheet = Image.new("RGB", (width, bottom + below + _MARGIN), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_MARGIN, _MARGIN), title, _INK, _font(_TITLE))
    for i, column in enumerate(columns):
        pen.text((_left(i, side), tops[0] - _TEXT - _GAP), column, _PALE, _font(_TEXT))
    for row, top in zip(rows, tops, strict=True):
        _draw_row(pen, row, top, side)
        for i, image in enumerate(row.images):
            sheet.paste(Image.fromarray(_resized(image, side)), (_left(i, side), top))
    for i, note in enumerate(notes):
        pen.text((_MARGIN, bottom + i * (_TEXT + _GAP)), note, _INK, _font(_TEXT))
    return _encoded(sheet)


def shown_size(side: int) -> int:
    """The side in pixels at which images of this side are shown.

    >>> shown_size(32), shown_size(75), shown_size(200), shown_size(512)
    (128, 150, 200, 224)
    """
    return min(side * max(1, -(-SMALLEST // side)), LARGEST) if side < SMALLEST else min(side, LARGEST)


def _place(rows: Sequence[Row], side: int) -> tuple[list[int], int]:
    """The upper edge of each row, and where the last one ends."""
    top, tops = _MARGIN + _TITLE + 2 * _GAP + _TEXT + 2 * _GAP, []
    for row in rows:
        top += 2 * _GAP if row.apart else 0
        tops.append(top)
        top += side + _GAP + (_SMALL + _GAP if any(row.captions) else 0)
    return tops, top + _GAP


def _left(column: int, side: int) -> int:
    return _MARGIN + _GUTTER + column * (side + _GAP)


def _draw_row(pen: "ImageDraw.ImageDraw", row: Row, top: int, side: int) -> None:
    room = _GUTTER - 2 * _GAP
    pen.text((_MARGIN, top), _fitting(row.name, room, _font(_TEXT)), _INK, _font(_TEXT))
    pen.text((_MARGIN, top + _TEXT + _GAP), _fitting(row.detail, room, _font(_SMALL)), _PALE, _font(_SMALL))
    for i, caption in enumerate(row.captions):
        pen.text((_left(i, side), top + side + 2), _fitting(caption, side, _font(_SMALL)), _PALE, _font(_SMALL))


def _font(size: int) -> "ImageFont.FreeTypeFont | ImageFont.ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)


def _fitting(text: str, width: int, font: "ImageFont.FreeTypeFont | ImageFont.ImageFont") -> str:
    """The text, its middle left out where it is too wide."""
    keep = len(text)
    shown = text
    while font.getlength(shown) > width and keep > 1:
        keep -= 1
        shown = f"{text[: -(-keep // 2)]}...{text[len(text) - keep // 2 :]}"
    return shown


def _resized(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    import cv2

    if image.shape[0] == side:
        return image
    kind = cv2.INTER_AREA if image.shape[0] > side else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(image, (side, side), interpolation=kind), dtype=np.uint8)


def _encoded(sheet: "Image.Image") -> bytes:  # type: ignore[name-defined]  # noqa: F821 - imported where used
    stream = io.BytesIO()
    sheet.save(stream, "PNG", optimize=True)
    return stream.getvalue()
