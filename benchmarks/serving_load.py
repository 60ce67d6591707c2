"""Requests/s, latency and memory of the local service, by network and connections, beside Microsoft's azmlinfsrv.

ResNet-18 and mobilenet_v2 with drawn weights, JPEG files of 224 px in JSON, the same requests for all servers, over
loopback, one after another in one run. The limit is ONNX Runtime alone on images in memory, with as many threads as
the service has. Goals: 2 times azmlinfsrv at 64 connections, 0.9 of the limit, p99 at 8 connections below 3 times the
model's own time for a batch of 8, ready after 2 s.

azmlinfsrv has an environment of its own, the one of the tests, which is made where it is not there. Where the package
index cannot be reached these rows are left out.
--soak MINUTES asks mobilenet_v2's service at half the limit, and shows errors and memory; with --networks and no name
nothing else is done. "cpu ms" is what all processes of a server take of the processors for a request: it hardly depends
on what else the machine does, unlike the rates.
"""

import argparse
import asyncio
import base64
import io
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
import uvloop
from PIL import Image

from skinlab import paths
from skinlab.data.decoding import decode_settings
from skinlab.data.parallel import usable_cpus
from skinlab.deployment.client import Client
from skinlab.deployment.verifying import verify
from skinlab.networks import weights
from skinlab.networks.mobilenet import mobilenet_v2
from skinlab.networks.resnet import resnet
from skinlab.serving import bundle, loading, replay
from skinlab.serving.scoring import Scorer, run_on_one_thread
from tests import azmlinfsrv, environments

SIZE, HALF = 224, [0.5] * 3
NETWORKS = {"resnet18": resnet, "mobilenet_v2": mobilenet_v2}
CONNECTIONS = (1, 8, 64)
THREADS = usable_cpus()


def photograph(seed: int) -> bytes:
    """A JPEG file of smooth noise, about as large as one of a photograph."""
    coarse = np.random.default_rng(seed).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def written(folder: Path, name: str) -> loading.Bundle:
    """A bundle with a replay set."""
    network = NETWORKS[name](name, SIZE, 2, HALF, HALF)
    drawn, names, images = weights.initial(network, 1), ["benign", "malignant"], [photograph(seed) for seed in range(4)]
    described = bundle.signature(network, names, 1, {"threshold": 0.5, "rule": "0.5"}, decode_settings(), "")
    folder.mkdir()

    def write(held: bytes | None) -> loading.Bundle:
        for file, content in bundle.contents(network, drawn, described, "# A card\n", replay=held).items():
            (folder / file).write_bytes(content)
        return loading.load(folder)

    scorer = Scorer(write(None), threads=1)
    stored = np.array([scorer.answer_file(image).probabilities for image in images])
    return write(replay.text([str(row) for row in range(4)], stored, 1, 4, images.__getitem__))


class Limit(NamedTuple):
    """Images a second of ONNX Runtime alone; seconds of 8 images; seconds of the processors for one."""

    rate: float
    eight: float
    processor: float


def limit(of: loading.Bundle, seconds: float) -> Limit:
    """ONNX Runtime alone, with the best of several sizes of a batch."""
    session = run_on_one_thread(of.model, of)
    images = np.random.default_rng(0).integers(0, 256, (8, SIZE, SIZE, 3), dtype=np.uint8)

    def with_batches_of(batch: int) -> Limit:
        end = time.monotonic() + seconds / 2

        def work(_: int) -> int:
            count = 0
            while time.monotonic() < end:
                session.run(["probabilities"], {"image": images[:batch]})
                count += batch
            return count

        began, used = time.monotonic(), time.process_time()
        with ThreadPoolExecutor(THREADS) as pool:
            done = sum(pool.map(work, range(THREADS)))
        rate = done / (time.monotonic() - began)
        return Limit(rate, 8 / rate, (time.process_time() - used) / done)

    return max(with_batches_of(batch) for batch in (1, 8))


class Asked(NamedTuple):
    """Seconds of each answer; answers a second within the time; how many were no success."""

    took: list[float]
    rate: float
    wrong: int


