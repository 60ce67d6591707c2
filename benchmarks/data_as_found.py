"""Tables as people have them: what becomes of codes for "unknown", of respelled ids, and of 2,000 damaged tables.

The first two tables are about the metadata of real images (the folder `isic2017` of the development data, or the one
that --images names): lesion ids that are not known are written in each way that means so, and known patients are
spelled in two ways. The third mutates small tables and counts how each ends. Run from the checkout:
python benchmarks/data_as_found.py [--short].
"""

import argparse
import csv
import logging
import random
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from skinlab.config import compose
from skinlab.data.prepare import prepare
from skinlab.data.sources import load
from skinlab.data.sources.columns import read_table
from skinlab.errors import DataError, SetupError
from skinlab.schema import TableDataset
from tests.data.conftest import REAL

CODES = ("", "NA", "N/A", "n/a", "NaN", "nan", "None", "null", "NULL", "unknown", "-9")
RESPELLED: dict[str, Callable[[int], str]] = {
    "12 and 12.0": lambda number: f"{number}.0",
    "12 and 0012": lambda number: f"{number:04}",
    "12 and 1.2e1": lambda number: f"{number / 10}e1",
    "P12 and p12": lambda number: f"p{number}",
    "P12 and P 12": lambda number: f"P {number}",
    "P12 and P12 with an invisible space": lambda number: f"P{number}\u200b",
    "P12 in full-width letters": lambda number: "\uff30" + str(number),
}
"""How the second image of each patient names it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=REAL / "isic2017")
    parser.add_argument("--short", action="store_true", help="two codes, two spellings, 100 damaged tables")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # "images have no row", 2,000 times
    if options.images.is_dir():
        print(missing_values(options.images, CODES[:2] if options.short else CODES))
        print(respelled(options.images, list(RESPELLED)[:2] if options.short else list(RESPELLED)))
    else:
        print(f"the real images are missing: {options.images}")
    print(damaged(100 if options.short else 2000))


def missing_values(images: Path, codes: tuple[str, ...]) -> str:
    """Images per subset with each code in the place of an unknown lesion id."""
    with (images / "metadata.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    lines = [f"{'unknown is written':<20}{'train':>7}{'valid.':>7}{'test':>7}{'no group':>10}{'leaking groups':>16}"]
    for code in codes:
        changed = [{**row, "lesion_id": row["lesion_id"] or code} for row in rows]
        keys = ["dataset.missing_values=['-9']"] if code == "-9" else []
        lines.append(f"{code or '(empty)':<20}" + _split(images, changed, "lesion_id", keys))
    return "\n".join(lines) + "\n"


def respelled(images: Path, names: list[str]) -> str:
    """Refused as they are (but for invisible characters, which are no part of a value), and merged."""
    with (images / "metadata.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))[:800:2]
    lines = [
        f"{'patients are written':<38}{'refused':>8}{'train':>7}{'valid.':>7}{'test':>7}{'no group':>10}{'leaking':>9}"
    ]
    for name in names:
        letter = "P" if name.startswith("P") else ""
        second = RESPELLED[name]
        groups = [f"{letter}{i // 2 + 1}" if i % 2 == 0 else second(i // 2 + 1) for i in range(len(rows))]
        changed = [{**row, "patient": group} for row, group in zip(rows, groups, strict=True)]
        try:
            _split(images, changed, "patient", [])
            refused = "no"
        except DataError:
            refused = "yes"
        merged = _split(images, changed, "patient", ["dataset.on_spelling=merge"])
        lines.append(f"{name:<38}{refused:>8}{merged}")
    return "\n".join(lines) + "\n"


def _split(images: Path, rows: list[dict[str, str]], column: str, keys: list[str]) -> str:
    """The numbers of a row; leaking groups are counted by the true patient or lesion: numbers are read as numbers."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        words = [
            "dataset=table",
            f"dataset.path={path}",
            f"dataset.image_root={images}",
            f"dataset.group_column={column}",
        ]
        config = compose([*words, *keys]).config
        prepared = prepare(config.dataset, config.split, 32)
    count = Counter(prepared.subsets)
    subsets: dict[str | None, set[str]] = {}
    for group, subset in zip(prepared.manifest.groups, prepared.subsets, strict=True):
        subsets.setdefault(group, set()).add(subset)
    leaking = sum(len(found) > 1 for group, found in subsets.items() if group is not None)
    numbers = f"{count['train']:>7}{count['validation']:>7}{count['test']:>7}"
    return numbers + f"{prepared.findings.images_without_group:>10}{leaking:>9}"


def damaged(tables: int) -> str:
    """How often each end was met; anything but rows and one line of a `DataError` is a fault."""
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("i0", "i1", "i2"):
            (Path(folder) / f"{name}.png").write_bytes(b"")
        for seed in range(tables):
            ends[end_of(Path(folder), seed)] += 1
    return "\n".join(f"{end:<40}{count:>6}" for end, count in sorted(ends.items()))


def end_of(folder: Path, seed: int) -> str:
    """How the reading of a damaged table ends: rows, a refusal, or a fault."""
    path = mutated(folder, seed)
    dataset = replace(_declared(), path=str(path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            read = len(read_table(path))
            manifest = load(dataset)
        except (DataError, SetupError) as error:
            return "FAULT: several lines" if "\n" in str(error) or len(str(error)) > 1500 else "refused in one line"
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"FAULT: {type(error).__name__}"
    return "read whole" if len(manifest) == read else "FAULT: rows are gone"


@cache
def _declared() -> TableDataset:
    declared = compose(["dataset=table", "dataset.path=x"]).config.dataset
    assert isinstance(declared, TableDataset)
    return declared


def mutated(folder: Path, seed: int) -> Path:
    """A small table, packed or encoded in some way, with bytes changed, cut, doubled or put in."""
    chance = random.Random(seed)  # noqa: S311 - seeded on purpose
    separator = chance.choice(",\t;|")
    lines = [["image_id", "label", "age"], ["i0", "nv", "5,5"], ["i1", "n\u00e4vus", 'a "b"'], ["i2", "NA", ""]]
    text = chance.choice(["\n", "\r\n", "\r"]).join(
        separator.join(f'"{cell}"' if separator in cell else cell for cell in line) for line in lines
    )
    data = bytearray(text.encode(chance.choice(["utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32"])))
    for _ in range(chance.randint(0, 3)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if place < len(data):
                data[place] = chance.randrange(256)
            case 1:
                del data[place : place + chance.randint(1, 9)]
            case 2:
                data[place:place] = chance.choice([b'"', b"\0", b"\n", b",", b"\xff", b"NaN", b"\xe2\x80\x8b", b"../"])
            case _:
                data[place:place] = data[: chance.randint(1, 40)]
    path = folder / f"t{seed % 7}{chance.choice(['.csv', '.tsv', '.tab', '', '.csv.gz', '.parquet'])}"
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    main()
