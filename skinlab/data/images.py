"""Image files as the rest of skinlab reads them: `decoding.py`, with errors that a command can end with."""

import contextlib
from collections.abc import Iterator
from io import BytesIO
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from skinlab.data import decoding
from skinlab.data.decoding import CONVERT, PIXEL_LIMIT, decode_settings
from skinlab.errors import DataError

__all__ = [
    "CONVERT",
    "PIXEL_LIMIT",
    "ImageError",
    "decode",
    "decode_settings",
    "read",
    "read_bytes",
    "shrunk_jpeg",
]


class ImageError(DataError):
    """The bytes are not an image, or not a whole one; the message is a short reason without the file's name."""


def decode(
    data: bytes, size: int, pixel_limit: int = PIXEL_LIMIT, colour_profile: str = CONVERT
) -> npt.NDArray[np.uint8]:
    """`skinlab.data.decoding.decode`.

    Raises:
        ImageError: not an image, truncated, too many pixels, or of a kind that is not read.
    """
    with _as_image_error():
        return decoding.decode(data, size, pixel_limit, colour_profile)


def shrunk_jpeg(data: bytes, shorter_side: int) -> bytes:
    """The image in `data`, upright, as RGB, in its own shape, its shorter side brought down to so many pixels, as JPEG.

    A smaller image keeps its size. The quality is high (95, colours not subsampled): it is compressed a second time.
    The colours are sRGB: an embedded profile is converted.

    Raises:
        ImageError: as for `decode`.

    Example:
        >>> ppm = b"P6 2 4 255 " + bytes(24)
        >>> Image.open(BytesIO(shrunk_jpeg(ppm, 1))).size
        (1, 2)
    """
    with _as_image_error(), decoding.upright(data, shorter_side) as whole:
        factor = min(1.0, shorter_side / min(whole.size))
        width, height = (max(1, round(side * factor)) for side in whole.size)
        stream = BytesIO()
        smaller = whole.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
        smaller.save(stream, "JPEG", quality=95, subsampling=0)
        return stream.getvalue()


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


@contextlib.contextmanager
def _as_image_error() -> Iterator[None]:
    try:
        yield
    except decoding.DecodingError as error:
        raise ImageError(str(error)) from error
