"""The decoder by itself: formats, depths, damage beside the pixels, profiles, bounds, and that it says nothing."""

import builtins
import functools
import importlib.util
import io
import json
import re
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skinlab.data import decoding
from skinlab.data.decoding import HEAD, DecodingError, decode, decode_settings, looks_like_image
from skinlab.data.images import read
from skinlab.data.sources.files import IMAGE_EXTENSIONS
from tests.data import profiles
from tests.data.data_builders import noise_image
from tests.data.decoding_cases import WRONG, cases, outcome
from tests.data.image_files import chunk, dicom, heic, png, tiff
from tests.data.mutated_images import BYTES, CODED, SIZE, picture, saved, specimens

JPEG_OF_DICOM = "1.2.840.10008.1.2.4."
NOISE = noise_image(0, 200, 150)


def refused(data: bytes, **options: Any) -> str:
    with pytest.raises(DecodingError) as caught:
        decode(data, 16, **options)
    return str(caught.value)


# --- what is right, and what is refused ------------------------------------------------------------------------------


def test_every_format_depth_and_byte_order_is_right_or_refused_by_name() -> None:
    ends = [(case, outcome(case)) for case in cases()]
    assert [case for case, end in ends if end == WRONG] == []
    assert [(case.format, case.bits, case.colours, case.layout, end) for case, end in ends if end != case.end] == []


def test_what_is_refused_names_its_kind_and_what_to_do() -> None:
    wide = np.zeros((8, 8, 3), np.uint16)
    assert refused(tiff(wide, 16, 2, planar=2)) == (
        "TIFF, RGB of 16 bits, planes apart is not read; save the image as PNG with 8 or 16 bits"
    )
    assert refused(tiff(wide[..., :1], 12, 1)).startswith("TIFF, grey of 12 bits is not read")
    assert refused(tiff(wide[..., :1].astype(np.int16), 16, 1, sample_format=2)).startswith("TIFF, grey of signed 16")
    assert refused(tiff(wide, 16, 2, order=">", big=True)).startswith("big-endian BigTIFF is not read")


@pytest.mark.parametrize("name", specimens())
def test_each_specimen_is_recognised_and_shows_the_picture(name: str) -> None:
    data = specimens()[name]
    assert looks_like_image(data[:HEAD])
    seen = decode(data, SIZE).astype(int)
    upright = np.asarray(picture()).astype(int)
    if name in ("16-bit PNG", "16-bit DICOM"):  # the red channel alone; in the other through a window
        upright = np.repeat(upright[..., :1] + (28 if "DICOM" in name else 0), 3, axis=2).clip(0, 255)
    turned = name in ("JPEG", "PNG", "TIFF", "lossy WebP", "AVIF")
    expected = np.rot90(upright, -1) if turned else upright
    assert np.abs(seen - expected).mean() < 8


def test_a_table_or_a_short_file_does_not_look_like_an_image() -> None:
    for head in (b"", b"BM", b"image_id,label\n", b"PK\x03\x04", b"\x89HDF\r\n", b"PAR1", b"BMW,1\n" * 30, b"P1x"):
        assert not looks_like_image(head)


def test_a_heic_file_that_is_called_jpg_is_read(tmp_path: Path) -> None:
    path = tmp_path / "IMG_0003.jpg"
    path.write_bytes(specimens()["HEIC"])
    assert np.abs(read(path, SIZE).astype(int) - np.asarray(picture())).max() <= 3


def test_every_format_has_names_that_count() -> None:
    assert {".heic", ".heif", ".hif", ".avif", ".dcm", ".dicom", ".j2k", ".pnm"} <= IMAGE_EXTENSIONS


# --- several images, orientation, transparency -----------------------------------------------------------------------


