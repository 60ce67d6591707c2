"""Small declarations and images for the tests of the data room."""

import ctypes
import io
import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from skinlab.config import compose
from skinlab.schema import (
    ColumnSplit,
    Dataset,
    FileSplit,
    FolderDataset,
    HoldoutSplit,
    IsicChallengeDataset,
    IsicCliDataset,
    KFoldSplit,
    SubsetValues,
    SyntheticDataset,
    TableDataset,
)

COMMON: dict[str, Any] = {
    "classes": None,
    "on_other_label": "drop",
    "positive_class": None,
    "on_corrupt": "drop",
    "on_missing": "fail",
    "missing_values": [],
    "on_spelling": "fail",
    "colour_profile": "convert",
    "label_log": None,
    "label_revision": None,
    "shuffle_labels": False,
    "image_size": 32,
}
TABULAR: dict[str, Any] = {**COMMON, "separator": None, "encoding": None}


def noise_image(seed: int, width: int = 40, height: int = 30) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def encoded(image: Image.Image, extension: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, extension, **options)
    return stream.getvalue()


def folder_dataset(path: Path | str, **changes: Any) -> FolderDataset:
    return FolderDataset(**{"name": "folder", "path": str(path), **COMMON, **changes})


def table_dataset(path: Path | str, **changes: Any) -> TableDataset:
    keys = {
        "table": [],
        "image_root": None,
        "image_column": "image_id",
        "label_column": "label",
        "label_values": {},
        "group_column": None,
        "metadata": [],
        "given_split": None,
    }
    return TableDataset(**{"name": "table", "path": str(path), **keys, **TABULAR, **changes})


def synthetic_dataset(**changes: Any) -> SyntheticDataset:
    keys = {
        "images": 20,
        "seed": 0,
        "draw_size": 48,
        "malignant_fraction": 0.5,
        "difficulty": 0.2,
        "label_noise": 0.0,
        "images_per_lesion": 1.0,
    }
    return SyntheticDataset(**{"name": "synthetic", **keys, **COMMON, **changes})


def holdout_split(**changes: Any) -> HoldoutSplit:
    return HoldoutSplit(**{"name": "holdout", "given": "use", "validation": 0.2, "test": 0.2, "seed": 0, **changes})


def kfold_split(**changes: Any) -> KFoldSplit:
    return KFoldSplit(**{"name": "kfold", "folds": 5, "fold": 0, "validation": 0.25, "seed": 0, **changes})


def column_split(column: str, **changes: Any) -> ColumnSplit:
    values = {"train": ["train"], "validation": ["val"], "test": ["test"], **changes.pop("values", {})}
    keys = {"on_other_value": "fail", "validation": None, "seed": 0, **changes}
    return ColumnSplit(name="column", column=column, values=SubsetValues(**values), **keys)


def file_split(path: Path | str, **changes: Any) -> FileSplit:
    return FileSplit(**{"name": "file", "path": str(path), "on_mismatch": "fail", **changes})


def known_dataset(name: str, path: Path | str, **changes: Any) -> Dataset:
    """A published data set, as conf/dataset/ declares it."""
    declared = compose([f"dataset={name}", "dataset.path=."]).config.dataset
    return replace(declared, path=str(path), **changes)  # type: ignore[call-arg]


def ham10000_dataset(path: Path | str, **changes: Any) -> Dataset:
    return known_dataset("ham10000", path, **changes)


def isic_challenge_dataset(path: Path | str, ground_truth: Path | str, **changes: Any) -> IsicChallengeDataset:
    keys = {"path": str(path), "ground_truth": str(ground_truth), "metadata": None, "image_root": []}
    return IsicChallengeDataset(**{"name": "isic_challenge", **keys, **TABULAR, **changes})


def isic_cli_dataset(path: Path | str, **changes: Any) -> IsicCliDataset:
    return IsicCliDataset(**{"name": "isic_cli", "path": str(path), "label_column": None, **TABULAR, **changes})


def bound(*words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Runs a command for which file permissions hold, also where the tests are run by root."""
    return subprocess.run(words, capture_output=True, text=True, check=False, preexec_fn=_drop_override, **options)


def _drop_override() -> None:
    if os.geteuid() == 0:
        drop_from_bounding_set, dac_override = 24, 1
        ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override)
