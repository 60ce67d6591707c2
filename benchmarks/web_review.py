"""The review page with very many images: time to the first image, dropped frames, memory, label changes, thumbnails.

A folder of 100,000 images is made of hard links to a few hundred drawn ones. A frame counts as dropped where two calls
of requestAnimationFrame are further apart than one and a half frames of 60 Hz, as often as a frame fits into the gap:
"slowly" scrolls 1,200 px/s, "fast" 20,000 px/s, "jumps" drags the scroll bar to 40 places; "idle" is the same page
at rest, which tells what the machine itself drops. A change is on the disk when it is answered. In the last row of
changes the server is killed five times while 1,000 are made as fast as they are answered; "lost" counts those that
were acknowledged and are not in the log. Thumbnails of full-size photographs are asked for by six connections, as a
browser does. Goals: 1 % of the frames dropped while scrolling slowly, at most; no change lost.
Needs Chromium, and `pip install 'skinlab[dev]'` for playwright; without Chromium its rows are left out.
Run from the checkout: PYTHONPATH=. python benchmarks/web_review.py [--images 100000] [--fullsize DIR].
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image

from skinlab.data.label_log.store import LabelLog
from skinlab.data.sources import load
from skinlab.web.image_sets import ImageSets
from skinlab.web.opening import dataset_at
from tests.browser import chromium
from tests.browser.serving import Pages

DRAWN, SIZE = 300, (600, 450)
CHANGES, KILLS = 1000, 5
CONNECTIONS = 6
FULLSIZE = Path(__file__).resolve().parents[2] / "shared" / "data" / "uda1_fullsize"
FRAME_MS = 1000 / 60
FRAMES = """async ([speed, jumps, seconds]) => {
  const grid = document.getElementById("grid"), gaps = [];
  const end = performance.now() + 1000 * seconds;
  let before = performance.now();
  await new Promise(done => {
    const step = now => {
      gaps.push(now - before);
      const jump = jumps && gaps.length % Math.ceil(60 * seconds / jumps) === 0;
      if (jump) grid.scrollTop = Math.random() * grid.scrollHeight;
      else if (speed) grid.scrollTop += speed * Math.min(100, now - before) / 1000;
      before = now;
      if (now < end) requestAnimationFrame(step); else done();
    };
    requestAnimationFrame(step);
  });
  return gaps.slice(2);
}"""
FIRST = """() => new Promise(done => {
  const look = () => {
    const image = document.querySelector(".cell img[src]");
    if (image?.complete && image.naturalWidth) done(performance.now()); else requestAnimationFrame(look);
  };
  look();
})"""
Row = tuple[str, str, str]


def draw(folder: Path) -> None:
    """A few hundred spots on skin colours."""
    generator = np.random.default_rng(0)
    down, across = np.mgrid[: SIZE[1], : SIZE[0]]
    for number in range(DRAWN):
        middle, radius = generator.uniform(0.3, 0.7, 2) * SIZE[::-1], generator.uniform(40, 160)
        spot = np.exp(-((((down - middle[0]) ** 2 + (across - middle[1]) ** 2) / radius**2) ** 2))[..., None]
        skin, dark = generator.uniform(150, 230, 3), generator.uniform(20, 110, 3)
        noise = generator.normal(0, 6, (*SIZE[::-1], 1))
        pixels = np.clip(skin * (1 - spot) + dark * spot + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.jpg", quality=90)


def make_images(folder: Path, images: int) -> Path:
    drawn = folder / "drawn"
    drawn.mkdir()
    draw(drawn)
    for number in range(images):
        place = folder / "images" / ("benign", "malignant")[number % 2]
        place.mkdir(parents=True, exist_ok=True)
        os.link(drawn / f"{number % DRAWN}.jpg", place / f"lesion_{number:07}.jpg")
    return folder / "images"


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def entered(pages: Pages) -> requests.Session:
    session = requests.Session()
    session.headers["origin"] = pages.origin
    session.get(pages.link, timeout=60).raise_for_status()
    return session


# --- the browser ---------------------------------------------------------------------------------------------------


def in_browser(pages: Pages) -> Iterator[Row]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=chromium.find(), args=["--no-sandbox"])
        page = running.new_page(viewport={"width": 1400, "height": 900})
        page.goto(pages.link)
        page.wait_for_url("**/review*")
        yield "time to first image, cold", f"{page.evaluate(FIRST):.0f} ms", "from opening the page"
        page.reload()
        yield "time to first image, warm", f"{page.evaluate(FIRST):.0f} ms", "the same again"
        for name, speed, jumps in (("idle", 0, 0), ("slowly", 1200, 0), ("fast", 20000, 0), ("jumps", 0, 40)):
            yield f"frames dropped, {name}", *dropped(page.evaluate(FRAMES, [speed, jumps, 10]))
        yield "memory of the page", *page_memory(page)
        running.close()


def dropped(gaps: list[float]) -> tuple[str, str]:
    missed = sum(round(gap / FRAME_MS) - 1 for gap in gaps if gap > 1.5 * FRAME_MS)
    due = len(gaps) + missed
    return f"{missed} of {due} ({100 * missed / due:.1f} %)", f"longest gap {max(gaps):.0f} ms"


def page_memory(page: Any) -> tuple[str, str]:
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    found = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    return f"{found['JSHeapUsedSize'] / 1e6:.1f} MB", f"JavaScript; {found['Nodes']:.0f} nodes in the page"


# --- changes -------------------------------------------------------------------------------------------------------


def change(session: requests.Session, origin: str, image_id: str, label: str, seen: int) -> requests.Response:
    asked = {"changes": [{"id": image_id, "label": label, "seen": seen}], "who": "bench", "why": "measured"}
    return session.post(f"{origin}/review/labels", json=asked, timeout=60)


def latencies(pages: Pages, ids: list[str]) -> Iterator[Row]:
    session = entered(pages)
    for rounds in range(2):
        took = []
        for number, image_id in enumerate(ids):
            clock = time.perf_counter()
            answer = change(session, pages.origin, image_id, ("malignant", "benign")[rounds], rounds * len(ids))
            took.append(1000 * (time.perf_counter() - clock))
            assert answer.json()["done"][0]["number"] == rounds * len(ids) + number + 1, answer.text
        cuts = statistics.quantiles(took, n=100)
        held = f"log of {rounds * len(ids):,} to {(rounds + 1) * len(ids):,} entries"
        yield "label change to disk, p50 / p99 / max", f"{cuts[49]:.1f} / {cuts[98]:.1f} / {max(took):.1f} ms", held


def killed(folder: Path, words: list[str], ids: list[str], log: LabelLog) -> Row:
    """1,000 changes, each tried again until it is acknowledged; the server is killed in the middle of five of them."""
    before, acknowledged, retries = len(log.read()), {}, 0
    generator = np.random.default_rng(0)
    kills = set(generator.choice(np.arange(20, len(ids) - 20), KILLS, replace=False).tolist())
    pages = Pages(*words, folder=folder)
    session = entered(pages)
    with ThreadPoolExecutor(1) as asking:
        for number, image_id in enumerate(ids):
            waiting = asking.submit(change, session, pages.origin, image_id, "malignant", before)
            if number in kills:
                time.sleep(generator.uniform(0, 0.006))
                pages.kill()
                pages = Pages(*words, folder=folder, port=pages.port)
                session = entered(pages)
            try:
                answer = waiting.result()
            except requests.ConnectionError:
                retries += 1
                answer = change(session, pages.origin, image_id, "malignant", before)
            acknowledged[image_id] = answer.json()["done"][0]["number"]
    with pages:
        found = {entry.image_id: entry.number for entry in log.read()[before:]}
    lost = [image_id for image_id, number in acknowledged.items() if found.get(image_id) != number]
    twice = len(log.read()) - before - len(found)
    said = f"{KILLS} kills, {retries} sent again, {twice} entered twice"
    return f"{len(ids)} rapid changes, lost", str(len(lost)), said


# --- thumbnails ----------------------------------------------------------------------------------------------------


def fullsize(folder: Path, images: Path) -> Iterator[Row]:
    dataset = dataset_at(images, [], [])
    ids, key = load(dataset).image_ids, ImageSets().open(dataset).key
    with Pages("--dataset", str(images), folder=folder) as pages:
        session = entered(pages)

        def view(image_id: str) -> None:
            asked = {"id": image_id, "side": 256}
            session.get(f"{pages.origin}/images/{key}/thumbnail", params=asked, timeout=60).raise_for_status()

        session.get(f"{pages.origin}/review", timeout=60)
        with ThreadPoolExecutor(CONNECTIONS) as browser:
            for name in ("first view", "cached view"):
                clock = time.perf_counter()
                list(browser.map(view, ids))
                took = time.perf_counter() - clock
                what = f"{len(ids)} photographs, {1000 * took / len(ids):.1f} ms each"
                yield f"thumbnails of full-size images, {name}", f"{took:.2f} s", what


def rows(folder: Path, images: int, photographs: Path) -> Iterator[Row]:
    made = make_images(folder, images)
    words = ["--dataset", str(made)]
    ids = list(load(dataset_at(made, [], [])).image_ids)
    benign = [image_id for image_id in ids if image_id.startswith("benign")]
    clock = time.perf_counter()
    with Pages(*words, folder=folder) as pages:
        yield "start", f"{time.perf_counter() - clock:.2f} s", "until the link is printed"
        if chromium.find() is not None:
            yield from in_browser(pages)
        else:
            yield "browser", "-", "no Chromium on this machine"
        yield "memory of the server", f"{resident_mb(pages.pid):.0f} MB", f"{images:,} images"
    log = LabelLog(made / "labels.log")
    with Pages(*words, folder=folder) as pages:
        yield from latencies(pages, benign[:CHANGES])
    yield killed(folder, words, benign[CHANGES : 2 * CHANGES], log)
    if photographs.is_dir():
        yield from fullsize(folder, photographs)
    else:
        yield "thumbnails of full-size images", "-", f"{photographs} is not there"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--fullsize", type=Path, default=FULLSIZE)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["SKINLAB_HOME"] = f"{name}/home"
        for what, value, remark in rows(Path(name), options.images, options.fullsize):
            print(f"{what:<48} {value:>24}   {remark}", flush=True)


if __name__ == "__main__":
    main()
