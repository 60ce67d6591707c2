"""The one way an image file becomes pixels: training, evaluation and serving all decode here.

Needs Pillow, numpy and the standard library (and pillow-heif or pydicom for the formats that they read), and imports
nothing of skinlab: a bundle carries this very file, so that what answers decodes as what was trained. Knows nothing of
data sets, caches or augmentation.

No decoder is trusted above 8 bits a channel unless a test holds it against another one; what is left is refused by
name. `benchmarks/decoding_matrix.py` prints what is right and what is refused.
"""

import contextlib
import ctypes
import functools
import importlib
import importlib.util
import logging
import re
import struct
import textwrap
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

PIXEL_LIMIT = 170_000_000
"""Images that declare more pixels are refused: a small file can claim a size that fills the memory."""

PROFILE_LIMIT = 1 << 24
"""Bytes of a colour profile, or of a text that may state an orientation; a larger one is passed over."""

CONVERT, IGNORE = "convert", "ignore"
"""What is done with an embedded colour profile: `dataset.colour_profile`."""

_MAGIC = {
    name: re.compile(pattern, re.DOTALL)
    for name, pattern in {
        "JPEG": rb"\xff\xd8\xff",
        "PNG": rb"\x89PNG\r\n\x1a\n",
        "TIFF": rb"II[*+]\0|MM\0[*+]",
        "BMP": rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0",
        "WebP": rb"RIFF....WEBP",
        "GIF": rb"GIF8[79]a",
        "JPEG 2000": rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n",
        "PNM": rb"P[1-6][\s#]",
        "AVIF": rb".{4}ftyp(avi[fs]|m(if|sf)1.{4}(.{4})*?avi[fs])",
        "HEIC": rb".{4}ftyp(he[iv][cxms]|m(if|sf)1)",
        "DICOM": rb".{128}DICM",
    }.items()
}
"""How the files of each format begin, within `HEAD` bytes."""
HEAD = 140

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_EXIF_ORIENTATION = 0x0112
_BYTE, _WIDE = 8, 16
"""Bits."""
_LONGEST_REASON = 300
_BROKEN_FILE = (
    OSError,
    EOFError,
    SyntaxError,  # what Pillow raises for a broken PNG or TIFF structure
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    IndexError,
    KeyError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders were seen to raise for damaged files, or document."""

# Said once, for the whole process: to change filters around each decoding is not safe in threads. What they would say
# is either an error here or about what is not used; Pillow still refuses bombs that other code opens with it.
warnings.filterwarnings("ignore", module=r"(PIL|pydicom|pylibjpeg|openjpeg)\.")
for _name in ("PIL.TiffImagePlugin", "pydicom", "pylibjpeg", "openjpeg"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
with contextlib.suppress(OSError, AttributeError):  # libtiff prints errors itself, beside those that Pillow raises
    ctypes.CDLL(importlib.import_module("PIL._imaging").__file__).TIFFSetErrorHandler(None)


class DecodingError(Exception):
    """The bytes are not an image, or not a whole one; the message is a short reason without the file's name.

    It may quote what a damaged file says, so it is made one printable line.
    """

    def __init__(self, reason: str) -> None:
        line = "".join(letter if letter.isprintable() else " " for letter in reason)
        super().__init__(textwrap.shorten(line, _LONGEST_REASON, placeholder=" ..."))


def _damaged(error: Exception) -> DecodingError:
    return DecodingError(f"damaged image: {str(error).strip() or type(error).__name__}")


@dataclass(frozen=True)
class _Picture:
    """Pixels as a file stores them.

    Attributes:
        image: with its transparency; not yet upright.
        orientation: EXIF's; 1: upright.
        profile: the embedded ICC profile; None: there is none.
    """

    image: Image.Image
    orientation: int = 1
    profile: bytes | None = None


@dataclass(frozen=True)
class _Bounds:
    """What is wanted: a JPEG may be reduced to no less than twice `size`; more than `pixels` are refused."""

    size: int
    pixels: int

    def check(self, width: int, height: int) -> None:
        if width * height > self.pixels:
            raise DecodingError(
                f"{width} x {height} pixels are more than the limit of {self.pixels / 1e6:g} megapixels"
            )


def decode_settings(colour_profile: str = CONVERT) -> dict[str, Any]:
    """What decoding does, for fingerprints and signatures. Any change of the pixels raises the version."""
    return {
        "version": 2,
        "resample": "bilinear",
        "reducing_gap": 2.0,
        "shape": "squashed to a square",
        "colour": "RGB",
        "background": [255, 255, 255],
        "orientation": "exif",
        "colour_profile": colour_profile,
    }


def looks_like_image(head: bytes) -> bool:
    """Whether a file that begins so is of a format that `decode` reads; it may be damaged all the same.

    Args:
        head: the first `HEAD` bytes of a file, or all of a shorter one.

    Example:
        >>> looks_like_image(b"P6 1 1 255 abc"), looks_like_image(b"image_id,label")
        (True, False)
    """
    return _format(head) is not None


def decode(
    data: bytes, size: int, pixel_limit: int = PIXEL_LIMIT, colour_profile: str = CONVERT
) -> npt.NDArray[np.uint8]:
    """The image in `data`, upright, as RGB, squashed to a square.

    Grey, palette and CMYK images become RGB; 16-bit values are scaled (65535 becomes 255), not clipped; transparent
    pixels show white, as in a browser; the EXIF orientation is applied; of several frames the first is taken, but for
    DICOM, where several are refused. An EXIF block that is itself damaged states no orientation, a colour profile that
    is damaged counts as none.

    Args:
        data: content of an image file; the format is told by how it begins.
        size: width and height of the result, in pixels.
        pixel_limit: an image whose header declares more is refused before its pixels are read.
        colour_profile: `convert` embedded profiles to sRGB, or `ignore` them. One that says the same as sRGB to within
            rounding leaves the pixels as they are.

    Returns:
        uint8 [size, size, 3], RGB.

    Raises:
        DecodingError: not an image, truncated, too many pixels, or of a kind that is not read.

    Example:
        >>> ppm = b"P6 1 1 255 " + bytes([200, 100, 50])
        >>> decode(ppm, 2)[0, 0].tolist()
        [200, 100, 50]
    """
    with upright(data, size, pixel_limit, colour_profile) as whole:
        squashed = whole.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
        return np.array(squashed, dtype=np.uint8)


@contextlib.contextmanager
def upright(
    data: bytes, size: int, pixel_limit: int = PIXEL_LIMIT, colour_profile: str = CONVERT
) -> Iterator[Image.Image]:
    """All of the image in `data`, upright and RGB; a JPEG reduced on the way to no less than twice `size`.

    Raises:
        DecodingError: as for `decode`; also for what fails inside the block.
    """
    if not data:
        raise DecodingError("the file is empty")
    kind = _format(data[:HEAD])
    if kind is None:
        raise DecodingError("not an image, or of a format that is not read")
    try:
        picture = _READERS[kind](data, _Bounds(size, pixel_limit))
        yield _turned(_rgb(picture.image, picture.profile if colour_profile == CONVERT else None), picture.orientation)
    except Image.DecompressionBombError:
        raise DecodingError(f"more pixels than the limit of {pixel_limit / 1e6:g} megapixels") from None
    except _BROKEN_FILE as error:
        raise _damaged(error) from error


def _format(head: bytes) -> str | None:
    return next((name for name, begins in _MAGIC.items() if begins.match(head)), None)


def _not_read(what: str) -> DecodingError:
    return DecodingError(f"{what} is not read; save the image as PNG with 8 or 16 bits")


# --- colours -------------------------------------------------------------------------------------------------------

SAME_COLOUR = 2
"""A profile whose colours differ from sRGB by no more (of 255) is taken for sRGB: such profiles differ by rounding."""
_NO_RANGE = "32-bit pixels have no agreed range; save the image with 8 or 16 bits"
_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def _rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An image of any mode as RGB on white; its profile's colours as those of sRGB."""
    if image.mode.startswith("I;16"):
        image = Image.fromarray(_eight_bit(np.asarray(image), 65535))
    if image.mode in ("I", "F"):
        raise DecodingError(_NO_RANGE)
    if not image.has_transparency_data:
        return _in_srgb(image, profile)
    layer = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    colours = _in_srgb(layer.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB"), profile)
    colours.putalpha(layer.getchannel("A"))
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), colours).convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """An image without transparency as RGB."""
    mode = {"1": "L", "L": "L", "CMYK": "CMYK"}.get(image.mode, "RGB")
    transform = None if profile is None or len(profile) > PROFILE_LIMIT else _to_srgb(profile, mode)
    if transform is None:
        return image.convert("RGB")
    converted = Image.new("RGB", image.size)
    transform.apply(image.convert(mode), converted)
    return converted


