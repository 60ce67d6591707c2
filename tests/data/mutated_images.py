"""Images of every format that is read, and damaged ones made of them: each must end in pixels or in one reason.

As a program (`python -m tests.data.mutated_images COUNT SEED`) it decodes so many in a process of its own, so that a
crash, a warning or anything else on stderr shows, and prints how many ended in which way.
"""

import functools
import io
import json
import sys
from collections import Counter
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from skinlab.data.decoding import DecodingError, decode
from tests.data.image_files import chunk, dicom, heic, tiff

SIZE = 32
CODED = {"Rows": SIZE, "Columns": SIZE, "SamplesPerPixel": 3, "PixelRepresentation": 0}
BYTES = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}


def picture() -> Image.Image:
    """Smooth, so that a lossy format keeps it: red from left to right, green from top to bottom."""
    ramp = np.linspace(0, 255, SIZE)
    red, green = np.meshgrid(ramp, ramp)
    return Image.fromarray(np.stack([red, green, np.full_like(red, 100)], axis=-1).astype(np.uint8))


def saved(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    stream = io.BytesIO()
    (image or picture()).save(stream, kind, **options)
    return stream.getvalue()


@functools.cache
def specimens() -> dict[str, bytes]:
    """A sound file of each format, in several forms; all show `picture`, some of them turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    beside = {"exif": exif.tobytes(), "icc_profile": profile}
    pixels = np.asarray(picture())
    png = saved("PNG", **beside)
    return {
        "JPEG": saved("JPEG", quality=95, **beside),
        "progressive JPEG": saved("JPEG", quality=95, progressive=True, restart_marker_rows=1),
        "CMYK JPEG": saved("JPEG", picture().convert("CMYK"), quality=95),
        "PNG": png[:33] + chunk(b"tEXt", b"Comment\0a text") + png[33:],
        "palette PNG": saved("PNG", picture().quantize(64)),
        "16-bit PNG": saved("PNG", Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)),
        "TIFF": saved("TIFF", **beside),
        "LZW TIFF": saved("TIFF", compression="tiff_lzw"),
        "JPEG in TIFF": saved("TIFF", compression="jpeg"),
        "16-bit TIFF": tiff(pixels.astype(np.uint16) * 257, 16, 2, order=">", compression=8, tile=16),
        "BigTIFF": tiff(pixels, 8, 2, big=True, planar=2, rows=5),
        "BMP": saved("BMP"),
        "lossy WebP": saved("WEBP", quality=95, **beside),
        "lossless WebP": saved("WEBP", lossless=True),
        "animated WebP": saved("WEBP", save_all=True, append_images=[Image.new("RGB", (SIZE, SIZE), "red")]),
        "GIF": saved("GIF", save_all=True, append_images=[Image.new("RGB", (SIZE, SIZE), "red")]),
        "JP2": saved("JPEG2000"),
        "J2K": saved("JPEG2000", no_jp2=True),
        "PPM": saved("PPM"),
        "HEIC": heic(pixels, "RGB"),
        "10-bit HEIC": heic(pixels.astype(np.uint16) * 257, "RGB;16"),
        "AVIF": saved("AVIF", quality=95, exif=exif),
        **dicoms(pixels),
    }


def dicoms(pixels: np.ndarray) -> dict[str, bytes]:
    """DICOM files in the transfer syntaxes that are read."""
    import jpeg_ls
    from openjpeg.utils import encode_array
    from pydicom import dcmread

    plain = dicom(pixels, "RGB")
    runs = dcmread(io.BytesIO(plain))
    runs.compress("1.2.840.10008.1.2.5")
    stream = io.BytesIO()
    runs.save_as(stream)
    jpeg, coded = "1.2.840.10008.1.2.4.", CODED | BYTES
    return {
        "DICOM": plain,
        "16-bit DICOM": dicom(pixels[..., 0].astype(np.int16) - 100, "MONOCHROME2", WindowCenter=0, WindowWidth=256),
        "RLE DICOM": stream.getvalue(),
        "JPEG DICOM": dicom(saved("JPEG", quality=95), "YBR_FULL_422", syntax=f"{jpeg}50", **coded),
        "JPEG-LS DICOM": dicom(bytes(jpeg_ls.encode_array(pixels)), "RGB", syntax=f"{jpeg}80", **coded),
        "JPEG 2000 DICOM": dicom(
            encode_array(pixels, photometric_interpretation=1), "YBR_RCT", syntax=f"{jpeg}90", **coded
        ),
    }


def mutated(rng: np.random.Generator, data: bytes, other: bytes) -> bytes:
    """A damaged copy: bytes changed at the head or anywhere, a part cut off, taken out, doubled, or of another file."""
    changed = np.frombuffer(data, np.uint8).copy()
    how = rng.integers(0, 7)
    if how <= 2:
        end = (min(len(data), 200), min(len(data), 2000), len(data))[how]
        changed[rng.integers(0, end, rng.integers(1, 9))] = rng.choice([0, 255, 127, 128, rng.integers(0, 256)])
        return changed.tobytes()
    first, last = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    if how == 3:
        return data[:last]
    middle = {4: b"", 5: data[first:last] * 2, 6: other[first:last]}[int(how)]
    return data[:first] + middle + data[last:]


def decode_mutated(count: int, seed: int) -> Counter[str]:
    """How so many damaged images ended: in pixels, or in one line that says why not."""
    rng, sound = np.random.default_rng(seed), list(specimens().values())
    ends: Counter[str] = Counter()
    for _ in range(count):
        one, other = rng.integers(0, len(sound), 2)
        try:
            found = decode(mutated(rng, sound[one], sound[other]), 16, pixel_limit=4_000_000)
            assert found.shape == (16, 16, 3)
            ends["pixels"] += 1
        except DecodingError as error:
            reason = str(error)
            ends["one line" if reason.isprintable() and len(reason) < 320 else reason] += 1
    return ends


if __name__ == "__main__":
    print(json.dumps(decode_mutated(int(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201 - a program