def test_of_several_heic_images_the_primary_one_is_taken() -> None:
    import pillow_heif

    made = pillow_heif.from_pillow(Image.new("RGB", (16, 16), "red"))
    made.add_from_pillow(Image.new("RGB", (16, 16), "blue"))
    stream = io.BytesIO()
    made.save(stream, quality=-1, primary_index=1)
    assert decode(stream.getvalue(), 8)[4, 4, 2] > 240


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_heif_orientation_is_applied_once(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "AVIF":
        data = saved("AVIF", quality=100, exif=exif.tobytes())
    else:
        import pillow_heif

        stream = io.BytesIO()
        pillow_heif.from_pillow(picture()).save(stream, quality=-1, chroma=444, exif=exif.tobytes())
        data = stream.getvalue()
    expected = decode(saved("PNG", exif=exif.tobytes()), SIZE)
    assert np.abs(decode(data, SIZE).astype(int) - expected).max() <= 8


def test_several_dicom_frames_are_refused_and_a_single_one_is_read() -> None:
    pixels = np.asarray(picture())
    two = dicom(pixels, "RGB", NumberOfFrames=2, PixelData=pixels.tobytes() * 2)
    assert refused(two) == "DICOM with 2 frames is not read; save the frame that is meant by itself"
    assert np.array_equal(decode(dicom(pixels, "RGB", NumberOfFrames=1), SIZE), pixels)


def test_dicom_without_pixels_is_refused() -> None:
    whole = dicom(np.zeros((8, 8), np.uint8), "MONOCHROME2")
    assert refused(whole[: whole.index(b"\xe0\x7f\x10\x00")]).startswith("DICOM without pixels")


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"WindowCenter": 2048, "WindowWidth": 4096}, [0, 128, 255]),
        ({"WindowCenter": ["1024", "1"], "WindowWidth": ["2048", "1"]}, [0, 255, 255]),
        ({"WindowCenter": 2048, "WindowWidth": 2048, "VOILUTFunction": "LINEAR_EXACT"}, [0, 128, 255]),
        ({"WindowCenter": 2048, "WindowWidth": 1024, "VOILUTFunction": "SIGMOID"}, [0, 128, 255]),
        ({"RescaleSlope": "-1", "RescaleIntercept": "4095"}, [255, 127, 0]),
        ({"RescaleSlope": "2", "RescaleIntercept": "-4096", "WindowCenter": 0, "WindowWidth": 8192}, [0, 128, 255]),
        ({"PhotometricInterpretation": "MONOCHROME1"}, [255, 127, 0]),
        ({}, [0, 128, 255]),
    ],
)
def test_grey_dicom_is_shown_through_its_window(elements: dict[str, Any], expected: list[int]) -> None:
    stored = np.repeat(np.array([[0], [2048], [4095]], np.uint16), 3, axis=1)
    data = dicom(stored, "MONOCHROME2", **{"BitsStored": 12, "HighBit": 11, **elements})
    assert np.abs(decode(data, 3)[:, 1, 1].astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"syntax": f"{JPEG_OF_DICOM}70"}, "DICOM in the transfer syntax JPEG Lossless"),
        ({"syntax": f"{JPEG_OF_DICOM}201"}, "DICOM in the transfer syntax High-Throughput JPEG 2000"),
        ({"PhotometricInterpretation": "YBR_PARTIAL_422"}, "DICOM, YBR_PARTIAL_422 of 3 samples is not read"),
        ({"syntax": "1.2.840.10008.1.2.1.99"}, "deflated DICOM is not read"),
        ({"BitsStored": 12, "BitsAllocated": 16}, "damaged image: its frame is of 32 x 32 pixels and 8 bits"),
        ({"PixelRepresentation": 1}, "DICOM, RGB of signed 8 in 8 bits is not read"),
    ],
)
def test_dicom_that_cannot_be_decoded_is_refused_by_name(elements: dict[str, Any], reason: str) -> None:
    data = dicom(saved("JPEG"), "RGB", **{"syntax": f"{JPEG_OF_DICOM}50", **CODED, **BYTES, **elements})
    assert refused(data).startswith(reason)