@functools.lru_cache(maxsize=4)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """From the colours of a profile to sRGB; None: it says the same, is damaged, or is not of this kind of pixels."""
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(profile))
        if _PROFILE_MODES.get(opened.profile.xcolor_space.strip()) != mode:
            return None
        transform = ImageCms.buildTransform(
            opened,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        probe = _probe(mode)
        converted = transform.apply(probe)
    except (ImageCms.PyCMSError, *_BROKEN_FILE):
        return None
    difference = np.asarray(converted, np.int16) - np.asarray(probe.convert("RGB"), np.int16)
    return None if np.abs(difference).max() <= SAME_COLOUR else transform


def _probe(mode: str) -> Image.Image:
    """Colours from all over the gamut: 16 steps of each channel, or all greys."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[np.newaxis])
    steps = np.linspace(0, 255, 16).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return Image.fromarray(np.ascontiguousarray(grid)).convert(mode)


def _eight_bit(values: npt.NDArray[Any], highest: int) -> npt.NDArray[np.uint8]:
    """Unsigned values as 8 bits: `highest` becomes 255, halves are rounded up."""
    scaled = (np.minimum(values, highest).astype(np.uint32) * 255 + highest // 2) // highest
    found: npt.NDArray[np.uint8] = scaled.astype(np.uint8)
    return found


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


# --- what Pillow reads ---------------------------------------------------------------------------------------------


def _loaded(image: ImageFile.ImageFile, bounds: _Bounds, profile: bytes | None = None) -> _Picture:
    """All pixels of an opened image."""
    bounds.check(*image.size)
    image.load()
    return _Picture(image, _orientation(image), profile or _profile(image))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_EXIF_ORIENTATION, 1))
    except _BROKEN_FILE:
        return 1


def _profile(image: Image.Image) -> bytes | None:
    found = image.info.get("icc_profile")
    return found if isinstance(found, bytes) else None


def _bmp(data: bytes, bounds: _Bounds) -> _Picture:
    return _loaded(BmpImagePlugin.BmpImageFile(BytesIO(data)), bounds)


def _gif(data: bytes, bounds: _Bounds) -> _Picture:
    return _loaded(GifImagePlugin.GifImageFile(BytesIO(data)), bounds)


def _pnm(data: bytes, bounds: _Bounds) -> _Picture:
    picture = _loaded(PpmImagePlugin.PpmImageFile(BytesIO(data)), bounds)
    if picture.image.mode == "I":  # Pillow scales every maximum above 255 to 65535
        return _Picture(Image.fromarray(_eight_bit(np.asarray(picture.image), 65535)))
    return picture


def _avif(data: bytes, bounds: _Bounds) -> _Picture:
    try:
        plugin = importlib.import_module("PIL.AvifImagePlugin")
    except ImportError:
        plugin = None
    if plugin is None or not plugin.SUPPORTED:
        raise DecodingError("AVIF is read with Pillow 11.3 or newer: pip install --upgrade pillow")
    return _loaded(plugin.AvifImageFile(BytesIO(data)), bounds)


# --- JPEG ----------------------------------------------------------------------------------------------------------

_SCAN = 0xDA
_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Markers of the frame of a JPEG; F7 is that of JPEG-LS."""
_END = b"\xff\xd9"
_MISSING = (128, (128, 128, 128))
"""What libjpeg shows in the place of pixels that are not there; without a word, where there is an end marker."""
_RESTARTS = re.compile(rb"\xff([\xd0-\xd7])")
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FILLER = np.random.Generator(np.random.PCG64(1)).integers(1, 255, 512, dtype=np.uint8)
_FILLERS = (_FILLER.tobytes(), (255 - _FILLER).tobytes())
"""No byte is 255, which begins a marker; every bit of one is the opposite of the other's."""


def _jpeg(data: bytes, bounds: _Bounds) -> _Picture:
    frame = _jpeg_frame(data)
    if frame is not None and _BYTE < frame[2] <= _WIDE:
        raise _not_read(f"JPEG with {frame[2]} bits a channel")
    try:
        picture = _reduced_jpeg(data, bounds)
    except OSError:
        if not _has_all_scans(data):
            raise
        return _jpeg_without_end(data.removesuffix(b"\xff"), bounds)
    if picture.image.getpixel((picture.image.width - 1, picture.image.height - 1)) in _MISSING:
        return _jpeg_without_end(data[: data.rfind(_END)], bounds)
    return picture


def _reduced_jpeg(data: bytes, bounds: _Bounds) -> _Picture:
    """A large JPEG is reduced by 2, 4 or 8 while decoding, to no less than twice the size asked for."""
    image = JpegImagePlugin.JpegImageFile(BytesIO(data))
    bounds.check(*image.size)
    image.draft(None, (2 * bounds.size, 2 * bounds.size))
    return _loaded(image, bounds)


def _jpeg_without_end(data: bytes, bounds: _Bounds) -> _Picture:
    """A JPEG that lacks its end marker, where nothing else is missing.

    What lies between the last pixel and the end marker is not looked at: a decoder that still wants data there gives
    other pixels when it is fed other data. A restart marker comes with it, where the next one would stand.
    """
    seen = _RESTARTS.findall(data[data.rfind(bytes([0xFF, _SCAN])) :])
    restart = bytes([0xFF, 0xD0 + (seen[-1][0] - 0xD0 + 1) % 8 if seen else 0xD0])
    picture = _reduced_jpeg(data + _END, bounds)
    for filler in _FILLERS:
        other = _reduced_jpeg(data + filler + restart + filler + _END, bounds)
        if not np.array_equal(np.asarray(picture.image), np.asarray(other.image)):
            raise DecodingError("damaged image: image file is truncated")
    return picture


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and content of each segment of a JPEG; what is coded between them is passed over."""
    at = 2
    while found := _NEXT_MARKER.search(data, at):
        marker, at = data[found.start() + 1], found.end()
        if marker not in (0x01, 0xD8, 0xD9):
            length = int.from_bytes(data[at : at + 2], "big")
            yield marker, data[at + 2 : at + length]
            at += length


def _jpeg_frame(data: bytes) -> tuple[int, int, int] | None:
    """Width, height and bits a channel of a JPEG or JPEG-LS; None: it does not say."""
    for marker, content in _segments(data):
        if marker in _FRAMES:
            bits, height, width = struct.unpack_from(">BHH", content)
            return width, height, bits
    return None


def _has_all_scans(data: bytes) -> bool:
    """Whether there is a scan for every bit of every coefficient of a JPEG; the last may be cut off."""
    missing = {(-1, 0)}
    for marker, content in _segments(data):
        if marker in _FRAMES:
            missing = {(part, place) for part in content[6::3] for place in range(64)}
        elif marker == _SCAN and len(content) == 2 * content[0] + 4:
            parts, (first, last, bits) = content[1:-3:2], content[-3:]
            if bits & 15 == 0:
                missing -= {(part, place) for part in parts for place in range(first, last + 1)}
    return not missing


# --- PNG -----------------------------------------------------------------------------------------------------------

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_DEPTH_AT = 24
_PNG_PIXELS = (b"IHDR", b"PLTE", b"IDAT")
_RAW_EXIF, _XMP = b"Raw profile type exif", b"XML:com.adobe.xmp"


def _png(data: bytes, bounds: _Bounds) -> _Picture:
    """Pillow sees the chunks that pixels are made of, and no others: it refuses images for the text beside them."""
    pixels, beside = _png_chunks(data)
    image = PngImagePlugin.PngImageFile(BytesIO(pixels))
    image.info.update(beside)
    return _keyed(image, pixels[_DEPTH_AT], bounds)


def _keyed(image: ImageFile.ImageFile, depth: int, bounds: _Bounds) -> _Picture:
    """A PNG, where one value may stand for transparent: it is given at the depth of the file, not at Pillow's."""
    key = image.info.get("transparency")
    if isinstance(key, tuple) and depth == _WIDE:
        raise _not_read("PNG with 16 bits a channel and a colour that stands for transparent")
    if isinstance(key, int) and image.mode == "L":
        image.info["transparency"] = key * 255 // ((1 << depth) - 1)
    picture = _loaded(image, bounds)
    if not isinstance(key, int) or depth != _WIDE:
        return picture
    values = np.asarray(image)
    grey = Image.fromarray(_eight_bit(values, 65535))
    grey.putalpha(Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return _Picture(grey, picture.orientation, picture.profile)


def _png_chunks(data: bytes) -> tuple[bytes, dict[str, Any]]:
    """A PNG of the chunks that its pixels are made of, with an end; and what else is used, as Pillow names it.

    A chunk beside the pixels that is damaged is passed over. Of an animation the first image is what remains.
    """
    needed, stored, beside = [], [], {}
    for kind, content, sound in _each_chunk(data):
        if kind in _PNG_PIXELS and not sound:
            raise ValueError(f"the checksum of its {kind.decode()} chunk is wrong")
        if kind == b"IDAT":
            stored.append(content)
        elif kind in _PNG_PIXELS or (kind == b"tRNS" and sound):
            needed.append((kind, content))
        elif not kind[:1].islower() and kind != b"IEND":
            raise ValueError(f"its {kind!r} chunk is of no known kind")
        elif sound:
            beside.update(_png_beside(kind, content))
    chunks = [*needed, (b"IDAT", b"".join(stored)), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(content, zlib.crc32(kind)))
        for kind, content in chunks
    ]
    return _PNG_MAGIC + b"".join(parts), beside


def _each_chunk(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Kind, content and whether that can be used; of a last one that is cut off, what is there."""
    at = len(_PNG_MAGIC)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        content = data[at + 8 : at + 8 + length]
        stored = data[at + 8 + length : at + 12 + length]
        cut = at + 12 + length > len(data)
        whole = not cut and int.from_bytes(stored, "big") == zlib.crc32(content, zlib.crc32(kind))
        yield kind, content, whole or (cut and kind in (*_PNG_PIXELS, b"eXIf"))
        if kind == b"IEND":
            return
        at += 12 + length


def _png_beside(kind: bytes, content: bytes) -> dict[str, Any]:
    """What is used of a chunk beside the pixels: orientation and colour profile."""
    name, _, rest = content.partition(b"\0")
    if kind == b"eXIf":
        return {"exif": content}
    if kind == b"iCCP":
        profile = _inflated(rest[1:])
        return {"icc_profile": profile} if profile else {}
    if name not in (_RAW_EXIF, _XMP) or kind not in (b"tEXt", b"zTXt", b"iTXt"):
        return {}
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    else:
        packed, rest = kind == b"zTXt", rest[1:] if kind == b"zTXt" else rest
    text = _inflated(rest) if packed else rest[:PROFILE_LIMIT]
    return {name.decode(): text.decode("latin-1")} if text else {}


def _inflated(content: bytes) -> bytes | None:
    """Decompressed; None: it is damaged, or larger than `PROFILE_LIMIT`."""
    stream = zlib.decompressobj()
    try:
        found = stream.decompress(content, PROFILE_LIMIT)
    except zlib.error:
        return None
    return found if stream.eof else None


# --- WebP ----------------------------------------------------------------------------------------------------------

_WEBP_BESIDE = {b"ICCP": "icc_profile", b"EXIF": "exif", b"XMP ": "xmp"}
_WEBP_FLAGS_BESIDE = 0x20 | 0x08 | 0x04
"""In the first byte of VP8X: that there is a profile, EXIF or XMP."""


def _webp(data: bytes, bounds: _Bounds) -> _Picture:
    """Pillow sees the chunks that pixels are made of: damage beside them, or an end that is missing, costs nothing."""
    kept, beside, at = [], {}, len(b"RIFF____WEBP")
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        content, end = data[at + 8 : at + 8 + length], at + 8 + length
        if kind == b"VP8X" and content:
            content = bytes([content[0] & ~_WEBP_FLAGS_BESIDE]) + content[1:]
        if name := _WEBP_BESIDE.get(kind):
            beside[name] = content  # what there is of it, where the end is missing
        elif kind[:2] == b"VP" or kind in (b"ALPH", b"ANIM", b"ANMF"):
            kept.append(data[at : at + 8] + content + b"\0" * (length % 2))
        at = end + length % 2
    body = b"WEBP" + b"".join(kept)
    image = WebPImagePlugin.WebPImageFile(BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body))
    image.info.update(beside)
    return _loaded(image, bounds)


# --- TIFF ----------------------------------------------------------------------------------------------------------

_PHOTOMETRIC = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "CIELAB"}
_JPEG_IN_TIFF = (6, 7)
_BYTE_RANGE = 256
_WHITE_IS_ZERO, _YCBCR, _LAB = 0, 6, 8
_NEEDED = (
    TiffImagePlugin.IMAGEWIDTH,
    TiffImagePlugin.IMAGELENGTH,
    TiffImagePlugin.PHOTOMETRIC_INTERPRETATION,
)
_PLACES = {TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.TILEOFFSETS, 513}
"""Where the pixels are; 513 is that of old JPEG."""
_APART, _WIDEST, _PLAIN_ALPHA = 2, 32, 2


def _tiff(data: bytes, bounds: _Bounds) -> _Picture:
    if data[:4] == b"MM\0+":
        raise _not_read("big-endian BigTIFF")
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if data[2:3] == b"+" else 8])
    stream = BytesIO(data)
    stream.seek(tags.next)
    tags.load(stream)
    _check_tiff(tags, bounds)
    stream.seek(0)
    try:
        image = TiffImagePlugin.TiffImageFile(stream)
    except SyntaxError as error:
        if "unknown pixel mode" not in str(error):
            raise
        raise _not_read(f"TIFF, {_tiff_kind(tags)}") from error
    picture = _loaded(image, bounds)
    if image.mode.startswith("I;16") and tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
        inverted = Image.fromarray(_eight_bit(65535 - np.asarray(image), 65535))
        return _Picture(inverted, picture.orientation, picture.profile)
    if image.mode == "P" and max(table := tags.get(TiffImagePlugin.COLORMAP, (_BYTE_RANGE,))) < _BYTE_RANGE:
        image.putpalette(np.reshape(table, (3, -1)).T.astype(np.uint8).tobytes())  # old writers gave 8 of its 16 bits
    return picture


def _tiff_kind(tags: Any) -> str:
    """What the pixels of a TIFF are like, in words."""
    bits = tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,))
    samples = {1: "", 2: "signed ", 3: "floating-point "}.get(tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))[0], "odd ")
    colours = _PHOTOMETRIC.get(tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION), "unknown colours")
    apart = ", planes apart" if tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == _APART else ""
    return f"{colours} of {samples}{max(bits)} bits{apart}"


def _check_tiff(tags: Any, bounds: _Bounds) -> None:
    """Refuses what Pillow gives wrongly, and tiles that claim more memory than the image may.

    Raises:
        DecodingError: which it is.
    """
    if any(tag not in tags for tag in _NEEDED) or not (_PLACES & set(tags)):
        raise ValueError("the list of its tags is not whole")
    if tile := [tags.get(tag) for tag in (TiffImagePlugin.TILEWIDTH, TiffImagePlugin.TILELENGTH) if tag in tags]:
        bounds.check(int(tile[0]), int(tile[-1]))
    bits = max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    if bits == _WIDEST:
        raise DecodingError(_NO_RANGE)
    photometric = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION)
    compression = tags.get(TiffImagePlugin.COMPRESSION, 1)
    wrong = (
        bits not in (1, 2, 4, _BYTE, _WIDE),
        set(tags.get(TiffImagePlugin.SAMPLEFORMAT, (1,))) != {1},
        photometric not in _PHOTOMETRIC or photometric == _LAB,
        photometric == _YCBCR and compression not in _JPEG_IN_TIFF,
        tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == _APART and _mixed_up(tags, bits, compression == 1),
    )
    if any(wrong):
        raise _not_read(f"TIFF, {_tiff_kind(tags)}")


def _mixed_up(tags: Any, bits: int, plain: bool) -> bool:
    """Whether Pillow puts planes that lie apart together wrongly."""
    grey_and_more = _PHOTOMETRIC.get(tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION]) == "grey" and (
        tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1) > 1
    )
    alpha = tags.get(TiffImagePlugin.EXTRASAMPLES, (_PLAIN_ALPHA,))[0]
    return grey_and_more or (plain and (bits == _WIDE or alpha != _PLAIN_ALPHA))


# --- JPEG 2000 -----------------------------------------------------------------------------------------------------


_CODESTREAM, _TILE_PART = b"\xff\x4f\xff\x51", b"\xff\x90"


def _jpeg2000(data: bytes, bounds: _Bounds) -> _Picture:
    start = data.find(_CODESTREAM)
    width, height, bits = _codestream(data, start)
    bounds.check(width, height)
    image = Jpeg2KImagePlugin.Jpeg2KImageFile(BytesIO(_with_end_of_codestream(data, start)))
    wide_grey = len(bits) == 1 and image.mode == "I;16"
    if max(bits) > _BYTE and not wide_grey:
        raise _not_read(f"JPEG 2000 with {len(bits)} channels of {max(bits)} bits")
    if min(bits) < _BYTE:
        raise _not_read(f"JPEG 2000 with {min(bits)} bits a channel")
    if b"pclr" in data[:start] and image.mode not in ("P", "PA"):
        raise _not_read("JPEG 2000 with such a palette")
    return _loaded(image, bounds, _boxed_profile(data[: max(start, 0)]))


def _codestream(data: bytes, start: int) -> tuple[int, int, list[int]]:
    """Width, height and the bits of each channel of a JPEG 2000 codestream."""
    if start < 0:
        raise ValueError("it has no codestream")
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    (channels,) = struct.unpack_from(">H", data, start + 40)
    shapes = [data[start + 42 + 3 * place : start + 45 + 3 * place] for place in range(channels)]
    if not shapes or not shapes[-1]:
        raise ValueError("it has no channels")
    return right - left, bottom - top, [(shape[0] & 0x7F) + 1 for shape in shapes]


def _with_end_of_codestream(data: bytes, start: int) -> bytes:
    """The file with its end marker, where it lacks that and all of its tile-parts are there."""
    at = data.find(_TILE_PART, start)
    while at >= 0 and data[at : at + 2] == _TILE_PART:
        (length,) = struct.unpack_from(">I", data, at + 6)
        at = at + length if length else -1  # zero: up to the end, wherever that is
    return data[:at] + _END if at >= 0 and data[at:] in (b"", b"\xff") else data


def _boxed_profile(header: bytes) -> bytes | None:
    """The ICC profile in the boxes before the codestream."""
    at = header.find(b"colr")
    if at < 0 or header[at + 4 : at + 5] not in (b"\2", b"\3"):
        return None
    return header[at + 7 : at - 4 + int.from_bytes(header[at - 4 : at], "big")]


# --- what other packages read --------------------------------------------------------------------------------------


def optional_readers() -> list[str]:
    """Modules for further formats that are installed: which images are readable depends on them."""
    modules = ("PIL.AvifImagePlugin", "pillow_heif", "pydicom", "pylibjpeg", "openjpeg", "jpeg_ls")
    return [module for module in modules if importlib.util.find_spec(module) is not None]


def _package(module: str, package: str, what: str) -> Any:
    """An optional package.

    Raises:
        DecodingError: it is not installed, and how it is.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        wanted = "'skinlab[formats]'" if __name__.startswith("skinlab.") else package
        raise DecodingError(f"{what} is read with {package}: pip install {wanted}") from None


def _heic(data: bytes, bounds: _Bounds) -> _Picture:
    """The primary image; libheif has turned it upright, whatever its EXIF block says, and made 8 bits of 10 or 12."""
    package = _package("pillow_heif", "pillow-heif", "HEIC")
    found = package.open_heif(BytesIO(data), convert_hdr_to_8bit=True)
    bounds.check(*found.size)
    content = found.data  # it may correct the size
    image = Image.frombytes(found.mode, found.size, bytes(content), "raw", found.mode, found.stride)
    return _Picture(image, profile=found.info.get("icc_profile"))


# --- DICOM ---------------------------------------------------------------------------------------------------------

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_RUN_LENGTHS = "pydicom"
_SYNTAXES = {
    "1.2.840.10008.1.2": "",
    "1.2.840.10008.1.2.1": "",
    "1.2.840.10008.1.2.2": "",
    "1.2.840.10008.1.2.5": _RUN_LENGTHS,
    "1.2.840.10008.1.2.4.50": "pillow",
    "1.2.840.10008.1.2.4.51": "pillow",
    "1.2.840.10008.1.2.4.80": "pyjpegls",
    "1.2.840.10008.1.2.4.81": "pyjpegls",
    "1.2.840.10008.1.2.4.90": "pylibjpeg",
    "1.2.840.10008.1.2.4.91": "pylibjpeg",
}
"""Transfer syntaxes that are read, with what pydicom decodes them by; uncompressed ones need nothing."""
_DECODED_BY = {
    "pyjpegls": (("jpeg_ls", "pyjpegls"),),
    "pylibjpeg": (("pylibjpeg", "pylibjpeg"), ("openjpeg", "pylibjpeg-openjpeg")),
}
_GREY = ("MONOCHROME1", "MONOCHROME2")
_LUMA = ("YBR_FULL", "YBR_FULL_422")
_COLOUR = ("RGB", "YBR_ICT", "YBR_RCT", *_LUMA)
_PALETTE_COLOUR = "PALETTE COLOR"


def _dicom(data: bytes, bounds: _Bounds) -> _Picture:
    """The only frame of a DICOM file: colours as RGB, grey values through their window to what is shown."""
    pydicom = _package("pydicom", "pydicom", "DICOM")
    if _DEFLATED in data:  # pydicom would inflate it, however much that is, before anything can be looked at
        raise _not_read("deflated DICOM")
    try:
        dataset = pydicom.dcmread(BytesIO(data))
        plugin = _checked_syntax(dataset.file_meta.TransferSyntaxUID)
        _check_dicom(dataset, bounds)
        if plugin not in ("", _RUN_LENGTHS):
            _check_frame(dataset)
        pixels = importlib.import_module("pydicom.pixels").pixel_array(dataset, decoding_plugin=plugin)
        return _Picture(_shown(dataset, pixels), profile=_dicom_profile(dataset))
    except (DecodingError, *_BROKEN_FILE):
        raise
    except Exception as error:  # pydicom and its decoders raise of any kind for damaged files
        raise _damaged(error) from error


def _checked_syntax(syntax: Any) -> str:
    """The name of what decodes a transfer syntax; empty: nothing need be decoded."""
    if not syntax.is_transfer_syntax:
        raise ValueError("it names no transfer syntax of DICOM")
    if str(syntax) not in _SYNTAXES:
        raise DecodingError(
            f"DICOM in the transfer syntax {syntax.name} is not read; decompress it first, e.g. with gdcmconv --raw"
        )
    plugin = _SYNTAXES[str(syntax)]
    for module, package in _DECODED_BY.get(plugin, ()):
        _package(module, package, f"DICOM in {syntax.name}")
    return plugin


def _check_dicom(dataset: Any, bounds: _Bounds) -> None:
    """Refuses what is not one frame of a known kind.

    Raises:
        DecodingError: which it is.
    """
    if "PixelData" not in dataset:
        raise DecodingError("DICOM without pixels: it has no element Pixel Data")
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise DecodingError(f"DICOM with {frames} frames is not read; save the frame that is meant by itself")
    bounds.check(int(dataset.Columns), int(dataset.Rows))
    kind, samples = dataset.PhotometricInterpretation, int(dataset.SamplesPerPixel)
    allocated, stored, signed = dataset.BitsAllocated, dataset.BitsStored, dataset.PixelRepresentation
    if kind not in (*_GREY, *_COLOUR, _PALETTE_COLOUR) or samples != (3 if kind in _COLOUR else 1):
        raise _not_read(f"DICOM, {kind} of {samples} samples")
    wide = kind in _LUMA and allocated != _BYTE
    if allocated not in (_BYTE, _WIDE) or not 1 <= stored <= allocated or wide or (signed and kind not in _GREY):
        raise _not_read(f"DICOM, {kind} of {'signed ' if signed else ''}{stored} in {allocated} bits")
    if "ModalityLUTSequence" in dataset:
        raise _not_read("DICOM with a table of modality values")


def _check_frame(dataset: Any) -> None:
    """Refuses a compressed frame that claims another size or depth than the header, before it takes memory.

    Nor may it be anything but JPEG, JPEG-LS or JPEG 2000: what decodes it would open what else it found.
    """
    frame = importlib.import_module("pydicom.encaps").get_frame(dataset.PixelData, 0, number_of_frames=1)
    claimed = None
    if frame.startswith(_CODESTREAM):
        width, height, depths = _codestream(frame, 0)
        claimed = (width, height, max(depths))
    elif frame.startswith(b"\xff\xd8"):
        claimed = _jpeg_frame(frame)
    if claimed is None:
        raise ValueError("its frame is not of its transfer syntax")
    said = (dataset.Columns, dataset.Rows, dataset.BitsStored)
    if claimed != said:
        raise ValueError(
            "its frame is of {} x {} pixels and {} bits, its header says {} x {} and {}".format(*claimed, *said)
        )


def _shown(dataset: Any, pixels: npt.NDArray[Any]) -> Image.Image:
    """Stored values as they are shown: RGB, or grey."""
    if dataset.PhotometricInterpretation in _GREY:
        return _windowed(dataset, pixels)
    if dataset.PhotometricInterpretation == _PALETTE_COLOUR:
        return _looked_up(dataset, pixels)
    return Image.fromarray(_eight_bit(pixels, (1 << dataset.BitsStored) - 1))


def _windowed(dataset: Any, pixels: npt.NDArray[Any]) -> Image.Image:
    """Grey values through their window (DICOM PS3.3, C.11.2.1.2); without one, all that can be stored is shown."""
    slope, intercept = float(dataset.get("RescaleSlope") or 1), float(dataset.get("RescaleIntercept") or 0)
    values = pixels.astype(np.float64) * slope + intercept
    center, width = (_first(dataset.get(name)) for name in ("WindowCenter", "WindowWidth"))
    if center is not None and width is not None:
        shown = _window(values, center, width, dataset.get("VOILUTFunction") or "LINEAR")
    elif "VOILUTSequence" in dataset:
        raise _not_read("DICOM with a table of values of interest and no window")
    else:
        lowest = -(1 << (dataset.BitsStored - 1)) if dataset.PixelRepresentation else 0
        ends = np.array([lowest, lowest + (1 << dataset.BitsStored) - 1]) * slope + intercept
        shown = (values - ends.min()) / np.ptp(ends)
    shown = np.clip(1 - shown if dataset.PhotometricInterpretation == "MONOCHROME1" else shown, 0, 1)
    return Image.fromarray(np.floor(shown * 255 + 0.5).astype(np.uint8))


def _first(value: Any) -> float | None:
    """The first of several windows, as its name says what a viewer shows."""
    if value is None or value == "":
        return None
    return float(value[0] if isinstance(value, list) or hasattr(value, "append") else value)


def _window(values: npt.NDArray[np.float64], center: float, width: float, function: str) -> npt.NDArray[np.float64]:
    """From 0 to 1 across the window."""
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - center) / width))
    if function == "LINEAR_EXACT":
        return (values - center) / width + 0.5
    if function != "LINEAR":
        raise _not_read(f"DICOM with the window function {function}")
    if width <= 1:
        return (values > center - 0.5).astype(np.float64)
    return (values - (center - 0.5)) / (width - 1) + 0.5


