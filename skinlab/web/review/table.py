"""The images under review as a table that is filtered and ordered: which rows, in which order, at which revision.

Labels come from the label log: they are those of a snapshot, so that a list does not move while somebody works on it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from skinlab.data.label_log.entries import Entry, last_by_image
from skinlab.evaluation.suspicion import Suspicion, queue, suspect
from skinlab.web.image_sets import ImageSet
from skinlab.web.review.evidence import Evidence

Value = TypeVar("Value")
CONFLICT = "copy under another label"
DOUBTED = "doubted by the model"
SUSPICION, BY_ID, BY_LABEL, BY_LOSS = "suspicion", "id", "label", "loss"
ORDERS = (SUSPICION, BY_LOSS, BY_ID, BY_LABEL)
FACETS = 60
"""A column with so many different values or fewer can be chosen from."""
_KEPT = 24


@dataclass(frozen=True)
class Query:
    """What is asked for; an empty text asks for anything.

    Attributes:
        label: the label now.
        source: the label of the source.
        corrected: only images whose label is not that of the source.
        subset: of the run.
        finding: of the audit, `CONFLICT` or `DOUBTED`.
        attribute: a column of the data set.
        value: what it holds; counts with `attribute` alone.
        text: anywhere in the id, the group or a column, in upper or lower case.
        order: of `ORDERS`.
    """

    label: str = ""
    source: str = ""
    corrected: bool = False
    subset: str = ""
    finding: str = ""
    attribute: str = ""
    value: str = ""
    text: str = ""
    order: str = SUSPICION


@dataclass(frozen=True)
class Snapshot:
    """The labels after some entries of the log.

    Attributes:
        entries: how many.
        labels: int64 [N], places in `Table.names`.
        last: the number of the last entry of each image that has one, by row.
        suspicion: of all labels; of images that no run judged the loss is -1. None: no run was given.
        conflicting: [N], whether an image has a copy under another label.
        order: the rows, the most suspect first.
    """

    entries: int
    labels: npt.NDArray[np.int64]
    last: dict[int, int]
    suspicion: Suspicion | None
    conflicting: npt.NDArray[np.bool_]
    order: npt.NDArray[np.int64]


class Table:
    """The table of one data set.

    Args:
        opened: the data set, with the labels of the source.
        evidence: about its images.
        further: labels that no image has yet.

    Attributes:
        names: all labels, in the order of their keys; those that others enter later come at the end.
    """

    def __init__(self, opened: ImageSet, evidence: Evidence, further: Iterable[str] = ()) -> None:
        self.opened, self.evidence = opened, evidence
        self.names = sorted({*opened.manifest.labels, *further} - {""})
        self._snapshots: _Few[tuple[int, str], Snapshot] = _Few()
        self._found: _Few[tuple[Query, int, str], npt.NDArray[np.int64]] = _Few()
        self._lock = threading.Lock()
        self._texts: list[str] | None = None
        with self._lock:
            self._source = self._places(opened.manifest.labels)

    def __len__(self) -> int:
        return len(self.opened.manifest)

    def facets(self) -> dict[str, list[str]]:
        """The columns that can be chosen from, with what they hold."""
        held = {name: set(column) for name, column in self.opened.manifest.attributes.items()}
        return {name: sorted(values) for name, values in held.items() if 1 < len(values) <= FACETS}

    def snapshot(self, entries: Sequence[Entry]) -> Snapshot:
        """The labels after these entries of the log."""
        return self._snapshots.get(_moment(entries), lambda: self._made(entries))

    def rows(self, query: Query, entries: Sequence[Entry]) -> npt.NDArray[np.int64]:
        """The rows that a query asks for, in its order, with the labels after these entries."""
        return self._found.get((query, *_moment(entries)), lambda: self._select(query, self.snapshot(entries)))

    def _places(self, labels: Iterable[str]) -> npt.NDArray[np.int64]:
        places = {name: place for place, name in enumerate(self.names)}
        return np.array([places.get(label, -1) for label in labels], np.int64)

    def _made(self, entries: Sequence[Entry]) -> Snapshot:
        with self._lock:
            new = {entry.new_label for entry in entries} - {*self.names, ""}
            self.names.extend(sorted(new))
        places = {name: place for place, name in enumerate(self.names)}
        labels, last = self._source.copy(), {}
        for image_id, entry in last_by_image(entries).items():
            row = self.opened.row_of(image_id)
            if row is not None:
                last[row] = entry.number
                labels[row] = places.get(entry.new_label, -1) if entry.corrects else self._source[row]
        classes = self._classes(labels)
        conflicting = self.evidence.copies.conflicting(labels if classes is None else classes)
        suspicion = None if classes is None else self._suspicion(classes)
        order = np.argsort(~conflicting, kind="stable")
        if suspicion is not None:
            order = queue(suspicion, conflicting)
        return Snapshot(len(entries), labels, last, suspicion, conflicting, order)

    def _classes(self, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64] | None:
        """The class of each image as the run has them, -1 where it has none; None: no run was given."""
        if self.evidence.predictions is None:
            return None
        of = self.evidence.predictions.class_of
        by_place = np.array([*(of.get(name, -1) for name in self.names), -1], np.int64)
        return by_place[labels]

    def _suspicion(self, classes: npt.NDArray[np.int64]) -> Suspicion:
        """Of all images; of those that were not judged, nothing."""
        assert self.evidence.predictions is not None  # noqa: S101 - classes come from it
        chances = self.evidence.predictions.probabilities
        judged = np.flatnonzero(~np.isnan(chances[:, 0]) & (classes >= 0))
        found = suspect(chances[judged], classes[judged])
        suggested, doubted = classes.copy(), np.zeros(len(classes), bool)
        margin, loss = np.zeros(len(classes)), np.full(len(classes), -1.0)
        suggested[judged], doubted[judged] = found.suggested, found.doubted
        margin[judged], loss[judged] = found.margin, found.loss
        return Suspicion(found.thresholds, suggested, doubted, margin, loss)

    # --- filters ---------------------------------------------------------------------------------------------------

    def _select(self, query: Query, at: Snapshot) -> npt.NDArray[np.int64]:
        mask = np.ones(len(self), bool)
        if query.label:
            mask &= at.labels == self._place(query.label)
        if query.source:
            mask &= self._source == self._place(query.source)
        if query.corrected:
            mask &= at.labels != self._source
        if query.subset and self.evidence.subsets is not None:
            mask &= np.array([subset == query.subset for subset in self.evidence.subsets], bool)
        if query.finding:
            mask &= self._with_finding(query.finding, at)
        if query.attribute in self.opened.manifest.attributes:
            column = self.opened.manifest.attributes[query.attribute]
            mask &= np.array([value == query.value for value in column], bool)
        if query.text:
            needle = query.text.casefold()
            mask &= np.array([needle in text for text in self._searched()], bool)
        order = self._ordered(query.order, at)
        return order[mask[order]]

    def _place(self, label: str) -> int:
        return self.names.index(label) if label in self.names else -2

    def _with_finding(self, finding: str, at: Snapshot) -> npt.NDArray[np.bool_]:
        if finding == CONFLICT:
            return at.conflicting
        if finding == DOUBTED:
            return np.zeros(len(self), bool) if at.suspicion is None else at.suspicion.doubted
        mask = np.zeros(len(self), bool)
        mask[list(self.evidence.findings.get(finding, {}))] = True
        return mask

    def _ordered(self, order: str, at: Snapshot) -> npt.NDArray[np.int64]:
        if order == SUSPICION:
            return at.order
        if order == BY_LABEL:
            return np.argsort(at.labels, kind="stable")
        if order == BY_LOSS and at.suspicion is not None:
            return np.argsort(-at.suspicion.loss, kind="stable")
        return np.arange(len(self))

    def _searched(self) -> list[str]:
        if self._texts is None:
            manifest = self.opened.manifest
            columns = [manifest.image_ids, [group or "" for group in manifest.groups], *manifest.attributes.values()]
            self._texts = ["\n".join(parts).casefold() for parts in zip(*columns, strict=True)]
        return self._texts


def _moment(entries: Sequence[Entry]) -> tuple[int, str]:
    return len(entries), entries[-1].hash if entries else ""


Key = TypeVar("Key")


class _Few(OrderedDict[Key, Value]):
    """Remembers the results that were asked for last."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Value]) -> Value:  # type: ignore[override]
        """What is remembered, or made now."""
        with self._lock:
            if key in self:
                self.move_to_end(key)
                return self[key]
        made = make()
        with self._lock:
            self[key] = made
            while len(self) > _KEPT:
                self.popitem(last=False)
        return made
