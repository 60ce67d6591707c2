"""What runs and the audit say of each image: predictions of models that were not trained on it, copies, findings."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from skinlab import files
from skinlab.data.manifest import Manifest
from skinlab.errors import DataError
from skinlab.run import Run
from skinlab.tested import PROBABILITY

DUPLICATE, NEAR, LEAK, OUTLIER, CORRUPT = "duplicate", "near-duplicate", "leak", "outlier", "corrupt"
_UNTRAINED = frozenset({"validation", "test"})


@dataclass(frozen=True)
class Copies:
    """Images that show the same: rows in pairs.

    Attributes:
        rows: int64 [pairs, 2].
        similarity: float64 [pairs], 1 for files with the same content.
    """

    rows: npt.NDArray[np.int64]
    similarity: npt.NDArray[np.float64]

    def of(self, row: int) -> list[tuple[int, float]]:
        """The copies of an image, each with its similarity."""
        found = np.flatnonzero((self.rows == row).any(axis=1))
        return [(int(self.rows[pair].sum()) - row, float(self.similarity[pair])) for pair in found]

    def conflicting(self, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Which images have a copy under another label."""
        pairs = self.rows[labels[self.rows[:, 0]] != labels[self.rows[:, 1]]]
        found = np.zeros(len(labels), bool)
        found[pairs.ravel()] = True
        return found


NO_COPIES = Copies(np.empty((0, 2), np.int64), np.empty(0))


@dataclass(frozen=True)
class Predictions:
    """Probabilities from models that were not trained on the image; row i is that of the manifest.

    Attributes:
        classes: K names.
        class_of: the class of each label of the source, by index.
        probabilities: float64 [N, K], the mean over the runs that judged an image; NaN where none did.
    """

    classes: list[str]
    class_of: dict[str, int]
    probabilities: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """All of it.

    Attributes:
        predictions: None: no run was given.
        subsets: of each image in the run; None: no run, or several.
        copies: images that show the same.
        findings: of the audit, by kind: the rows and what is said of each.
        audited: whether there was an audit.
    """

    predictions: Predictions | None = None
    subsets: list[str] | None = None
    copies: Copies = NO_COPIES
    findings: dict[str, dict[int, str]] = field(default_factory=dict)
    audited: bool = False


def gather(manifest: Manifest, runs: Sequence[Path], audit: Path | None) -> Evidence:
    """Read what is known.

    Args:
        manifest: the data set.
        runs: one finished run, whose validation and test images are judged; or several, whose test images are.
        audit: a file audit.json; None: that of the first run.

    Raises:
        DataError: a file cannot be read, or the runs have different classes.
    """
    rows = {image_id: row for row, image_id in enumerate(manifest.image_ids)}
    file = audit or (runs[0] / "audit.json" if runs else None)
    copies, findings = _audited(file, rows) if file and file.exists() else (NO_COPIES, {})
    return Evidence(
        predictions=_predictions(runs, rows) if runs else None,
        subsets=_subsets(runs[0], rows) if len(runs) == 1 else None,
        copies=copies,
        findings=findings,
        audited=bool(file and file.exists()),
    )


# --- predictions ---------------------------------------------------------------------------------------------------


def _predictions(runs: Sequence[Path], rows: dict[str, int]) -> Predictions:
    known = {"test"} if len(runs) > 1 else _UNTRAINED
    classes: list[str] = []
    for run in runs:
        found = _classes(run)
        if classes and found != classes:
            raise DataError(f"{run} has the classes {', '.join(found)}, other runs {', '.join(classes)}: name one kind")
        classes = found
    sums, judged = np.zeros((len(rows), len(classes))), np.zeros(len(rows))
    for run in runs:
        for line in _table(run / "predictions.csv"):
            row = rows.get(line["image_id"])
            if row is not None and line["subset"] in known:
                sums[row] += _chances(line, classes, run)
                judged[row] += 1
    with np.errstate(invalid="ignore"):
        return Predictions(classes, _class_of(runs[0], classes), sums / judged[:, None])


def _classes(run: Path) -> list[str]:
    head = next(_table(run / "predictions.csv"), {})
    return [name.removeprefix(PROBABILITY) for name in head if name.startswith(PROBABILITY)]


def _chances(line: dict[str, str], classes: Sequence[str], run: Path) -> list[float]:
    try:
        return [float(line[f"{PROBABILITY}{name}"]) for name in classes]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{run / 'predictions.csv'} cannot be read ({error}): the run directory is not whole"
        ) from error


def _class_of(run: Path, classes: Sequence[str]) -> dict[str, int]:
    """Which class each label of the source is, as the run declared it."""
    declared = Run.open(run).record.get("config", {}).get("dataset", {}).get("classes")
    labels = declared if isinstance(declared, dict) else {name: [name] for name in classes}
    places = {name: place for place, name in enumerate(classes)}
    return {label: places[name] for name, of in labels.items() if name in places for label in of}


def _subsets(run: Path, rows: dict[str, int]) -> list[str]:
    found = [""] * len(rows)
    for line in _table(run / "split.csv"):
        row = rows.get(line["image_id"])
        if row is not None:
            found[row] = line["subset"]
    return found


def _table(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            yield from csv.DictReader(stream, strict=True)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{path} cannot be read ({reason}): the run directory is not whole") from error


# --- the audit -----------------------------------------------------------------------------------------------------


def _audited(file: Path, rows: dict[str, int]) -> tuple[Copies, dict[str, dict[int, str]]]:
    try:
        content = files.json_object(file.read_bytes())
        return _copies(content, rows), _findings(content, rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{file} cannot be read as an audit ({error}): `skinlab data audit` writes one") from error


def _copies(content: dict[str, Any], rows: dict[str, int]) -> Copies:
    pairs = [(pair["images"], pair["similarity"]) for pair in content["near_duplicates"] or []]
    pairs += [((names[0], name), 1.0) for names in content["duplicates"] for name in names[1:]]
    known = [
        (rows[first], rows[second], likeness) for (first, second), likeness in pairs if first in rows and second in rows
    ]
    if not known:
        return NO_COPIES
    return Copies(np.array([one[:2] for one in known], np.int64), np.array([one[2] for one in known]))


def _findings(content: dict[str, Any], rows: dict[str, int]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for kind, image_id, text in [*_said_of_copies(content), *_said_of_single(content)]:
        if image_id in rows:
            found.setdefault(kind, {})[rows[image_id]] = text
    return found


def _said_of_copies(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for names in content["duplicates"]:
        yield from ((DUPLICATE, name, f"same file as {', '.join(n for n in names if n != name)}") for name in names)
    for pair in content["near_duplicates"] or []:
        likeness = f"(similarity {pair['similarity']:.2f})"
        yield from ((NEAR, name, f"shows the same as {other} {likeness}") for name, other in _both(pair))
    for leak in content["leaks"]:
        why = leak["reason"].replace("_", " ")
        yield from ((LEAK, name, f"in another subset than {other} ({why})") for name, other in _both(leak))


def _said_of_single(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for one in content["outliers"]:
        yield OUTLIER, one["image_id"], f"{one['measure'].replace('_', ' ')} {one['value']:.4g} stands out"
    for one in content["corrupt"]:
        yield CORRUPT, one["image_id"], one["reason"]


def _both(pair: dict[str, Any]) -> list[tuple[str, str]]:
    first, second = pair["images"]
    return [(first, second), (second, first)]
