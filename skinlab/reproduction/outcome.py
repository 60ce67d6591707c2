"""Two runs of one declaration, file by file in the order in which they came about: the same bytes, close, or different.

Tolerance is absolute and holds for every fraction: losses, weights, probabilities, metrics. Whole numbers and texts
must be the same.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from skinlab.errors import OutputError
from skinlab.serving.portable.closed import require_closed

Verdict = Literal["identical", "within tolerance", "different"]
Parting = tuple[str, float]
"""A place where two files are not the same, and by how much; infinite where it is no number."""


@dataclass(frozen=True)
class FileOutcome:
    """What became of one file.

    Attributes:
        name: of the file in a run directory.
        verdict: of this file.
        first: the first place that is not the same; empty where there is none, or it is no content.
        largest: the largest difference; None where there is none that is a number.
        largest_at: where that is.
    """

    name: str
    verdict: Verdict
    first: str = ""
    largest: float | None = None
    largest_at: str = ""

    def __str__(self) -> str:
        """One line without the name."""
        if self.verdict == "identical":
            return self.verdict
        size = "" if self.largest is None else f"; largest difference {self.largest:.3g} at {self.largest_at}"
        return f"{self.verdict}: parts at {self.first}{size}"


@dataclass(frozen=True)
class Outcome:
    """All files.

    Attributes:
        files: in the order in which they come about; what neither run has is left out.
        tolerance: that they were judged by.
    """

    files: list[FileOutcome]
    tolerance: float

    @property
    def verdict(self) -> Verdict:
        """The worst of all files."""
        found = {file.verdict for file in self.files}
        return "different" if "different" in found else "within tolerance" if len(found) > 1 else self.files[0].verdict

    @property
    def first(self) -> FileOutcome | None:
        """Where the runs part; None where they do not."""
        return next((file for file in self.files if file.verdict != "identical"), None)

    def line(self) -> str:
        """The answer in one line."""
        first = self.first
        if first is None:
            names = ", ".join(file.name for file in self.files)
            return f"identical: the same bytes in {len(self.files)} files: {names}"
        close = self.verdict == "within tolerance"
        said = f"equal within {self.tolerance:g}, not identical" if close else "different"
        return f"{said}: they part in {first.name} at {first.first}"

    def as_json(self) -> dict[str, Any]:
        """For reproduction.json."""
        first = self.first
        return {
            "verdict": self.verdict,
            "tolerance": self.tolerance,
            "first": None if first is None else {"file": first.name, "place": first.first},
            "files": [asdict(file) for file in self.files],
        }


def compare(before: Path, after: Path, tolerance: float) -> Outcome:
    """Compare the results of two finished runs.

    Args:
        before: a run directory.
        after: that of the run that should be the same.
        tolerance: largest absolute difference of fractions that counts as equal.

    Raises:
        OutputError: a file cannot be read.
    """
    there = [name for name in FILES if (before / name).is_file() or (after / name).is_file()]
    if not there:
        raise OutputError(f"{before} and {after} have no results to compare")
    return Outcome([_judged(name, before / name, after / name, tolerance) for name in there], tolerance)


def _judged(name: str, before: Path, after: Path, tolerance: float) -> FileOutcome:
    for path in (before, after):
        if not path.is_file():
            return FileOutcome(name, "different", f"its absence: there is no {path}")
    try:
        if before.read_bytes() == after.read_bytes():
            return FileOutcome(name, "identical")
        found = list(FILES[name](before, after))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OutputError(f"{before} and {after} cannot be compared: {error!r}") from error
    if not found:
        return FileOutcome(name, "within tolerance", "the way it is written, with the same content")
    sizes = [(size, place) for place, size in found if size < math.inf]
    largest, place = max(sizes, default=(None, ""))
    close = all(size <= tolerance for _, size in found)
    return FileOutcome(name, "within tolerance" if close else "different", found[0][0], largest, place)


# --- by kind of file -----------------------------------------------------------------------------------------------


def _epochs(before: Path, after: Path) -> Iterator[Parting]:
    """metrics.jsonl, line by line."""
    old, new = ([json.loads(line) for line in path.read_text().splitlines()] for path in (before, after))
    for one, other in zip(old, new, strict=False):
        yield from leaves(one, other, f"epoch {one['epoch']}: ")
    if len(old) != len(new):
        yield f"epoch {min(len(old), len(new)) + 1}: {len(old)} and {len(new)} epochs", math.inf


def _rows(before: Path, after: Path) -> Iterator[Parting]:
    """A CSV table by image id, numbers as numbers."""
    old, new = (_table(path) for path in (before, after))
    yield from leaves(old, new, "")


def _table(path: Path) -> dict[str, dict[str, Any]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {
        f"{row['image_id']}": {
            name: float(value) if name.startswith("probability_") else value for name, value in row.items()
        }
        for row in rows
    }


def _json(before: Path, after: Path) -> Iterator[Parting]:
    yield from leaves(json.loads(before.read_text()), json.loads(after.read_text()), "")


def _safetensors(before: Path, after: Path) -> Iterator[Parting]:
    from safetensors import SafetensorError

    from skinlab.networks import weights

    try:
        old, new = (weights.load(path) for path in (before, after))
    except SafetensorError as error:
        raise ValueError("no safetensors file") from error
    yield from _arrays(old, new)


def _onnx(before: Path, after: Path) -> Iterator[Parting]:
    """The graph's operations, then its weights."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        models = [path.read_bytes() for path in (before, after)]
        for model in models:
            require_closed(model)
        old, new = (onnx.load_model_from_string(model).graph for model in models)
    except DecodeError as error:
        raise ValueError("no ONNX model") from error
    steps = [[f"{node.op_type} {list(node.input)}" for node in graph.node] for graph in (old, new)]
    yield from leaves(steps[0], steps[1], "operation ")
    arrays = [{found.name: onnx.numpy_helper.to_array(found) for found in graph.initializer} for graph in (old, new)]
    yield from _arrays(arrays[0], arrays[1])


