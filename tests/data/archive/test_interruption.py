"""A fetch that is killed at seeded moments while every fifth request fails, as the command that a user runs."""

import csv
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from tests.data.archive.archive_server import FAILURES, Archive, isic_id, serving
from tests.processes import hear_ctrl_c

JOBS = 4
KILLS = 5
IMAGES = 60
ENOUGH = 60  # seconds, for anything that a test waits for


def start(archive: Archive, out: Path, *more: str) -> subprocess.Popen[str]:
    options = {"--api": archive.api, "--out": str(out), "--jobs": str(JOBS), "--rate": "1000", "--timeout": "1"}
    words = [word for option in {**options, "--tries": "12", "--backoff": "0.02"}.items() for word in option]
    return subprocess.Popen(
        [sys.executable, "-m", "skinlab", "data", "fetch", *words, *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - one system call
    )


def complete(out: Path) -> set[str]:
    return {path.stem for path in (out / "images").glob("*")}


def test_after_five_kills_every_image_is_whole_and_none_was_asked_for_once_complete(tmp_path):
    chance = random.Random(3)  # noqa: S311 - a seeded test
    out = tmp_path / "isic"
    with serving(Archive(IMAGES, failing=0.2, page=10, seed=1)) as archive:
        seen = []  # for each run: what was complete before it, and the requests before it
        for _ in range(KILLS):
            seen.append((complete(out), len(archive.requests)))
            child = start(archive, out)
            try:
                assert archive.wait_for_requests(len(archive.paths) + chance.randint(3, 22))
            finally:
                child.kill()
                child.communicate(timeout=ENOUGH)
        seen.append((complete(out), len(archive.requests)))
        output, errors = start(archive, out).communicate(timeout=ENOUGH)
        requests = archive.requests

    assert errors == ""
    assert f"{IMAGES} images in {out}" in output
    assert complete(out) == {isic_id(number) for number in range(IMAGES)}
    for name in complete(out):
        assert (out / "images" / f"{name}.jpg").read_bytes() == archive.body(name)
    for before, begun in seen:
        assert before.isdisjoint(requests[begun:]), "asked for once complete"
    # A transfer whose last byte was under way when the process was killed is the only kind that may happen again.
    assert sum(archive.transfers.values()) - IMAGES <= JOBS * KILLS
    assert 0 < len(seen[-1][0]) < IMAGES, "the kills came too early or too late to show anything"
    assert set(archive.failures) == set(FAILURES)
    with (out / "metadata.csv").open(encoding="utf-8") as stream:
        assert [row["isic_id"] for row in csv.DictReader(stream)] == [isic_id(number) for number in range(IMAGES)]


def test_without_a_kill_no_file_is_transferred_twice_however_often_requests_fail(tmp_path):
    with serving(Archive(IMAGES, failing=0.2, page=10, seed=2)) as archive:
        child = start(archive, tmp_path / "isic")
        output, _ = child.communicate(timeout=ENOUGH)
    assert child.returncode == 0, output
    assert set(archive.transfers.values()) == {1}


def test_ctrl_c_stops_at_once_says_how_to_go_on_and_keeps_what_is_complete(tmp_path):
    out = tmp_path / "isic data"
    with serving(Archive(IMAGES, failing=0.2, page=10, seed=4)) as archive:
        child = start(archive, out, "--timeout", "300")  # a stall would hold it for minutes
        archive.wait_for_requests(25)
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=ENOUGH)
        assert child.returncode == 130
        assert errors == "skinlab: interrupted\n"
        held = len(complete(out))
        assert "stopped: " in output
        assert f"skinlab data fetch --api {archive.api} --out '{out}'" in output
        output, _ = start(archive, out).communicate(timeout=ENOUGH)
    assert held > 0
    assert f"({IMAGES - held} fetched now" in output