def _looked_up(dataset: Any, pixels: npt.NDArray[Any]) -> Image.Image:
    """Palette indices as the colours of its three tables (DICOM PS3.3, C.7.6.3.1.5)."""
    order = ">" if str(dataset.file_meta.TransferSyntaxUID) == "1.2.840.10008.1.2.2" else "<"
    channels = []
    for colour in ("Red", "Green", "Blue"):
        if f"{colour}PaletteColorLookupTableData" not in dataset:
            raise _not_read("DICOM with a segmented palette")
        entries, first, bits = dataset[f"{colour}PaletteColorLookupTableDescriptor"].value
        content, count = dataset[f"{colour}PaletteColorLookupTableData"].value, entries or 1 << 16
        table = np.frombuffer(content, f"{order}u{2 if len(content) >= 2 * count else 1}")[:count]
        places = np.clip(pixels.astype(np.int64) - first, 0, len(table) - 1)
        channels.append(_eight_bit(table, (1 << bits) - 1)[places])
    return Image.fromarray(np.stack(channels, axis=-1))


def _dicom_profile(dataset: Any) -> bytes | None:
    found = dataset.get("ICCProfile")
    return found if isinstance(found, bytes) else None


_READERS: dict[str, Callable[[bytes, _Bounds], _Picture]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "TIFF": _tiff,
    "BMP": _bmp,
    "WebP": _webp,
    "GIF": _gif,
    "JPEG 2000": _jpeg2000,
    "PNM": _pnm,
    "AVIF": _avif,
    "HEIC": _heic,
    "DICOM": _dicom,
}
