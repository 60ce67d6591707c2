"""ICC profiles written by hand: of RGB with any primaries, of grey, of CMYK."""

import itertools
import struct
from collections.abc import Sequence

SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2920, 0.6922, 0.0419), (0.1571, 0.0666, 0.7841))
ADOBE_RGB = ((0.6097, 0.3111, 0.0195), (0.2053, 0.6257, 0.0609), (0.1492, 0.0632, 0.7446))
PROPHOTO = ((0.7977, 0.2880, 0.0000), (0.1352, 0.7119, 0.0000), (0.0313, 0.0001, 0.8249))
"""X, Y and Z of red, green and blue, adapted to D50."""
SRGB_CURVE = [
    round(65535 * (v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4))
    for v in (i / 1023 for i in range(1024))
]
_WHITE = (0.9642, 1.0, 0.8249)


def rgb(primaries: Sequence[Sequence[float]], curve: Sequence[int] | float) -> bytes:
    """A profile of RGB; `curve` is a gamma, or a table from 0 to 65535."""
    tags = {name: _xyz(values) for name, values in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    return _profile(b"RGB ", b"XYZ ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(curve)))


def grey(curve: Sequence[int] | float) -> bytes:
    """A profile of grey values."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": _curve(curve)})


def cmyk() -> bytes:
    """A profile of CMYK in which black ink alone counts: a table of the 16 corners, in CIELAB."""
    corners = bytes(
        value for *_, black in itertools.product((0, 1), repeat=4) for value in (0 if black else 255, 128, 128)
    )
    identity = struct.pack(">9i", *(65536 * one for one in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    ramps = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramps * 4 + corners + ramps * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": table}, kind=b"prtr")


def _profile(space: bytes, connection: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr") -> bytes:
    known = {b"desc": b"desc\0\0\0\0\0\0\0\x05test\0" + bytes(78), b"wtpt": _xyz(_WHITE), **tags}
    start, table, content = 128 + 4 + 12 * len(known), b"", b""
    for name, value in known.items():
        padded = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", start + len(content), len(value))
        content += padded
    body = struct.pack(">I", len(known)) + table + content
    head = struct.pack(">I4sI4s4s4s", 128 + len(body), b"\0\0\0\0", 0x02400000, kind, space, connection)
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", *(round(65536 * value) for value in _WHITE))
    return head.ljust(128, b"\0") + body


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))


def _curve(curve: Sequence[int] | float) -> bytes:
    table = [round(256 * curve)] if isinstance(curve, float) else curve
    return b"curv\0\0\0\0" + struct.pack(f">I{len(table)}H", len(table), *table)
