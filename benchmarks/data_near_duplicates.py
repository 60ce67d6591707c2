"""Near-duplicates: how many planted copies are found, how many false alarms there are, how long a million hashes take.

Copies are made of real images (../shared/data beside the checkout): halved in size, saved at JPEG quality 50, flipped,
cropped to 95 % anywhere, and all of that. A false alarm is a reported pair of two lesions of which neither image is a
copy that was planted here; true near-duplicates among the real images count as such too, so look at the names.
"""

import csv
import io
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from skinlab.config import compose
from skinlab.data.audit.examine import examine
from skinlab.data.audit.search import similar_pairs
from skinlab.data.audit.signature import BITS, VARIANTS, flip_masks, frequencies
from skinlab.data.images import decode

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SIZE = 224
SETS = {
    "isic2017": ("isic2017/metadata.csv", "isic2017"),
    "ham10000": ("ham10000/HAM10000_metadata.csv", "ham10000/images"),
}
HASHES, PLANTED = 1_000_000, 10_000
WRONG_PER_FREQUENCY = 0.008  # measured: how the chance of a wrong bit grows with its frequency in cropped copies


def jpeg(image: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def flipped(image: Image.Image, seed: int) -> Image.Image:
    ways = (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.ROTATE_180)
    return image.transpose(ways[seed % 3])


def cropped(image: Image.Image, seed: int) -> Image.Image:
    width, height = round(image.width * 0.95), round(image.height * 0.95)
    rng = np.random.default_rng(seed)
    left, top = rng.integers(0, image.width - width + 1), rng.integers(0, image.height - height + 1)
    return image.crop((left, top, left + width, top + height))


KINDS: dict[str, Callable[[Image.Image, int], bytes]] = {
    "resized": lambda image, _seed: jpeg(halved(image), 95),
    "quality 50": lambda image, _seed: jpeg(image, 50),
    "flipped": lambda image, seed: jpeg(flipped(image, seed), 95),
    "cropped": lambda image, seed: jpeg(cropped(image, seed), 95),
    "all": lambda image, seed: jpeg(flipped(halved(cropped(image, seed)), seed), 50),
}


def lesions(table: Path) -> dict[str, str]:
    with table.open(newline="") as stream:
        return {row["image_id"]: row["lesion_id"] or row["image_id"] for row in csv.DictReader(stream)}


def planted(name: str, kind: str, least: float) -> str:
    table, folder = SETS[name]
    lesion = lesions(DATA / table)
    files = sorted((DATA / folder).rglob("*.jpg"))
    copies = []
    for seed, file in enumerate(files):
        with Image.open(file) as image:
            copies.append(decode(KINDS[kind](image.convert("RGB"), seed), SIZE))
    images = np.stack([decode(file.read_bytes(), SIZE) for file in files] + copies)
    started = time.monotonic()
    seen = examine(images, [str(row) for row in range(len(images))], near=True)
    seconds = time.monotonic() - started
    near = [tuple(pair) for pair, value in zip(seen.pairs.tolist(), seen.similarity, strict=True) if value >= least]
    found = sum(second - first == len(files) for first, second in near)
    names = [file.stem for file in files]
    alarms = sorted(
        {tuple(sorted((names[a % len(files)], names[b % len(files)]))) for a, b in near} - {(one, one) for one in names}
    )
    alarms = [pair for pair in alarms if lesion[pair[0]] != lesion[pair[1]]]
    per_thousand = 1000 * len(alarms) / len(files)
    said = ", ".join(" = ".join(pair) for pair in alarms)
    return f"{name:9} {kind:11} {found:5} / {len(files):<5} {per_thousand:6.2f}  {seconds:6.1f} s   {said}"


def million() -> str:
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**64, (HASHES, 1, 2), dtype=np.uint64).repeat(VARIANTS, axis=1)
    rows = rng.choice(HASHES, 2 * PLANTED, replace=False).reshape(2, PLANTED)
    chance = WRONG_PER_FREQUENCY * np.linalg.norm(frequencies(), axis=1)
    wrong = np.packbits(rng.random((PLANTED, VARIANTS, BITS)) < chance, axis=-1, bitorder="little").view("<u8")
    turned = rng.integers(0, 2, PLANTED).astype(np.uint64)[:, None, None] * flip_masks()[0]
    hashes[rows[1]] = hashes[rows[0]] ^ wrong ^ turned
    started = time.monotonic()
    pairs = {tuple(pair) for pair in similar_pairs(hashes).tolist()}
    seconds = time.monotonic() - started
    found = sum((min(a, b), max(a, b)) in pairs for a, b in rows.T.tolist())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    return (
        f"search among {HASHES:,} hashes: {seconds:.0f} s, found {found:,} of {PLANTED:,} planted, peak {peak:.0f} MB"
    )


def main() -> None:
    print(million())
    if not DATA.is_dir():
        print(f"planted copies: skipped, {DATA} is missing")
        return
    least = compose([]).config.audit.similarity
    print(f"pairs count from similarity {least}")
    print(f"{'set':9} {'copies':11} {'found':>13} {'alarms/1000':>7} {'time':>7}    pairs of two lesions")
    for name in SETS:
        for kind in KINDS:
            print(planted(name, kind, least), flush=True)


if __name__ == "__main__":
    main()
