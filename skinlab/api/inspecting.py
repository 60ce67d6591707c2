"""A declared data set as an object to look into: what `skinlab data audit`, `preview` and `labels` do, with frames."""

from dataclasses import asdict
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skinlab import files
from skinlab.api import display, frames
from skinlab.api.declaring import Experiment, compose, plain
from skinlab.commands import data_audit, data_preview
from skinlab.data.audit.page import sections
from skinlab.data.classes import labels_of
from skinlab.data.label_log import edit
from skinlab.data.label_log.entries import Entry
from skinlab.data.label_log.place import log_of, log_path
from skinlab.data.label_log.store import LabelLog
from skinlab.data.sources import load
from skinlab.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from skinlab.data.prepare import Prepared


class Sheet:
    """A contact sheet of training images; shown as a picture.

    Attributes:
        png: its file.
    """

    def __init__(self, png: bytes) -> None:
        self.png = png

    def save(self, path: str | PathLike[str]) -> Path:
        """Write it.

        Raises:
            OutputError: it cannot be written.
        """
        files.write_bytes(Path(path), self.png)
        return Path(path)

    def _repr_png_(self) -> bytes:
        return self.png


class DataView:
    """The images of a declaration as training would have them: read, corrected, audited, split.

    They are read when something is asked for that needs them, and read anew after a label was corrected.

    Attributes:
        experiment: the declaration.
    """

    def __init__(self, experiment: Experiment) -> None:
        self.experiment = experiment

    def __repr__(self) -> str:
        return f"<data set {self.experiment.dataset.name} of experiment {self.experiment.name}>"

    @property
    def images(self) -> "pd.DataFrame":
        """A row an image: its subset, label, group, file, and what else the source knows of it, by image_id."""
        manifest = self._prepared.manifest
        columns = {
            "image_id": manifest.image_ids,
            "subset": self._prepared.subsets,
            "label": manifest.labels,
            "group": manifest.groups,
            "path": manifest.paths,
            **manifest.attributes,
        }
        return frames.pandas().DataFrame({name: list(values) for name, values in columns.items()}).set_index("image_id")

    @property
    def counts(self) -> "pd.DataFrame":
        """Images by class and subset."""
        found = self._prepared.findings.counts
        return frames.frame([{"label": label, **found[label]} for label in self.classes], "label")

    @property
    def classes(self) -> list[str]:
        """The classes, in the order of a model's outputs."""
        return self._prepared.classes

    @property
    def audit(self) -> dict[str, Any]:
        """All that was found, as audit.json has it."""
        return self._prepared.audit

    @property
    def findings(self) -> "pd.DataFrame":
        """A row a kind of finding: how often, what it means, and the first examples."""
        return frames.frame(self._findings(), "finding")

    def save_audit(self, folder: str | PathLike[str]) -> Path:
        """Write audit.json and audit.html, which shows the images side by side.

        Returns:
            The page.

        Raises:
            OutputError: the folder cannot be written.
        """
        data_audit.write(self._prepared, self.experiment.dataset.name, Path(folder))
        return Path(folder) / "audit.html"

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """An image as the network gets it, before augmentation: uint8 [size, size, 3], RGB.

        Raises:
            DataError: there is no such image, or it cannot be read.
        """
        rows = {name: row for row, name in enumerate(self._prepared.manifest.image_ids)}
        if image_id not in rows:
            raise DataError(f"no image {image_id} in the data set; ids are such as {', '.join(list(rows)[:2])}")
        return np.array(self._prepared.images[rows[image_id]])

    def preview(self, images: int = data_preview.IMAGES, changes: int = data_preview.CHANGES) -> Sheet:
        """Training images, each as it is and then as training sees it epoch by epoch.

        Args:
            images: how many of each class.
            changes: how many epochs, or fixed copies.

        Raises:
            ConfigError: too few or too many.
        """
        data_preview.check_range("images", images)
        data_preview.check_range("changes", changes)
        return Sheet(data_preview.sheet(plain(self.experiment), images, changes))

    @property
    def corrections(self) -> "pd.DataFrame":
        """The log of corrected labels, an entry a row; empty where the data set has none."""
        entries = LabelLog(path).read() if (path := log_path(self.experiment.dataset)) else []
        return frames.frame([asdict(entry) for entry in entries], "number")

    def correct(self, image_id: str, label: str, *, why: str, who: str | None = None) -> Entry:
        """Give an image another label: an entry of the label log beside the data, which stays as it came.

        Args:
            image_id: the image.
            label: one of the source's, before classes merge them, or one that `dataset.classes` names.
            why: the reason.
            who: by whom; None: the user of this process.

        Raises:
            DataError: no such image or label, nothing to change, no reason, or phantoms without `dataset.label_log`.
            OutputError: the log cannot be written.
        """
        dataset = self.experiment.dataset
        further = labels_of(dataset.classes)
        return self._changed(
            edit.set_label(log_of(dataset), load(dataset), image_id, label, why=why, who=who, further=further)
        )

    def undo(self, entry: int | str, *, why: str, who: str | None = None) -> Entry:
        """Give an image the label back that it had before an entry of the log; a new entry too.

        Args:
            entry: its number, or the beginning of its hash; the last one of its image.
            why: the reason.
            who: by whom; None: the user of this process.

        Raises:
            DataError: no such entry, or a later one of the same image.
            OutputError: the log cannot be written.
        """
        return self._changed(edit.undo(log_of(self.experiment.dataset), str(entry), why=why, who=who))

    @cached_property
    def _prepared(self) -> "Prepared":
        return data_audit.examined(plain(self.experiment))

    def _changed(self, entry: Entry) -> Entry:
        self.__dict__.pop("_prepared", None)
        return entry

    def _findings(self) -> list[dict[str, Any]]:
        return [
            {
                "finding": section.title,
                "count": len(section.entries),
                "meaning": section.meaning,
                "first": data_audit.first(section),
            }
            for section in sections(self._prepared.findings)
        ]

    def _repr_html_(self) -> str:
        found = self._prepared.findings
        counts = [[label, *found.counts[label].values()] for label in self.classes]
        findings = [[one["finding"], one["count"], one["first"]] for one in self._findings() if one["count"]]
        title = f"data set {self.experiment.dataset.name}: {found.images} images"
        return display.data(title, data_preview.notes(plain(self.experiment)), counts, findings)


def open_data(experiment: Experiment | str, *overrides: str) -> DataView:
    """Look into a declared data set; nothing is trained.

    Args:
        experiment: as `compose` gives it, or the first override.
        overrides: where no experiment is given: as typed on the command line, e.g. `"dataset=folder"`.

    Raises:
        ConfigError: wrong overrides.
    """
    if isinstance(experiment, str):
        return DataView(compose(experiment, *overrides))
    return DataView(experiment.with_(*overrides) if overrides else experiment)
