"""The one way an image file becomes pixels: training, evaluation and serving all decode here.

Needs Pillow, numpy and the standard library only, so that serving code can carry a copy. Knows nothing of data sets,
caches or augmentation.
"""

import contextlib
import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from skinlab.errors import DataError

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


class ImageError(DataError):
    """The bytes are not an image, or not a whole one; the message is a short reason without the file's name."""


def decode(data: bytes, size: int) -> npt.NDArray[np.uint8]:
    """The image in `data`, upright, as RGB, squashed to a square.

    Grey, palette and CMYK images become RGB; 16-bit values are scaled (65535 becomes 255), not clipped; transparent
    pixels show white, as in a browser; the EXIF orientation is applied; of several frames the first is taken; colour
    profiles are ignored. An EXIF block that is itself damaged states no orientation.

    Args:
        data: content of an image file (see `FORMATS`).
        size: width and height of the result, in pixels.

    Returns:
        uint8 [size, size, 3], RGB.

    Raises:
        ImageError: not an image, truncated, or more pixels than `PIXEL_LIMIT`.

    Example:
        >>> ppm = b"P6 1 1 255 " + bytes([200, 100, 50])
        >>> decode(ppm, 2)[0, 0].tolist()
        [200, 100, 50]
    """
    with _faults_named(data), Image.open(BytesIO(data), formats=FORMATS) as image:
        squashed = _whole(image, size).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return np.array(squashed, dtype=np.uint8)


def shrunk_jpeg(data: bytes, shorter_side: int) -> bytes:
    """The image in `data`, upright, as RGB, in its own shape, its shorter side brought down to so many pixels, as JPEG.

    A smaller image keeps its size. The quality is high (95, colours not subsampled): it is compressed a second time.

    Raises:
        ImageError: as for `decode`.

    Example:
        >>> ppm = b"P6 2 4 255 " + bytes(24)
        >>> Image.open(BytesIO(shrunk_jpeg(ppm, 1))).size
        (1, 2)
    """
    with _faults_named(data), Image.open(BytesIO(data), formats=FORMATS) as image:
        whole = _whole(image, shorter_side)
        factor = min(1.0, shorter_side / min(whole.size))
        width, height = (max(1, round(side * factor)) for side in whole.size)
        stream = BytesIO()
        smaller = whole.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        smaller.save(stream, "JPEG", quality=95, subsampling=0)
        return stream.getvalue()


@contextlib.contextmanager
def _faults_named(data: bytes) -> Iterator[None]:
    """What decoders raise, as `ImageError`."""
    if not data:
        raise ImageError("the file is empty")
    try:
        yield
    except UnidentifiedImageError:
        raise ImageError("not an image, or of a format that is not read") from None
    except _BROKEN_FILE as error:
        raise ImageError(f"damaged image: {' '.join(str(error).split()) or type(error).__name__}") from error


def _whole(image: Image.Image, size: int) -> Image.Image:
    """All of an opened image, upright and RGB; a JPEG reduced on the way to no less than twice `size`."""
    _check_pixels(image.size)
    return _upright(_rgb(_load(image, size)), _orientation(image))


def read(path: str | PathLike[str], size: int) -> npt.NDArray[np.uint8]:
    """`decode` of a file.

    Raises:
        ImageError: as for `decode`, or the file cannot be read.
    """
    return decode(read_bytes(path), size)


def read_bytes(path: str | PathLike[str]) -> bytes:
    """The content of a file, with `ImageError` in the place of operating-system errors."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror or error}") from error


def _check_pixels(shape: tuple[int, int]) -> None:
    width, height = shape
    if width * height > PIXEL_LIMIT:
        raise ImageError(f"{width} x {height} pixels are more than the limit of {PIXEL_LIMIT // 1_000_000} megapixels")


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
        raise ImageError("32-bit pixels have no agreed range; save the image with 8 or 16 bits")
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
