"""Decoding: every kind of file a user may bring becomes the same upright 8-bit RGB square, or a short reason."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinlab.data.images import ImageError, decode, read
from skinlab.errors import DataError
from tests.data.data_builders import encoded, noise_image


def quarters() -> Image.Image:
    """Red, green over blue, white: any flip or turn shows."""
    pixels = np.zeros((64, 96, 3), dtype=np.uint8)
    pixels[:32, :48], pixels[:32, 48:], pixels[32:, :48], pixels[32:, 48:] = (255, 0, 0), (0, 255, 0), (0, 0, 255), 255
    return Image.fromarray(pixels)


def corners(pixels: np.ndarray) -> list[list[int]]:
    return [(pixels[y, x].astype(int) // 10 * 10).tolist() for y, x in ((2, 2), (2, -3), (-3, 2), (-3, -3))]


def test_result_is_a_contiguous_writable_uint8_square() -> None:
    pixels = decode(encoded(quarters(), "PNG"), 32)
    assert (pixels.shape, pixels.dtype) == ((32, 32, 3), np.uint8)
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


@pytest.mark.parametrize("extension", ["PNG", "TIFF", "BMP", "PPM"])
def test_lossless_formats_give_the_same_pixels(extension: str) -> None:
    image = noise_image(0)
    assert np.array_equal(decode(encoded(image, extension), 24), decode(encoded(image, "PNG"), 24))


def test_squashing_keeps_the_whole_picture() -> None:
    assert corners(decode(encoded(quarters(), "PNG"), 32)) == [[250, 0, 0], [0, 250, 0], [0, 0, 250], [250, 250, 250]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", ["JPEG", "PNG"])
def test_exif_orientation_is_applied(orientation: int, extension: str) -> None:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # stored turned left, so 6 asks the viewer to turn it right
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = quarters().transpose(turn[orientation]) if orientation > 1 else quarters()
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 100, "subsampling": 0} if extension == "JPEG" else {}
    turned = decode(encoded(stored, extension, exif=exif, **options), 32)
    upright = decode(encoded(quarters(), extension, **options), 32)
    assert np.abs(turned.astype(int) - upright).max() <= 3


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_exif_states_no_orientation() -> None:
    damaged = encoded(quarters(), "JPEG", exif=b"Exif\0\0MM\0\x2a\xff\xff\xff\xff nonsense", quality=95)
    assert np.array_equal(decode(damaged, 32), decode(encoded(quarters(), "JPEG", quality=95), 32))


def test_grey_becomes_equal_channels() -> None:
    pixels = decode(encoded(Image.new("L", (20, 10), 77), "PNG"), 8)
    assert np.unique(pixels).tolist() == [77]


@pytest.mark.parametrize("extension", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(extension: str) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    image = Image.fromarray(np.tile(ramp, (256, 1)))
    assert decode(encoded(image, extension), 256)[0, :, 1].tolist() == list(range(256))


def test_32_bit_pixels_are_refused_with_advice() -> None:
    with pytest.raises(ImageError, match="8 or 16 bits"):
        decode(encoded(Image.fromarray(np.ones((8, 8), dtype=np.float32)), "TIFF"), 8)


def test_palette_becomes_its_colours() -> None:
    assert corners(decode(encoded(quarters().convert("P"), "PNG"), 32)) == corners(
        decode(encoded(quarters(), "PNG"), 32)
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_pixels_show_white(mode: str) -> None:
    image = Image.new(mode, (16, 16), (0,) * len(mode))
    assert np.unique(decode(encoded(image, "PNG"), 8)).tolist() == [255]


def test_transparent_palette_shows_white() -> None:
    image = Image.new("P", (16, 16), 0)
    assert np.unique(decode(encoded(image, "PNG", transparency=0), 8)).tolist() == [255]


def test_half_transparent_pixels_are_mixed_with_white() -> None:
    pixels = decode(encoded(Image.new("RGBA", (16, 16), (100, 0, 200, 128)), "PNG"), 8)
    assert np.abs(pixels[0, 0].astype(int) - [177, 127, 227]).max() <= 1


def test_cmyk_jpeg_keeps_its_colours() -> None:
    cmyk = encoded(quarters().convert("CMYK"), "JPEG", quality=100)
    assert np.abs(decode(cmyk, 32)[2, 2].astype(int) - [255, 0, 0]).max() < 10


def test_of_several_frames_the_first_is_taken() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    animation = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(animation, 8)[0, 0].tolist() == [255, 0, 0]


def test_large_jpeg_is_reduced_without_changing_the_picture() -> None:
    x = np.linspace(0, 255, 1600)
    smooth = np.stack(np.broadcast_arrays(x[None, :], x[:1200, None], 128.0), axis=-1).astype(np.uint8)
    jpeg, png = (encoded(Image.fromarray(smooth), name) for name in ("JPEG", "PNG"))
    assert np.abs(decode(jpeg, 64).astype(int) - decode(png, 64)).max() <= 4


@pytest.mark.parametrize("extension", ["JPEG", "PNG", "TIFF", "BMP", "WEBP", "GIF"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95])
def test_truncated_file_is_an_error(extension: str, kept: float) -> None:
    whole = encoded(noise_image(0, 200, 150), extension)
    with pytest.raises(ImageError):
        decode(whole[: int(kept * len(whole))], 32)


def test_jpeg_without_the_last_byte_of_its_pixels_is_an_error() -> None:
    with pytest.raises(ImageError, match="truncated"):
        decode(encoded(noise_image(0, 200, 150), "JPEG")[:-3], 32)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"this is text, not a picture", "not an image"),
        (b"\xff\xd8\xff\xe0 no", "not an image|damaged"),
    ],
)
def test_what_is_no_image_gives_a_short_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ImageError, match=reason) as caught:
        decode(data, 32)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 120


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damage_anywhere_gives_pixels_or_an_image_error() -> None:
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[0x0112] = 6
    for extension in ("JPEG", "PNG", "TIFF", "WEBP"):
        whole = np.frombuffer(encoded(noise_image(0), extension, exif=exif), dtype=np.uint8)
        for _ in range(60):
            damaged = whole.copy()
            damaged[rng.integers(0, 300, 4)] = rng.integers(0, 256, 4)
            try:
                assert decode(damaged.tobytes(), 16).shape == (16, 16, 3)
            except ImageError:
                continue


def test_image_that_claims_too_many_pixels_is_refused_before_decoding() -> None:
    with pytest.raises(ImageError, match="2000 x 1000 pixels are more than the limit of 1.5 megapixels"):
        decode(encoded(Image.new("1", (2000, 1000)), "PNG"), 32, pixel_limit=1_500_000)


DECODE_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from skinlab.data.images import ImageError, decode
data = Path(sys.argv[1]).read_bytes()
taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 2**26, taken + 2**26))
try:
    decode(data, 32)
except ImageError as error:
    print(error)
"""


