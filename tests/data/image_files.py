"""Image files written by hand, where no library writes the kind or none that would be a second opinion."""

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 16: 8}
_CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 7: "B", 16: "Q"}


def chunk(kind: bytes, content: bytes, crc: int | None = None) -> bytes:
    """A chunk of a PNG; its checksum is right unless another is given."""
    checksum = zlib.crc32(kind + content) if crc is None else crc
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def packed(samples: Samples, bits: int, order: str) -> bytes:
    """Samples [rows, n] as bits, most significant first, each row from a byte of its own."""
    if bits % 8 == 0:
        return samples.astype(f"{order}{samples.dtype.kind}{bits // 8}").tobytes()
    shifts = np.arange(bits - 1, -1, -1)
    ones = (samples.astype(np.int64)[..., np.newaxis] >> shifts) & 1
    return np.packbits(ones.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


def tiff(
    samples: Samples,
    bits: int,
    photometric: int,
    *,
    order: str = "<",
    planar: int = 1,
    compression: int = 1,
    sample_format: int | None = None,
    rows: int | None = None,
    tile: int | None = None,
    big: bool = False,
    tags: dict[int, tuple[int, Sequence[int]]] | None = None,
) -> bytes:
    """A TIFF of samples [height, width, samples a pixel].

    Args:
        samples: as they are stored.
        bits: of each sample.
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 3 palette, 5 CMYK, 6 YCbCr, 8 CIELAB.
        order: `<` or `>`.
        planar: 2: each plane by itself.
        compression: 1 none, 8 deflate.
        sample_format: 1 unsigned, 2 signed, 3 floating point.
        rows: of a strip; all where it is not said.
        tile: its side; strips where it is not said.
        big: BigTIFF.
        tags: further ones, as {tag: (type, values)}.
    """
    height, width, count = samples.shape
    planes = [samples] if planar == 1 else [samples[..., [plane]] for plane in range(count)]
    pieces = [
        zlib.compress(piece) if compression == 8 else piece
        for plane in planes
        for piece in _pieces(plane, bits, order, rows or height, tile)
    ]
    sizes = [len(piece) for piece in pieces]
    start = 16 if big else 8
    offsets = [start + sum(sizes[:place]) for place in range(len(sizes))]
    layout = (
        {322: (3, [tile]), 323: (3, [tile]), 324: (4, offsets), 325: (4, sizes)}
        if tile
        else {273: (4, offsets), 278: (3, [rows or height]), 279: (4, sizes)}
    )
    known = {
        256: (3, [width]),
        257: (3, [height]),
        258: (3, [bits] * count),
        259: (3, [compression]),
        262: (3, [photometric]),
        277: (3, [count]),
        284: (3, [planar]),
        **({} if sample_format is None else {339: (3, [sample_format] * count)}),
        **layout,
        **(tags or {}),
    }
    return _container(b"".join(pieces), known, order, big)


def _pieces(plane: Samples, bits: int, order: str, rows: int, tile: int | None) -> Iterator[bytes]:
    height, width, count = plane.shape
    if tile is None:
        for top in range(0, height, rows):
            part = plane[top : top + rows]
            yield packed(part.reshape(len(part), width * count), bits, order)
        return
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            whole = np.zeros((tile, tile, count), plane.dtype)
            part = plane[top : top + tile, left : left + tile]
            whole[: part.shape[0], : part.shape[1]] = part
            yield packed(whole.reshape(tile, tile * count), bits, order)


def _container(pixels: bytes, tags: dict[int, tuple[int, Sequence[int]]], order: str, big: bool) -> bytes:
    mark = b"II" if order == "<" else b"MM"
    offset, room, start = ("Q", 8, 16) if big else ("I", 4, 8)
    at = start + len(pixels)
    entries, beyond = [], b""
    table = (8 + 20 * len(tags) + 8) if big else (2 + 12 * len(tags) + 4)
    for tag, (kind, values) in sorted(tags.items()):
        content = struct.pack(f"{order}{len(values)}{_CODES[kind]}", *values)
        number = len(content) // _SIZES[kind]
        if len(content) > room:
            content, beyond = struct.pack(order + offset, at + table + len(beyond)), beyond + content
        entries.append(struct.pack(f"{order}HH{offset}", tag, kind, number) + content.ljust(room, b"\0"))
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    header = mark + struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, at) if big else (42, at)))
    return header + pixels + count + b"".join(entries) + struct.pack(order + offset, 0) + beyond


def dicom(pixels: Samples | bytes, photometric: str, **elements: Any) -> bytes:
    """A DICOM file of one frame.

    Args:
        pixels: [rows, columns] or [rows, columns, 3] as they are stored; or a compressed frame.
        photometric: what they mean.
        elements: further ones by keyword, and `syntax`, the UID of the transfer syntax; they replace those that follow
            from the pixels.
    """
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(elements.pop("syntax", ExplicitVRLittleEndian))
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID("1.2.840.10008.5.1.4.1.1.77.1.4"), UID("1.2.3")
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.PhotometricInterpretation = photometric
    if isinstance(pixels, bytes):
        dataset.PixelData = encapsulate([pixels])
    else:
        bits = 8 * pixels.dtype.itemsize
        dataset.Rows, dataset.Columns = pixels.shape[:2]
        dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit, dataset.PixelRepresentation = bits - 1, int(pixels.dtype.kind == "i")
        order = "<" if meta.TransferSyntaxUID.is_little_endian else ">"
        content = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
        dataset.PixelData = content + b"\0" * (len(content) % 2)
    for name, value in elements.items():
        setattr(dataset, name, value)
    if dataset.SamplesPerPixel == 3 and "PlanarConfiguration" not in dataset:
        dataset.PlanarConfiguration = 0
    dataset["PixelData"].VR = "OW" if dataset.BitsAllocated > 8 else "OB"
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def heic(pixels: Samples, mode: str, **options: Any) -> bytes:
    """A lossless HEIC file; `mode` as pillow-heif names it."""
    import pillow_heif

    made = pillow_heif.from_bytes(mode, (pixels.shape[1], pixels.shape[0]), pixels.tobytes())
    stream = io.BytesIO()
    made.save(stream, quality=-1, chroma=444, **options)
    return stream.getvalue()


def pnm(samples: Samples, highest: int, *, text: bool = False) -> bytes:
    """A PGM or PPM file of samples [height, width, 1 or 3], as bytes or as text."""
    height, width, channels = samples.shape
    kind = (2 if text else 5) + (channels == 3)
    head = b"P%d %d %d %d\n" % (kind, width, height, highest)
    if text:
        return head + b" ".join(b"%d" % value for value in samples.ravel())
    return head + samples.astype(">u1" if highest < 256 else ">u2").tobytes()


def png(samples: Samples, bits: int, colours: int, *, beside: dict[bytes, bytes] | None = None) -> bytes:
    """A PNG of samples [height, width, channels].

    Args:
        samples: as they are stored.
        bits: of each.
        colours: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
        beside: further chunks before the pixels, as {kind: content}.
    """
    height, width, channels = samples.shape
    rows = packed(samples.reshape(height, width * channels), bits, ">")
    stride = len(rows) // height
    filtered = b"".join(b"\0" + rows[at : at + stride] for at in range(0, len(rows), stride))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0))
    others = b"".join(chunk(kind, content) for kind, content in (beside or {}).items())
    pixels = chunk(b"IDAT", zlib.compress(filtered))
    return b"\x89PNG\r\n\x1a\n" + header + others + pixels + chunk(b"IEND", b"")