@pytest.mark.parametrize("inside", ["PNG", "EPS", "TIFF"])
def test_a_frame_of_dicom_that_is_of_another_format_is_not_opened(inside: str) -> None:
    data = dicom(saved(inside), "RGB", syntax=f"{JPEG_OF_DICOM}50", **CODED, **BYTES)
    assert refused(data) == "damaged image: its frame is not of its transfer syntax"


# --- damage beside the pixels ----------------------------------------------------------------------------------------


def beside(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    return chunk(kind, content, crc)


@pytest.mark.parametrize(
    "extra",
    [
        beside(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"x" * 1_400_000)),
        beside(b"zTXt", b"Comment\0\0" + zlib.compress(b"x" * 90_000_000)),
        beside(b"iCCP", b"profile\0\0" + zlib.compress(b"x" * 90_000_000)),
        beside(b"tEXt", b"Comment\0damaged", crc=1),
        beside(b"pHYs", b"short"),
        beside(b"acTL", b"short"),
        beside(b"gAMA", b""),
        beside(b"iCCP", b"no end of the name"),
        beside(b"eXIf", b"MM\0\x2a\xff\xff\xff\xff"),
    ],
    ids=["1.4 MB of XMP", "90 MB of text", "90 MB of profile", "checksum", "pHYs", "acTL", "gAMA", "iCCP", "eXIf"],
)
def test_large_or_damaged_chunks_beside_the_pixels_cost_nothing(extra: bytes) -> None:
    sound = saved("PNG", NOISE)
    for place in (33, len(sound) - 12):
        assert np.array_equal(decode(sound[:place] + extra + sound[place:], 32), decode(sound, 32))


