"""`skinlab data fetch` from a local archive that fails every fifth request, killed five times: what was lost and spent.

Prints one table: once without failures, once with failures, once with failures and kills. "Asked once complete" counts
requests for an image whose file already stood under its final name when the process started. "Transferred again" counts
second transfers to the last byte: only one that was under way at a kill can be among them, at most `jobs` a kill. The
failures are those of tests/data/archive/archive_server.py: 500s, 429 with Retry-After, resets, truncated bodies, stalls
and wrong Content-Lengths. Run from the checkout: python benchmarks/data_fetch.py [IMAGES].
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.data.archive.archive_server import Archive, isic_id, serving

JOBS = 4
KILLS = 5
SIDE = 400  # pixels: about 150 kB an image
OPTIONS = {"--jobs": JOBS, "--rate": 1000, "--timeout": 1, "--tries": 12, "--backoff": 0.05}


def start(archive: Archive, out: Path) -> subprocess.Popen[bytes]:
    words = [word for option, value in OPTIONS.items() for word in (option, str(value))]
    command = [sys.executable, "-m", "skinlab", "data", "fetch", "--api", archive.api, "--out", str(out), *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, env={**os.environ, "NO_PROXY": "127.0.0.1"})


def complete(out: Path) -> set[str]:
    return {path.stem for path in (out / "images").glob("*")}


def measure(images: int, failing: float, kills: int) -> list[str]:
    chance = random.Random(images)  # noqa: S311 - seeded on purpose
    with tempfile.TemporaryDirectory() as folder, serving(Archive(images, page=100, side=SIDE, seed=1)) as archive:
        whole = {isic_id(number): archive.body(isic_id(number)) for number in range(images)}  # drawn before the clock
        archive.failing = failing
        out = Path(folder) / "isic"
        asked_again, begun = 0, time.monotonic()
        for run in range(kills + 1):
            before, first = complete(out), len(archive.requests)
            child = start(archive, out)
            if run < kills:
                archive.wait_for_requests(len(archive.paths) + chance.randint(1, 2 * images // (kills + 1)))
                child.kill()
            child.wait(600)
            asked_again += sum(name in before for name in archive.requests[first:])
        seconds = time.monotonic() - begun
        held = {path.stem: path.read_bytes() for path in (out / "images").glob("*")}
        intact = sum(held.get(name) == body for name, body in whole.items())
        again = sum(archive.transfers.values()) - len(archive.transfers)
        payload = sum(map(len, whole.values()))
        return [
            f"{failing:.0%}",
            str(kills),
            f"{intact} / {images}",
            str(asked_again),
            str(again),
            f"{len(archive.paths)}",
            f"{sum(archive.failures.values())}",
            f"{archive.sent / payload - 1:+.1%}",
            f"{seconds:.1f}",
        ]


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    head = ["failing", "kills", "whole", "asked once complete", "transferred again", "requests", "failed", "bytes", "s"]
    rows = [head, *(measure(images, *case) for case in ((0.0, 0), (0.2, 0), (0.2, KILLS)))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)))


if __name__ == "__main__":
    main()
