"""How the table of images scales: seconds and peak memory to build, check, split and identify a manifest.

A CSV file of synthetic rows goes through the code that a run uses, from `dataset=table` to the hash of the split. There
are no images: names of files and hashes of their contents are made up, because asking a disk for a million files
measures the disk. Each size has a process of its own. Prints one table.
"""

import argparse
import csv
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

SIZES = (10_000, 100_000, 1_000_000)
DIAGNOSES = ("nv", "nv", "nv", "nv", "nv", "nv", "mel", "bkl", "bcc", "akiec")
CLASSES = {"benign": ["nv", "bkl"], "malignant": ["mel", "bcc", "akiec"]}
DUPLICATED = 100
"""One row in so many has the content of the row before it."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, help="measure one size in this process and print it as JSON")
    parser.add_argument("--short", action="store_true", help="10,000 rows only")
    options = parser.parse_args()
    if options.rows is not None:
        from skinlab.data.collection import without_collection

        with without_collection():  # as `prepare` does
            print(json.dumps(measure(options.rows)))
        return
    results = {rows: in_process_of_its_own(rows) for rows in (SIZES[:1] if options.short else SIZES)}
    print(table(results))


def in_process_of_its_own(rows: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--rows", str(rows)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def measure(rows: int) -> dict[str, float]:
    """Seconds of each step, and the peak memory of the whole in MiB."""
    from skinlab.config import compose
    from skinlab.data.classes import choose_classes
    from skinlab.data.duplicates import find_duplicates, merge_groups
    from skinlab.data.manifest import Manifest
    from skinlab.data.prepare import fingerprint
    from skinlab.data.sources.columns import read_table
    from skinlab.data.sources.files import image_ids
    from skinlab.data.sources.groups import groups_of
    from skinlab.data.sources.matching import match_images
    from skinlab.data.split import split_hash
    from skinlab.data.splits.holdout import holdout
    from skinlab.data.splits.kfold import kfold
    from skinlab.schema import HoldoutSplit, KFoldSplit

    seconds: dict[str, float] = {}
    step = stopwatch(seconds)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_csv(path, rows)
        with step("read CSV"):
            columns = read_table(path)
    names = columns.columns["image_id"]
    found = [f"part_{i // 5000}/{name}.jpg" for i, name in enumerate(names)]
    with step("match images"):
        files = [file for file in match_images(columns, names, Path("/images"), found).files if file is not None]
    del found
    with step("groups: unknown ones, spellings"):
        groups = groups_of(columns, compose(["dataset=table", f"dataset.path={path}"]).config.dataset, ["lesion_id"])
    with step("manifest, classes"):
        manifest = Manifest(
            image_ids=image_ids(files),
            paths=[f"/images/{file}" for file in files],
            labels=columns.columns["dx"],
            groups=groups,
            attributes=columns.without("image_id", "dx", "lesion_id"),
        ).by_id()
        manifest = choose_classes(manifest, CLASSES, "fail").manifest
    sha256 = [hashlib.sha256(b"%d" % (i - (i % DUPLICATED == 1))).hexdigest() for i in range(rows)]
    with step("duplicates"):
        duplicates = find_duplicates(sha256)
        units = merge_groups(manifest.image_ids, manifest.groups, duplicates)
    assert len(duplicates) == rows // DUPLICATED
    with step("hold-out"):
        subsets = holdout(
            manifest.image_ids,
            manifest.labels,
            units,
            HoldoutSplit(name="holdout", given="use", validation=0.15, test=0.25, seed=0),
        )
    with step("5 folds"):
        kfold(
            manifest.image_ids,
            manifest.labels,
            units,
            KFoldSplit(name="kfold", folds=5, fold=0, validation=0.15, seed=0),
        )
    with step("fingerprint"):
        fingerprint(manifest.image_ids, sha256, manifest.labels)
    with step("split hash"):
        split_hash(manifest.image_ids, sha256, manifest.labels, manifest.groups, subsets)
    total = sum(seconds.values()) - seconds["5 folds"]  # a run has one split
    return {
        **seconds,
        "in all (hold-out)": total,
        "peak MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def stopwatch(seconds: dict[str, float]) -> Callable[[str], AbstractContextManager[None]]:
    """A context manager that notes how long its block took."""

    @contextmanager
    def step(name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - start

    return step


def write_csv(path: Path, rows: int) -> None:
    """Rows of lesions with one to three images, in an order that is not that of the ids."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("image_id", "dx", "lesion_id", "age", "sex", "site"))
        for i in range(rows):
            lesion = i * 2 // 3 if i % 7 else i // 3
            sex = ("male", "female", "")[i % 3]
            diagnosis = DIAGNOSES[lesion * 7919 % len(DIAGNOSES)]
            writer.writerow((f"ISIC_{i * 7 % 10_000_019:08}", diagnosis, f"IL_{lesion:07}", i % 90, sex, "torso"))


def table(results: dict[int, dict[str, float]]) -> str:
    lines = [f"{'seconds':<32}" + "".join(f"{rows:>12,}" for rows in results)]
    for name in next(iter(results.values())):
        digits = 0 if name == "peak MiB" else 2
        lines.append(f"{name:<32}" + "".join(f"{result[name]:>12,.{digits}f}" for result in results.values()))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