@pytest.mark.parametrize("text", ["zTXt", "tEXt", "XMP"])
def test_orientation_that_old_programs_keep_in_png_text_is_applied(text: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    raw = b"\nexif\n%8d\n%s\n" % (len(exif.tobytes()), exif.tobytes().hex().encode())
    extra = {
        "zTXt": beside(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),
        "tEXt": beside(b"tEXt", b"Raw profile type exif\0" + raw),
        "XMP": beside(b"iTXt", b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="6"/>'),
    }[text]
    sound = saved("PNG")
    found = decode(sound[:33] + extra + sound[33:], SIZE)
    assert np.array_equal(found, decode(saved("PNG", exif=exif.tobytes()), SIZE))


def test_png_with_a_wrong_checksum_of_its_pixels_is_refused() -> None:
    changed = bytearray(saved("PNG", NOISE))
    changed[changed.index(b"IDAT") + 500] ^= 1
    assert refused(bytes(changed)) == "damaged image: the checksum of its IDAT chunk is wrong"


@pytest.mark.parametrize(
    ("kind", "options", "without"),
    [
        ("JPEG", {}, 2),
        ("JPEG", {}, 1),
        ("JPEG", {"progressive": True, "quality": 95}, 2),
        ("JPEG", {"restart_marker_blocks": 3}, 2),
        ("PNG", {}, 12),
        ("PNG", {}, 16),
        ("GIF", {}, 1),
        ("WEBP", {"lossless": True, "exif": b"Exif\0\0MM\0\x2a\0\0\0\x08\0\0\0\0\0\0"}, 3),
        ("JPEG2000", {}, 2),
    ],
)
def test_a_missing_end_costs_nothing_where_the_pixels_are_whole(
    kind: str, options: dict[str, Any], without: int
) -> None:
    whole = saved(kind, NOISE, **options)
    assert np.array_equal(decode(whole[:-without], 64), decode(whole, 64))


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}, {"subsampling": 0, "quality": 100}]
)
@pytest.mark.parametrize("image", [NOISE, picture().resize((300, 200))], ids=["noise", "smooth"])
def test_a_jpeg_cut_off_anywhere_is_refused_or_whole(image: Image.Image, options: dict[str, Any]) -> None:
    whole = saved("JPEG", image, **options)
    expected = decode(whole, 64)
    marks = [found.start() for found in re.finditer(rb"\xff[\xc4\xd0-\xd7\xda]", whole)]
    ends = [*range(len(whole) - 40, len(whole)), *marks, len(whole) // 2]
    for end in ends:
        try:
            assert np.array_equal(decode(whole[:end], 64), expected)
        except DecodingError:
            assert end < len(whole) - 2


@pytest.mark.parametrize("options", [{}, {"restart_marker_rows": 1}, {"subsampling": 0}])
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_jpeg_that_was_cut_off_and_given_an_end_is_refused(options: dict[str, Any], kept: float) -> None:
    whole = saved("JPEG", NOISE, **options)
    assert "truncated" in refused(whole[: int(kept * len(whole))] + b"\xff\xd9")


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_with_a_grey_corner_is_no_worse_for_it(mode: str) -> None:
    whole = saved("JPEG", Image.new(mode, (300, 200), 128 if mode == "L" else (128, 128, 128)))
    assert np.unique(decode(whole + b"after the end", 16)).tolist() == [128]


def test_webp_keeps_its_turn_where_its_metadata_is_cut_off() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = saved("WEBP", lossless=True, exif=exif.tobytes(), xmp=b"<x>" * 100)
    assert np.array_equal(decode(whole[:-50], SIZE), decode(whole, SIZE))
    assert np.array_equal(decode(whole, SIZE), np.rot90(np.asarray(picture()), -1))


# --- colour profiles -------------------------------------------------------------------------------------------------

P3 = profiles.rgb(profiles.DISPLAY_P3, profiles.SRGB_CURVE)


def with_profile(kind: str, image: Image.Image, profile: bytes) -> bytes:
    if kind == "HEIC":
        import pillow_heif

        stream = io.BytesIO()
        pillow_heif.from_pillow(image).save(stream, quality=-1, chroma=444, icc_profile=profile)
        return stream.getvalue()
    if kind == "DICOM":
        return dicom(np.asarray(image), "RGB", ICCProfile=profile)
    if kind == "JP2":
        plain = saved("JPEG2000", image)
        box = struct.pack(">I4sBBB", 11 + len(profile), b"colr", 2, 0, 0) + profile
        at = plain.index(b"jp2h") - 4
        end = at + int.from_bytes(plain[at : at + 4], "big")
        colr = plain.index(b"colr") - 4
        inner = plain[at + 8 : colr] + box + plain[colr + 15 : end]
        return plain[:at] + struct.pack(">I", 8 + len(inner)) + b"jp2h" + inner + plain[end:]
    options: dict[str, Any] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100}, "AVIF": {"quality": 100}}.get(
        kind, {}
    )
    return saved(kind, image, icc_profile=profile, **options)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "HEIC", "DICOM", "JP2"])
def test_an_embedded_profile_is_converted_to_srgb_unless_it_is_to_be_ignored(kind: str) -> None:
    data = with_profile(kind, Image.new("RGB", (32, 32), (200, 80, 60)), P3)
    assert np.abs(decode(data, 8)[4, 4].astype(int) - [216, 69, 50]).max() <= 2
    assert np.abs(decode(data, 8, colour_profile="ignore")[4, 4].astype(int) - [200, 80, 60]).max() <= 2


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (profiles.rgb(profiles.ADOBE_RGB, 2.2), [230, 79, 56]),
        (profiles.rgb(profiles.PROPHOTO, 1.8), [255, 15, 70]),
        (profiles.rgb(profiles.SRGB, 1.0), [229, 152, 133]),
    ],
    ids=["Adobe RGB", "ProPhoto", "linear"],
)
def test_wide_profiles_show_their_colours(profile: bytes, expected: list[int]) -> None:
    found = decode(saved("PNG", Image.new("RGB", (8, 8), (200, 80, 60)), icc_profile=profile), 8)
    assert np.abs(found[0, 0].astype(int) - expected).max() <= 1


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "1"])
def test_grey_profiles_are_converted(mode: str) -> None:
    level = {"L": 100, "LA": (100, 255), "I;16": 100 * 257, "1": 1}[mode]
    found = decode(saved("PNG", Image.new(mode, (8, 8), level), icc_profile=profiles.grey(1.0)), 8)
    assert np.unique(found).tolist() == [255 if mode == "1" else 168]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_profiles_are_converted(kind: str) -> None:
    cyan, black = (Image.new("CMYK", (16, 16), ink) for ink in ((200, 10, 10, 0), (200, 10, 10, 255)))
    assert decode(saved(kind, cyan, icc_profile=profiles.cmyk()), 8).min() == 255
    assert decode(saved(kind, black, icc_profile=profiles.cmyk()), 8).max() <= 2
    assert decode(saved(kind, cyan, icc_profile=profiles.cmyk()), 8, colour_profile="ignore").min() < 70


