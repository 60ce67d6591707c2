"""Images by format, depth, colours and byte order, whose pixels are known by construction: what decoding is held to.

`benchmarks/decoding_matrix.py` prints what becomes of them.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.data.decoding import DecodingError, decode
from tests.data.image_files import dicom, heic, png, pnm, tiff
from tests.data.mutated_images import BYTES, CODED, SIZE, saved

RIGHT, REFUSED, WRONG = "right", "refused", "wrong"
ROUNDING = 1.01
"""Of 255: of decoders that take the upper byte of 16 bits."""


@dataclass(frozen=True)
class Case:
    """An image.

    Attributes:
        format: of the file.
        bits: of a channel.
        colours: what the channels are.
        layout: what else distinguishes it: byte order, compression, planes.
        data: the file.
        pixels: float64 [SIZE, SIZE, 3], from 0 to 255, what it shows.
        end: what must become of it.
        tolerance: of a pixel, of 255.
    """

    format: str
    bits: int
    colours: str
    layout: str
    data: bytes
    pixels: NDArray[np.float64]
    end: str = RIGHT
    tolerance: float = ROUNDING


def outcome(case: Case) -> str:
    """What becomes of a case."""
    try:
        found = decode(case.data, SIZE)
    except DecodingError:
        return REFUSED
    return RIGHT if np.abs(found - case.pixels).max() <= case.tolerance else WRONG


def cases() -> Iterator[Case]:
    """All of them; the same each time."""
    for made in (
        _tiff,
        _odd_tiff,
        _transparent_tiff,
        _pnm,
        _png,
        _opencv,
        _jpeg2000,
        _heic_and_avif,
        _dicom,
        _coded_dicom,
    ):
        yield from made(np.random.default_rng(0))


def stored(rng: np.random.Generator, bits: int, channels: int) -> NDArray[np.uint32]:
    """Any samples, all values among them."""
    return rng.integers(0, 2**bits, (SIZE, SIZE, channels), dtype=np.uint64).astype(np.uint32)


def shown(samples: NDArray[Any], bits: int, colours: str = "") -> NDArray[np.float64]:
    """What samples show: one channel as grey, four as RGB and something that is not seen, or as CMYK."""
    values = samples.astype(np.float64) * 255 / (2**bits - 1)
    if colours == "white is zero":
        values = 255 - values
    if colours == "CMYK":
        return 255 * (1 - values[..., :3] / 255) * (1 - values[..., 3:] / 255)
    return np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values[..., :3]


def _tiff(rng: np.random.Generator) -> Iterator[Case]:
    kinds = {"white is zero": (0, 1), "grey": (1, 1), "RGB": (2, 3), "RGBA": (2, 4), "CMYK": (5, 4)}
    for colours, bits in itertools.product(kinds, (1, 2, 4, 8, 10, 12, 14, 16, 32)):
        photometric, channels = kinds[colours]
        if bits < 8 and channels > 1:
            continue
        for order, planar, compression, parts, big in itertools.product(
            "<>", (1, 2), (1, 8), ({}, {"rows": 5}, {"tile": 16}), (False, True)
        ):
            if planar > channels:
                continue
            samples = stored(rng, bits, channels)
            if colours == "RGBA":
                samples[..., 3] = 2**bits - 1
            unread = bits not in (1, 2, 4, 8, 16) or (big and order == ">")
            unread |= bits == 16 and ((planar == 2 and compression == 1) or (photometric == 0 and order == ">"))
            yield Case(
                "BigTIFF" if big else "TIFF",
                bits,
                colours,
                f"{order} {'planes apart ' if planar == 2 else ''}{'deflate' if compression == 8 else ''} {[*parts]}",
                tiff(
                    samples,
                    bits,
                    photometric,
                    order=order,
                    planar=planar,
                    compression=compression,
                    big=big,
                    tags={338: (3, [2])} if colours == "RGBA" else {},
                    **parts,
                ),
                shown(samples, bits, colours),
                REFUSED if unread else RIGHT,
                3 if colours == "CMYK" and bits == 16 else ROUNDING,  # two values that are rounded are multiplied
            )


def _odd_tiff(rng: np.random.Generator) -> Iterator[Case]:
    for order, bits in itertools.product("<>", (8, 16, 32)):
        samples = stored(rng, bits, 1)
        seen = shown(samples, bits)
        halves = (samples.astype(np.int64) - 2 ** (bits - 1)).astype(np.int32)
        yield Case(
            "TIFF", bits, "signed grey", order, tiff(halves, bits, 1, order=order, sample_format=2), seen, REFUSED
        )
        if bits > 8:
            fractions = (samples / 2**bits).astype(np.float32)
            yield Case(
                "TIFF", bits, "real grey", order, tiff(fractions, bits, 1, order=order, sample_format=3), seen, REFUSED
            )
        if bits < 32:
            lab = stored(rng, bits, 3)
            yield Case("TIFF", bits, "CIELAB", order, tiff(lab, bits, 8, order=order), shown(lab, bits), REFUSED)
            yield Case("TIFF", bits, "YCbCr", order, tiff(lab, bits, 6, order=order), shown(lab, bits), REFUSED)
            no_photometric = tiff(samples, bits, 77, order=order)
            yield Case("TIFF", bits, "unknown", order, no_photometric, seen, REFUSED)
    for order, bits in itertools.product("<>", (1, 2, 4, 8)):
        indices, table = stored(rng, bits, 1), rng.integers(256, 65536, (3, 2**bits))
        for palette, name, highest in ((table, "", 65535), (table >> 8, " of 8 bits", 255)):
            data = tiff(indices, bits, 3, order=order, tags={320: (3, palette.ravel().tolist())})
            yield Case("TIFF", bits, "palette", order + name, data, palette.T[indices[..., 0]] * 255 / highest)
    for order, bits, channels in itertools.product("<>", (8, 16), (1, 3)):
        samples = stored(rng, bits, channels).astype(np.int64)
        differences = np.diff(samples, axis=1, prepend=0) % 2**bits
        data = tiff(differences, bits, 2 if channels == 3 else 1, order=order, compression=8, tags={317: (3, [2])})
        yield Case("TIFF", bits, "RGB" if channels == 3 else "grey", f"{order} predicted", data, shown(samples, bits))


def _pnm(rng: np.random.Generator) -> Iterator[Case]:
    for highest, channels, text in itertools.product(
        (1, 7, 100, 254, 255, 256, 1023, 4095, 65534, 65535), (1, 3), (False, True)
    ):
        samples = rng.integers(0, highest + 1, (SIZE, SIZE, channels))
        seen = np.broadcast_to(samples * 255 / highest, (SIZE, SIZE, 3))
        layout = f"maximum {highest}{' text' if text else ''}"
        data = pnm(samples, highest, text=text)
        yield Case("PNM", highest.bit_length(), "RGB" if channels == 3 else "grey", layout, data, seen)


def _png(rng: np.random.Generator) -> Iterator[Case]:
    kinds = {"grey": (0, 1), "RGB": (2, 3), "palette": (3, 1), "grey and alpha": (4, 2), "RGBA": (6, 4)}
    for (colours, (kind, channels)), bits in itertools.product(kinds.items(), (1, 2, 4, 8, 16)):
        if (bits < 8 and kind not in (0, 3)) or (bits == 16 and kind == 3):
            continue
        samples, beside = stored(rng, bits, channels), {}
        if kind == 3:
            table = rng.integers(0, 256, (2**bits, 3)).astype(np.uint8)
            beside, seen = {b"PLTE": table.tobytes()}, table[samples[..., 0]].astype(np.float64)
            key, hidden = b"\0", samples[..., 0] == 0
        else:
            seen = seen_on_white(samples, bits) if channels in (2, 4) else shown(samples, bits)
            key, hidden = samples[0, 0].astype(">u2").tobytes(), (samples == samples[0, 0]).all(axis=2)
        yield Case("PNG", bits, colours, "", png(samples, bits, kind, beside=beside), seen, tolerance=2)
        if channels in (1, 3):
            data = png(samples, bits, kind, beside=beside | {b"tRNS": key})
            end = REFUSED if bits == 16 and channels == 3 else RIGHT
            yield Case("PNG", bits, colours, "one transparent", data, np.where(hidden[..., np.newaxis], 255, seen), end)


def seen_on_white(samples: NDArray[Any], bits: int, *, premultiplied: bool = False) -> NDArray[np.float64]:
    """What samples show whose last channel is alpha."""
    alpha = samples[..., -1:].astype(np.float64) / (2**bits - 1)
    colours = np.broadcast_to(samples[..., :-1] * 255 / (2**bits - 1), (SIZE, SIZE, 3))
    return colours * (1 if premultiplied else alpha) + 255 * (1 - alpha)


def _transparent_tiff(rng: np.random.Generator) -> Iterator[Case]:
    for order, compression, bits, channels, planar in itertools.product("<>", (1, 8), (8, 16), (2, 4), (1, 2)):
        for alpha, name in enumerate(("something else", "premultiplied alpha", "alpha")):
            samples = stored(rng, bits, channels)
            if alpha == 1:
                samples[..., :-1] = np.minimum(samples[..., :-1], samples[..., -1:])
            seen = seen_on_white(samples, bits, premultiplied=alpha == 1)
            if alpha == 0:
                seen = shown(samples[..., : channels - 1], bits)
            unread = (channels == 2 and (bits == 16 or planar == 2)) or (
                planar == 2 and compression == 1 and (bits == 16 or alpha != 2)
            )
            data = tiff(
                samples,
                bits,
                1 if channels == 2 else 2,
                order=order,
                compression=compression,
                planar=planar,
                tags={338: (3, [alpha])},
            )
            colours = f"{'grey' if channels == 2 else 'RGB'} and {name}"
            layout = f"{order} {'deflate' if compression == 8 else ''}{' planes apart' if planar == 2 else ''}"
            yield Case("TIFF", bits, colours, layout, data, seen, REFUSED if unread else RIGHT, tolerance=3.5)


def _opencv(rng: np.random.Generator) -> Iterator[Case]:
    import cv2

    settings = {"none": 1, "LZW": 5, "deflate": 8, "PackBits": 32773}
    for (name, number), bits, channels in itertools.product(settings.items(), (8, 16), (1, 3, 4)):
        samples = stored(rng, bits, channels).astype(np.uint8 if bits == 8 else np.uint16)
        if channels == 4:
            samples[..., 3] = 2**bits - 1
        seen = shown(samples if channels == 1 else samples[..., [2, 1, 0]], bits)
        data = cv2.imencode(".tiff", samples, [cv2.IMWRITE_TIFF_COMPRESSION, number])[1].tobytes()
        yield Case("TIFF", bits, ("grey", "", "RGB", "RGBA")[channels - 1], f"of OpenCV, {name}", data, seen)
        data = cv2.imencode(".png", samples)[1].tobytes()
        yield Case("PNG", bits, ("grey", "", "RGB", "RGBA")[channels - 1], "of OpenCV", data, seen)
    fractions = stored(rng, 16, 3).astype(np.float32) / 65535
    data = cv2.imencode(".tiff", fractions)[1].tobytes()
    yield Case("TIFF", 32, "real RGB", "of OpenCV", data, fractions[..., ::-1] * 255.0, REFUSED)


def _jpeg2000(rng: np.random.Generator) -> Iterator[Case]:
    from openjpeg.utils import encode_array

    for bits, channels, boxed, signed in itertools.product(
        (1, 4, 7, 8, 9, 10, 12, 14, 16), (1, 3), (False, True), (False, True)
    ):
        if signed and boxed:
            continue
        samples = stored(rng, bits, channels)
        coded = samples.astype(np.int64) - 2 ** (bits - 1) if signed else samples
        kind = f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}"
        data = encode_array(
            np.ascontiguousarray(coded.astype(kind).squeeze()),
            bits_stored=bits,
            photometric_interpretation=1 if channels == 3 else 2,
            use_mct=False,
            codec_format=int(boxed),
        )
        unread = bits < 8 or (bits > 8 and (channels == 3 or (boxed and bits == 9)))
        yield Case(
            "JP2" if boxed else "J2K",
            bits,
            f"{'signed ' if signed else ''}{'RGB' if channels == 3 else 'grey'}",
            "",
            data,
            shown(samples, bits),
            REFUSED if unread else RIGHT,
        )


def smooth(bits: int) -> NDArray[Any]:
    """A picture that a lossy format keeps: [SIZE, SIZE, 3]."""
    red, green = np.meshgrid(np.linspace(0, 1, SIZE), np.linspace(0, 1, SIZE))
    values = np.stack([red, green, np.full_like(red, 0.4)], axis=-1) * (2**bits - 1)
    return values.round().astype(np.uint8 if bits == 8 else np.uint16)


def _heic_and_avif(_: np.random.Generator) -> Iterator[Case]:
    import cv2
    from PIL import Image

    for bits, suffix in ((8, ""), (16, ";16")):
        pixels = smooth(bits)
        seen, depth = shown(pixels, bits), 8 if bits == 8 else 10
        alpha = np.full((SIZE, SIZE, 1), 2**bits - 1, pixels.dtype)
        grey = np.ascontiguousarray(pixels[..., 0])
        yield Case("HEIC", depth, "RGB", "", heic(pixels, f"RGB{suffix}"), seen, tolerance=3)
        yield Case("HEIC", depth, "RGBA", "", heic(np.dstack([pixels, alpha]), f"RGBA{suffix}"), seen, tolerance=3)
        yield Case("HEIC", depth, "grey", "", heic(grey, f"L{suffix}"), shown(grey[..., np.newaxis], bits), tolerance=3)
    plain = saved("AVIF", Image.fromarray(smooth(8)), quality=100, subsampling="4:4:4")
    yield Case("AVIF", 8, "RGB", "", plain, shown(smooth(8), 8), tolerance=4)
    for bits in (10, 12):
        pixels = smooth(bits)
        settings = [cv2.IMWRITE_AVIF_DEPTH, bits, cv2.IMWRITE_AVIF_QUALITY, 100]
        data = cv2.imencode(".avif", pixels[..., ::-1], settings)[1].tobytes()
        yield Case("AVIF", bits, "RGB", "", data, shown(pixels, bits), tolerance=4)


UNCOMPRESSED = {"implicit <": "1.2.840.10008.1.2", "<": "1.2.840.10008.1.2.1", ">": "1.2.840.10008.1.2.2"}


def _dicom(rng: np.random.Generator) -> Iterator[Case]:
    for (layout, syntax), bits in itertools.product(UNCOMPRESSED.items(), (8, 10, 12, 16)):
        kind, high = np.dtype(np.uint8 if bits == 8 else np.uint16), {"BitsStored": bits, "HighBit": bits - 1}
        colour, grey = stored(rng, bits, 3).astype(kind), stored(rng, bits, 1).astype(kind)
        seen = shown(grey, bits)
        yield Case("DICOM", bits, "RGB", layout, dicom(colour, "RGB", syntax=syntax, **high), shown(colour, bits))
        planes = np.ascontiguousarray(colour.transpose(2, 0, 1)).astype(kind.newbyteorder(layout[-1])).tobytes()
        apart = dicom(colour, "RGB", syntax=syntax, PlanarConfiguration=1, PixelData=planes, **high)
        yield Case("DICOM", bits, "RGB", f"{layout} planes apart", apart, shown(colour, bits))
        for name, values in (("MONOCHROME2", seen), ("MONOCHROME1", 255 - seen)):
            yield Case("DICOM", bits, name, layout, dicom(grey[..., 0], name, syntax=syntax, **high), values)
        if bits > 8:
            below = (grey[..., 0].astype(np.int32) - 2 ** (bits - 1)).astype(np.int16)
            yield Case("DICOM", bits, "signed grey", layout, dicom(below, "MONOCHROME2", syntax=syntax, **high), seen)
    for (layout, syntax), bits, (entries, first) in itertools.product(
        UNCOMPRESSED.items(), (8, 16), ((256, 0), (200, 10))
    ):
        indices, tables = stored(rng, 8, 1).astype(np.uint8)[..., 0], stored(rng, bits, 3).reshape(-1, 3)[:entries]
        kind = np.dtype(np.uint8 if bits == 8 else np.uint16).newbyteorder(layout[-1])
        elements: dict[str, Any] = {}
        for channel, colour_name in enumerate(("Red", "Green", "Blue")):
            elements[f"{colour_name}PaletteColorLookupTableDescriptor"] = [entries, first, bits]
            elements[f"{colour_name}PaletteColorLookupTableData"] = tables[:, channel].astype(kind).tobytes()
        places = np.clip(indices.astype(int) - first, 0, entries - 1)
        data = dicom(indices, "PALETTE COLOR", syntax=syntax, **elements)
        yield Case("DICOM", bits, "palette", f"{layout} {entries} from {first}", data, shown(tables[places], bits))


def _coded_dicom(rng: np.random.Generator) -> Iterator[Case]:
    import jpeg_ls
    from openjpeg.utils import encode_array
    from PIL import Image

    jpeg, picture = "1.2.840.10008.1.2.4.", Image.fromarray(smooth(8))
    for name, options, syntax in (
        ("YBR_FULL_422", {}, "50"),
        ("YBR_FULL", {"subsampling": 0}, "50"),
        ("RGB", {"subsampling": 0, "keep_rgb": True}, "51"),
    ):
        frame = saved("JPEG", picture, quality=100, **options)
        data = dicom(frame, name, syntax=jpeg + syntax, **CODED, **BYTES)
        yield Case("DICOM", 8, name, "JPEG", data, shown(smooth(8), 8), tolerance=8)
    lossless = dicom(saved("JPEG", picture), "RGB", syntax=f"{jpeg}70", **CODED, **BYTES)
    yield Case("DICOM", 8, "RGB", "lossless JPEG", lossless, shown(smooth(8), 8), REFUSED)
    lossy = encode_array(smooth(8), photometric_interpretation=1, compression_ratios=[2])
    data = dicom(lossy, "YBR_ICT", syntax=f"{jpeg}91", **CODED, **BYTES)
    yield Case("DICOM", 8, "YBR_ICT", "JPEG 2000", data, shown(smooth(8), 8), tolerance=6)
    for bits in (8, 10, 12, 16):
        depth = {"BitsAllocated": 8 if bits == 8 else 16, "BitsStored": bits, "HighBit": bits - 1}
        colour = stored(rng, bits, 3).astype(np.uint8 if bits == 8 else np.uint16)
        grey, one = np.ascontiguousarray(colour[..., 0]), {**CODED, **depth, "SamplesPerPixel": 1}
        for name, transformed in (("RGB", False), ("YBR_RCT", True)):
            frame = encode_array(colour, bits_stored=bits, photometric_interpretation=1, use_mct=transformed)
            data = dicom(frame, name, syntax=f"{jpeg}90", **CODED, **depth)
            yield Case("DICOM", bits, name, "JPEG 2000", data, shown(colour, bits))
        frame = encode_array(grey, bits_stored=bits, photometric_interpretation=2)
        seen = shown(grey[..., np.newaxis], bits)
        yield Case("DICOM", bits, "grey", "JPEG 2000", dicom(frame, "MONOCHROME2", syntax=f"{jpeg}90", **one), seen)
        frame = bytes(jpeg_ls.encode_array(grey))
        yield Case("DICOM", bits, "grey", "JPEG-LS", dicom(frame, "MONOCHROME2", syntax=f"{jpeg}80", **one), seen)