def _arrays(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Parting]:
    """Arrays by name, each by its largest difference."""
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new or old[name].shape != new[name].shape:
            yield name, math.inf
        elif not np.array_equal(old[name], new[name], equal_nan=old[name].dtype.kind == "f"):
            yield name, _distance(old[name], new[name])


def _distance(old: Any, new: Any) -> float:
    """Largest absolute difference; infinite where one has a number and the other has none, or for whole numbers."""
    if old.dtype.kind != "f" or new.dtype.kind != "f":
        return math.inf
    with np.errstate(invalid="ignore"):
        size = float(np.abs(old.astype(np.float64) - new.astype(np.float64)).max())
    return size if math.isfinite(size) else math.inf


def leaves(old: Any, new: Any, place: str) -> Iterator[Parting]:
    """The values in nested dicts and lists that are not the same, in their order.

    >>> list(leaves({"a": 1.0, "b": [1, "x"]}, {"a": 1.5, "b": [2, "x"]}, ""))
    [('a', 0.5), ('b 0', inf)]
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            if key in old and key in new:
                yield from leaves(old[key], new[key], f"{place}{key} ")
            else:
                yield f"{place}{key}".strip(), math.inf
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for number, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from leaves(one, other, f"{place}{number} ")
    elif not _same(old, new):
        both = isinstance(old, float) and isinstance(new, float) and math.isfinite(old) and math.isfinite(new)
        yield place.strip(), abs(old - new) if both else math.inf


def _same(old: Any, new: Any) -> bool:
    both_nan = isinstance(old, float) and isinstance(new, float) and math.isnan(old) and math.isnan(new)
    return both_nan or (type(old) is type(new) and bool(old == new))


FILES: Mapping[str, Callable[[Path, Path], Iterator[Parting]]] = {
    "split.csv": _rows,
    "metrics.jsonl": _epochs,
    "checkpoints/best.safetensors": _safetensors,
    "predictions.csv": _rows,
    "summary.json": _json,
    "bundle/model.onnx": _onnx,
}
"""What is compared, in the order in which it comes about."""
