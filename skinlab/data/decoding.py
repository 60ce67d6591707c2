"""The one way an image file becomes pixels: training, evaluation and serving all decode here.

Needs Pillow, numpy and the standard library only, and imports nothing of skinlab: a bundle carries this very file, so
that what answers decodes as what was trained. Knows nothing of data sets, caches or augmentation.
"""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

PIXEL_LIMIT = 170_000_000
"""Images that declare more pixels are refused: a small file can claim a size that fills the memory."""

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
"""Pillow's decoders that are tried; the others (EPS starts a program) are not meant for photographs."""

DECODE_SETTINGS: dict[str, Any] = {
    "version": 1,
    "resample": "bilinear",
    "reducing_gap": 2.0,
    "shape": "squashed to a square",
    "colour": "RGB",
    "background": [255, 255, 255],
    "orientation": "exif",
}
"""What decoding does, for fingerprints and signatures. Any change of the pixels raises the version."""

_EXIF_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BROKEN_FILE = (
    OSError,
    EOFError,
    SyntaxError,  # what Pillow raises for a broken PNG or TIFF structure
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow's decoders were seen to raise for damaged files, or document."""


def looks_like_image(head: bytes) -> bool:
    """Whether content begins as that of an image does."""
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"BM")) or head[8:12] == b"WEBP"


class DecodingError(Exception):
    """The bytes are not an image, or not a whole one; the message is a short reason without the file's name."""


def decode(data: bytes, size: int, pixel_limit: int = PIXEL_LIMIT) -> npt.NDArray[np.uint8]:
    """The image in `data`, upright, as RGB, squashed to a square.

    Grey, palette and CMYK images become RGB; 16-bit values are scaled (65535 becomes 255), not clipped; transparent
    pixels show white, as in a browser; the EXIF orientation is applied; of several frames the first is taken; colour
    profiles are ignored. An EXIF block that is itself damaged states no orientation.

    Args:
        data: content of an image file (see `FORMATS`).
        size: width and height of the result, in pixels.
        pixel_limit: an image whose header declares more is refused before its pixels are read.

    Returns:
        uint8 [size, size, 3], RGB.

    Raises:
        DecodingError: not an image, truncated, or too many pixels.

    Example:
        >>> ppm = b"P6 1 1 255 " + bytes([200, 100, 50])
        >>> decode(ppm, 2)[0, 0].tolist()
        [200, 100, 50]
    """
    with upright(data, size, pixel_limit) as whole:
        squashed = whole.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return np.array(squashed, dtype=np.uint8)


@contextlib.contextmanager
def upright(data: bytes, size: int, pixel_limit: int = PIXEL_LIMIT) -> Iterator[Image.Image]:
    """All of the image in `data`, upright and RGB; a JPEG reduced on the way to no less than twice `size`.

    Raises:
        DecodingError: as for `decode`; also for what fails inside the block.
    """
    with _faults_named(data), Image.open(BytesIO(data), formats=FORMATS) as image:
        _check_pixels(image.size, pixel_limit)
        yield _upright(_rgb(_load(image, size)), _orientation(image))


@contextlib.contextmanager
def _faults_named(data: bytes) -> Iterator[None]:
    """What decoders raise, as `DecodingError`."""
    if not data:
        raise DecodingError("the file is empty")
    try:
        yield
    except UnidentifiedImageError:
        raise DecodingError("not an image, or of a format that is not read") from None
    except _BROKEN_FILE as error:
        raise DecodingError(f"damaged image: {' '.join(str(error).split()) or type(error).__name__}") from error


def _check_pixels(shape: tuple[int, int], limit: int) -> None:
    width, height = shape
    if width * height > limit:
        raise DecodingError(f"{width} x {height} pixels are more than the limit of {limit / 1e6:g} megapixels")


def _load(image: Image.Image, size: int) -> Image.Image:
    """All pixels; a large JPEG is reduced by 2, 4 or 8 while decoding, to no less than twice the size asked for."""
    if image.format in ("JPEG", "MPO"):
        image.draft(None, (2 * size, 2 * size))
    image.load()
    return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM")):
        return _eight_bit(image).convert("RGB")
    if image.mode in ("I", "F"):
        raise DecodingError("32-bit pixels have no agreed range; save the image with 8 or 16 bits")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    wide = np.asarray(image).astype(np.uint32)
    return Image.fromarray(((wide + 128) // 257).astype(np.uint8))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _BROKEN_FILE:
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)
