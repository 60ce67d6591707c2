"""Requests that nobody should send, as bytes on a connection; what each is answered, and how long that took.

The same seed draws the same requests. Used by a short test and by the long benchmarks/serving_hostile.py.
"""

import base64
import io
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

Random = np.random.Generator
SECONDS = 60.0
"""Longer than any answer may take: a hang."""


@dataclass(frozen=True)
class Answered:
    """What came of a request: its kind, the status (0: the connection was closed without one), and the seconds."""

    kind: str
    status: int
    seconds: float


def encoded(random: Random, form: str) -> bytes:
    stream = io.BytesIO()
    pixels = random.integers(0, 256, (int(random.integers(8, 90)), int(random.integers(8, 90)), 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def mutated(random: Random, data: bytes) -> bytes:
    """Cut off, changed, doubled or with something in between."""
    changed = bytearray(data)
    for _ in range(int(random.integers(1, 12))):
        changed[int(random.integers(len(changed)))] = int(random.integers(256))
    cut = int(random.integers(1, len(changed) + 1))
    made = [bytes(changed), bytes(changed[:cut]), bytes(changed + changed), bytes(changed[:cut] + b"\0" * 999)]
    return made[int(random.integers(len(made)))]


def png_of(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


BOMBS = (
    png_of(2**31 - 1, 2**31 - 1, b"x"),
    png_of(60_000, 60_000, zlib.compress(bytes(1_000_000))),
    png_of(7000, 7000, zlib.compress(bytes(7000 * 7000 // 8))),
    png_of(0, 0, b""),
    b"P6 99999999 99999999 255 " + b"\0" * 100,
    b"GIF89a\xff\xff\xff\xff\xf7\0\0" + b"," + b"\0" * 50,
    b"BM" + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, 2**30, -(2**30), 1, 24, 0, 0, 0, 0, 0, 0),
    b"II*\0" + struct.pack("<I", 8) + b"\xff\xff" + b"\xff" * 64,
)


def post(key: str, kind: str, body: bytes, path: str = "/score", **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", f"Content-Type: {kind}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if not {"Content_Length", "Transfer_Encoding"} & set(headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\nConnection: close\r\n\r\n" + body


def damaged_image(random: Random, key: str) -> bytes:
    form = str(random.choice(["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP"]))
    return post(key, "application/octet-stream", mutated(random, encoded(random, form)))


def damaged_form(random: Random, key: str) -> bytes:
    image = mutated(random, encoded(random, "PNG"))
    part = b'--b\r\nContent-Disposition: form-data; name="i"; filename="../../x"\r\n\r\n' + image + b"\r\n"
    body = part * int(random.integers(0, 4)) + b"--b--\r\n"
    if random.random() < 0.5:
        body = mutated(random, body)
    return post(key, "multipart/form-data; boundary=b", body)


def damaged_json(random: Random, key: str) -> bytes:
    text = base64.b64encode(mutated(random, encoded(random, "JPEG"))).decode()
    values: list[object] = [
        {"image": text},
        {"images": [text] * int(random.integers(0, 5))},
        [{"image_in_base64": text, "parameters": {"softmax": bool(random.random() < 0.5)}}],
        {"image": {"image": text}},
        {"images": text},
        [[[[text]]]],
        {"image": 10**400},
        None,
    ]
    body = json.dumps(values[int(random.integers(len(values)))]).encode()
    changes = [body, mutated(random, body), b"[" * 60_000, b'{"image": NaN}', b'"\\ud800"', body.replace(b'"', b"'")]
    return post(key, "application/json", changes[int(random.integers(len(changes)))])


def bomb(random: Random, key: str) -> bytes:
    return post(key, "image/png", BOMBS[int(random.integers(len(BOMBS)))])


def wrong_type(random: Random, key: str) -> bytes:
    kinds = ["text/plain", "", "image/", "multipart/form-data", "application/json; charset=\x7f", "a" * 4000, "*/*"]
    return post(key, str(random.choice(kinds)), encoded(random, "PNG"))


def bad_key(random: Random, key: str) -> bytes:
    keys = ["", key[:-1], key + "x", key.upper(), "\xff" * 8, "x" * 20_000, f"{key},{key}"]
    return post(str(random.choice(keys)), "image/png", encoded(random, "PNG"))


def path_trick(random: Random, key: str) -> bytes:
    paths = [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//score",
        "/score/../metrics",
        "/score%00",
        "/score?" + "a=b&" * 9000,
        "/score?explain=%ff",
        "/page.js/../../keys",
        "/%c0%ae%c0%ae/keys",
        "http://other.example/score",
        "*",
        "/score#x",
    ]
    method = str(random.choice(["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"]))
    request = post(key, "image/png", encoded(random, "PNG"), str(random.choice(paths)))
    return request.replace(b"POST", method.encode(), 1)


def bad_frame(random: Random, key: str) -> bytes:
    image = encoded(random, "PNG")
    frames = [
        post(key, "image/png", image, Content_Length="-1"),
        post(key, "image/png", image, Content_Length="99999999999999999999"),
        post(key, "image/png", image, Content_Length="1e3"),
        post(key, "image/png", b"zz\r\nnot a chunk", Transfer_Encoding="chunked"),
        post(key, "image/png", b"ffffffffffffffff\r\n", Transfer_Encoding="chunked"),
        post(key, "image/png", image, Transfer_Encoding="gzip, chunked"),
        post(key, "image/png", image, Content_Length="5", Transfer_Encoding="chunked"),
        post(key, "image/png", image, Upgrade="websocket", Expect="100-continue"),
        b"\x16\x03\x01\x02\0" + random.bytes(200),
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"A" * 100_000,
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        random.bytes(int(random.integers(1, 3000))),
    ]
    return frames[int(random.integers(len(frames)))]


def too_large(random: Random, key: str) -> bytes:
    many = b"".join(
        b'--b\r\nContent-Disposition: form-data; name="i%d"; filename="x"\r\n\r\nabc\r\n' % row for row in range(500)
    )
    bodies = [("application/octet-stream", bytes(3_000_000)), ("multipart/form-data; boundary=b", many + b"--b--\r\n")]
    kind, body = bodies[int(random.integers(len(bodies)))]
    return post(key, kind, body)


def unfinished(random: Random, key: str) -> bytes:
    """A sender that stops in the middle and stays."""
    whole = post(key, "image/png", encoded(random, "PNG"))
    return whole[: int(random.integers(1, len(whole)))]


COMMON: tuple[Callable[[Random, str], bytes], ...] = (
    damaged_image,
    damaged_form,
    damaged_json,
    bomb,
    wrong_type,
    bad_key,
    path_trick,
    bad_frame,
    too_large,
)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
RARE = 0.01
"""Of the requests, those that end by the service's patience alone."""


def drawn(seed: int, count: int, key: str) -> Iterator[tuple[str, bytes]]:
    """Requests and their kinds."""
    random = np.random.default_rng(seed)
    for _ in range(count):
        make = unfinished if random.random() < RARE else COMMON[int(random.integers(len(COMMON)))]
        yield make.__name__, make(random, key)


def send(port: int, kind: str, data: bytes) -> Answered:
    """Send one request and wait for its answer, or for the end of its connection."""
    began, received = time.monotonic(), b""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        try:
            connection.sendall(data)
            while not whole(received) and (read := connection.recv(1 << 16)):
                received = (received + read).removeprefix(CONTINUE)
        except (ConnectionResetError, BrokenPipeError):
            pass  # it was cut off before it had sent everything
    head = received.split(b"\r\n", 1)[0].split()
    status = int(head[1]) if len(head) > 1 and head[0].startswith(b"HTTP/1.") else 0
    return Answered(kind, status, time.monotonic() - began)


def whole(received: bytes) -> bool:
    """Whether an answer is there in full; one without a length ends with its connection."""
    head, end, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return bool(end and lengths) and len(body) >= int(lengths[0])