def png_that_claims(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (8, 8)), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    return bytes(data)


def jpeg_that_claims(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (8, 8)), "JPEG"))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("side", [13_200, 60_000], ids=["beyond our limit", "beyond Pillow's own"])
@pytest.mark.parametrize(
    "claim",
    [png_that_claims, jpeg_that_claims, lambda width, height: b"P6 %d %d 255 " % (width, height)],
    ids=["PNG", "JPEG", "PPM"],
)
def test_decompression_bomb_is_refused_before_memory_is_taken_for_its_pixels(
    claim: Callable[[int, int], bytes], side: int, tmp_path: Path
) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(claim(side, side))
    words = [sys.executable, "-c", DECODE_IN_LITTLE_MEMORY, str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert f"{side} x {side} pixels are more than the limit of 170 megapixels" in done.stdout


def test_missing_file_is_an_image_error_and_a_data_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read(tmp_path / "none.jpg", 32)
    assert issubclass(ImageError, DataError)


def test_read_is_decode_of_the_content(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(quarters(), "PNG"))
    assert np.array_equal(read(path, 32), decode(path.read_bytes(), 32))


def test_full_size_dermoscopy_images_are_read(fullsize: Path) -> None:
    files = sorted(fullsize.glob("*/*.jpg"))[:6]
    for file in files:
        pixels = read(file, 64).astype(float)
        with Image.open(file) as image:
            reference = np.asarray(image.convert("RGB").resize((64, 64), Image.Resampling.BOX), dtype=float)
        assert np.abs(pixels - reference).mean() < 3