@pytest.mark.parametrize(
    "profile",
    [profiles.rgb(profiles.SRGB, profiles.SRGB_CURVE), profiles.grey(1.0), b"damaged" * 40, P3[:200]],
    ids=["sRGB", "of grey", "nonsense", "cut off"],
)
def test_a_profile_of_srgb_or_of_other_pixels_or_damaged_leaves_the_bytes_as_they_are(profile: bytes) -> None:
    assert np.array_equal(decode(saved("PNG", NOISE, icc_profile=profile), 32), decode(saved("PNG", NOISE), 32))


def test_transparency_survives_the_conversion() -> None:
    half = Image.new("RGBA", (8, 8), (200, 80, 60, 128))
    found = decode(saved("PNG", half, icc_profile=P3), 8)[0, 0].astype(int)
    assert np.abs(found - [235, 162, 152]).max() <= 1


def test_the_setting_is_part_of_what_is_recorded() -> None:
    assert decode_settings() == decode_settings("convert") != decode_settings("ignore")
    assert decode_settings("ignore")["colour_profile"] == "ignore"


# --- bounds ----------------------------------------------------------------------------------------------------------


@functools.cache
def claims() -> dict[str, bytes]:
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    j2k = bytearray(specimens()["J2K"])
    j2k[8:16] = struct.pack(">II", 60_000, 60_000)
    gif = bytearray(specimens()["GIF"])
    gif[6:10] = struct.pack("<HH", 60_000, 60_000)
    frame = bytearray(saved("JPEG"))
    at = frame.index(b"\xff\xc0")
    frame[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    big = heic(np.zeros((2_000, 2_000), np.uint8), "L")
    return {
        "DICOM": dicom(pixels, "RGB", Rows=60_000, Columns=60_000),
        "frame of a DICOM": dicom(bytes(frame), "YBR_FULL", syntax=f"{JPEG_OF_DICOM}50", **CODED, **BYTES),
        "tile of a TIFF": tiff(pixels, 8, 2, tile=16, tags={322: (4, [60_000]), 323: (4, [60_000])}),
        "TIFF": tiff(pixels, 8, 2, compression=8, tags={256: (4, [60_000]), 257: (4, [60_000])}),
        "J2K": bytes(j2k),
        "GIF": bytes(gif),
        "HEIC": big,
        "AVIF": saved("AVIF", Image.new("L", (2_000, 2_000))),
        "WebP": saved("WEBP", Image.new("RGB", (2_000, 2_000))),
    }


@pytest.mark.parametrize("name", claims())
def test_pixels_are_counted_before_they_are_read(name: str) -> None:
    said = refused(claims()[name], pixel_limit=1_000_000)
    assert "more than the limit of 1 megapixels" in said or "its frame is of 60000 x 60000 pixels" in said


def test_an_image_below_our_limit_and_above_pillows_warning_is_read_without_a_word(tmp_path: Path) -> None:
    for kind, options in (("PNG", {}), ("TIFF", {}), ("GIF", {})):
        path = tmp_path / f"large.{kind}"
        Image.new("L", (12_000, 9_000), 77).save(path, kind, **options)
        done = subprocess.run(
            [sys.executable, "-W", "always", "-c", DECODE, str(path)], capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("True\n", "")


DECODE = """
import sys
from pathlib import Path
from skinlab.data.decoding import decode
print(abs(decode(Path(sys.argv[1]).read_bytes(), 64).astype(int) - 77).max() <= 2)
"""


# --- damage, and silence ---------------------------------------------------------------------------------------------


def test_damaged_images_end_in_pixels_or_one_line_and_nothing_is_printed() -> None:
    words = [sys.executable, "-X", "faulthandler", "-W", "error", "-m", "tests.data.mutated_images", "600", "1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    ends = json.loads(done.stdout)
    assert ends.keys() == {"pixels", "one line"}
    assert min(ends.values()) > 50


def test_threads_decode_all_formats_beside_each_other() -> None:
    files = [*specimens().values(), saved("PNG", NOISE, icc_profile=P3)] * 4
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda data: decode(data, 16), files))
    assert all(np.array_equal(found, decode(data, 16)) for found, data in zip(together, files, strict=True))


def test_pillow_itself_is_left_as_it_is_for_others() -> None:
    decode(specimens()["HEIC"], 8)
    assert Image.MAX_IMAGE_PIXELS is not None
    assert "HEIF" not in Image.OPEN
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warnings.warn("of other code", UserWarning, stacklevel=1)
    assert len(said) == 1


# --- packages that may be missing ------------------------------------------------------------------------------------


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a package one that is not installed."""

    def hide(package: str) -> None:
        real = builtins.__import__

        def found(name: str, *args: Any, **keywords: Any) -> Any:
            if name.split(".", maxsplit=1)[0] == package:
                raise ImportError(name)
            return real(name, *args, **keywords)

        for name in [name for name in sys.modules if name.split(".")[0] == package]:
            monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.setitem(sys.modules, package, None)
        monkeypatch.setattr(builtins, "__import__", found)

    return hide


@pytest.mark.parametrize(
    ("name", "module", "said"),
    [
        ("HEIC", "pillow_heif", "HEIC is read with pillow-heif: pip install 'skinlab[formats]'"),
        ("DICOM", "pydicom", "DICOM is read with pydicom: pip install 'skinlab[formats]'"),
        (
            "JPEG-LS DICOM",
            "jpeg_ls",
            "DICOM in JPEG-LS Lossless Image Compression is read with pyjpegls: pip install 'skinlab[formats]'",
        ),
        (
            "JPEG 2000 DICOM",
            "openjpeg",
            (
                "DICOM in JPEG 2000 Image Compression (Lossless Only) is read with pylibjpeg-openjpeg: "
                "pip install 'skinlab[formats]'"
            ),
        ),
    ],
)
def test_a_package_that_is_missing_is_named(name: str, module: str, said: str, without: Callable[[str], None]) -> None:
    data = specimens()[name]
    without(module)
    assert refused(data) == said


def test_a_bundle_names_the_package_itself(without: Callable[[str], None]) -> None:
    data = specimens()["HEIC"]
    without("pillow_heif")
    found = importlib.util.spec_from_file_location("skinlab_bundle_decoding", decoding.__file__)
    assert found is not None
    assert found.loader is not None
    copied = importlib.util.module_from_spec(found)
    sys.modules[found.name] = copied
    try:
        found.loader.exec_module(copied)
        with pytest.raises(copied.DecodingError, match="HEIC is read with pillow-heif: pip install pillow-heif"):
            copied.decode(data, 8)
    finally:
        del sys.modules[found.name]


def test_avif_says_which_pillow_reads_it(without: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.AvifImagePlugin", None)
    assert refused(specimens()["AVIF"]).startswith("AVIF is read with Pillow 11.3 or newer")


def test_a_reason_is_one_printable_line() -> None:
    assert str(DecodingError("a\n\x00b" + 400 * " c")).isprintable()
    assert len(str(DecodingError("word " * 400))) <= 300


def test_a_palette_png_of_any_depth_takes_its_own_colours() -> None:
    table = np.array([[250, 0, 0], [0, 250, 0]], np.uint8)
    data = png(np.array([[[0], [1]]]), 1, 3, beside={b"PLTE": table.tobytes()})
    assert decode(data, 2)[0].tolist()[0][0] > 200