def ask(port: int, path: str, key: str, connections: int, seconds: float, pause: float, told) -> None:
    """In a process of its own: closed loops on kept connections; gives seconds of each answer and what went wrong."""
    bodies = [json.dumps({"images": [base64.b64encode(photograph(seed)).decode()]}).encode() for seed in range(8)]
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    )
    requests = [head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies]
    took: list[float] = []
    wrong: list[str] = []
    inside: list[bool] = []

    async def loop(number: int, end: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.monotonic() < end:
            began = time.monotonic()
            writer.write(requests[(number + len(took)) % len(requests)])
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(
                int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
            took.append(time.monotonic() - began)
            inside.append(time.monotonic() <= end)
            if not answer.startswith(b"http/1.1 200"):
                wrong.append(answer.split(b"\r\n")[0].decode())
            if b"connection: close" in answer:
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(max(0.0, pause - (time.monotonic() - began)))
        writer.close()

    async def run() -> None:
        end = time.monotonic() + seconds
        await asyncio.gather(*(loop(number, end) for number in range(connections)))

    uvloop.run(run())
    told.send((took, sum(inside), wrong))


def asked(
    port: int, path: str, key: str, connections: int, seconds: float, pause: float = 0
) -> tuple[list[float], int]:
    """Seconds of each answer, and how many were no success."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    words = (port, path, key, connections, seconds, pause, theirs)
    process = multiprocessing.get_context("spawn").Process(target=ask, args=words)
    process.start()
    took, inside, wrong = ours.recv()
    process.join()
    return Asked(took, inside / seconds, len(wrong))


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        with suppress(FileNotFoundError, ProcessLookupError):
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += [int(word) for word in (task / "children").read_text().split()]


def megabytes(pid: int) -> float:
    """Memory of a process and all below it; what they share counts once."""
    total = 0
    for one in family(pid):
        with suppress(FileNotFoundError, ProcessLookupError, StopIteration):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def processor_seconds(pid: int) -> float:
    """What a process and all below it have taken of the processors."""
    total = 0
    for one in family(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


@contextmanager
def local(of: loading.Bundle, seconds_to_ready: list[float]) -> Iterator[tuple[int, int, str]]:
    """The service of skinlab: its port, process and key."""
    from skinlab.config import compose
    from skinlab.deployment.base import Request
    from skinlab.deployment.local import LocalTarget

    settings = compose(["deployment.drain_seconds=2"]).config.deployment
    target, said = LocalTarget(), []
    made = target.deploy(Request(of.path.name, settings, of, of.path, None), said.append)
    seconds_to_ready.append(float(said[0].split()[2]))
    print(f"  {said[1]}; ready after {seconds_to_ready[-1]:.2f} s")
    try:
        yield made.state["port"], made.state["process"]["pid"], target.access(made).key or ""
    finally:
        target.delete(made, said.append)


def row(name: str, connections: int, of: Asked, processor: float, memory: float, most: float) -> None:
    """One line of the table."""
    p50, p99 = 1000 * np.percentile(of.took, [50, 99])
    rates = f"{of.rate:>8.1f}  {of.rate / most:>6.2f}"
    used = f"{1000 * processor / len(of.took):>6.1f}"
    print(
        f"  {name:<22} {connections:>4}  {rates}  {p50:>8.1f}  {p99:>8.1f}  {used}  {memory:>7.0f}  {of.wrong:>6}",
        flush=True,
    )


def measured(name: str, place: tuple[int, int, str], seconds: float, most: float) -> dict[int, tuple[float, float]]:
    """Rows of one server: requests/s and p99 by connections."""
    port, pid, key = place
    asked(port, "/score", key, 8, 1)
    found = {}
    for connections in CONNECTIONS:
        used = processor_seconds(pid)
        answers = asked(port, "/score", key, connections, seconds)
        row(name, connections, answers, processor_seconds(pid) - used, megabytes(pid), most)
        found[connections] = answers.rate, float(np.percentile(answers.took, 99))
    return found


def theirs_python(of: loading.Bundle) -> Path | None:
    """The interpreter of azmlinfsrv's environment; None where it cannot be made."""
    try:
        return environments.made(azmlinfsrv.NAME, azmlinfsrv.requirements(of))
    except environments.UnreachableError:
        print("  azmlinfsrv is left out: the package index cannot be reached")
        return None


def network(name: str, folder: Path, seconds: float) -> None:
    """All rows of one network."""
    of = written(folder / name, name)
    python = theirs_python(of)
    fastest, eight, processor = limit(of, seconds)
    said = f"{name}: ONNX Runtime alone {fastest:.1f} images/s, 8 images in {1000 * eight:.0f} ms, {THREADS} threads"
    print(f"\n{said}, {1000 * processor:.1f} cpu ms an image")
    heads = ("conn", "req/s", "/limit", "p50 ms", "p99 ms", "cpu ms", "MB", "errors")
    widths = (4, 8, 6, 8, 8, 6, 7, 6)
    print(f"  {'server':<22} " + "  ".join(head.rjust(width) for head, width in zip(heads, widths, strict=True)))
    ready: list[float] = []
    with local(of, ready) as place:
        ours = measured("skinlab", place, seconds, fastest)
    theirs: dict[int, float] = {}
    for workers in (1, 2) if python else ():
        with azmlinfsrv.running(of, python, folder, workers) as (port, pid):
            print(f"  {verify(Client(f'http://127.0.0.1:{port}'), replay.of(of), of.classes).said()}")
            found = measured(f"azmlinfsrv, {workers} worker{'s' * (workers > 1)}", (port, pid, ""), seconds, fastest)
            theirs[workers] = found[64][0]
    print(f"  ready after {ready[0]:.2f} s (goal 2); {ours[64][0] / fastest:.2f} of the limit at 64 (goal 0.9)", end="")
    print(f"; p99 at 8: {ours[8][1] / eight:.1f} batches of 8 (goal 3)", end="")
    for workers, rate in theirs.items():
        print(f"; {ours[64][0] / rate:.1f} times azmlinfsrv with {workers} at 64 (goal 2)", end="")
    print()


def soak(folder: Path, minutes: float) -> None:
    """Half the limit for a time: errors, and memory at the beginning and the end."""
    of = written(folder / "soak", "mobilenet_v2")
    fastest = limit(of, 4).rate
    connections = 16
    with local(of, []) as (port, pid, key):
        asked(port, "/score", key, connections, 10)
        before = megabytes(pid)
        answers = asked(port, "/score", key, connections, 60 * minutes, pause=2 * connections / fastest)
        after = megabytes(pid)
    print(
        f"\nmobilenet_v2 for {minutes:g} min, {answers.rate:.0f} of {fastest:.0f} requests/s: {answers.wrong} errors, "
        f"p99 {1000 * np.percentile(answers.took, 99):.0f} ms, memory {before:.0f} MB, then {after:.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS), metavar="NAME")
    parser.add_argument("--soak", type=float, default=0, metavar="MINUTES", help="at half the limit")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ[paths.HOME_VARIABLE] = str(Path(folder) / "home")
        for name in options.networks:
            network(name, Path(folder), options.seconds)
        if options.soak:
            soak(Path(folder), options.soak)


if __name__ == "__main__":
    main()
