"""Images unlike the others in brightness, contrast or file size: worth a look, not wrong by themselves.

File size stands for the size of the image: decoding gives squashed images, and asking every file for its width and
height would cost more than the rest of the audit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_NORMAL_MAD = 1.4826  # standard deviation of a normal distribution in units of its median absolute deviation
_NORMAL_MEAN = 1.2533  # and of its mean absolute deviation


@dataclass(frozen=True)
class Outlier:
    """One image that stands out.

    Attributes:
        row: of the image.
        measure: what stands out: brightness, contrast or file_size.
        value: in grey levels, or in bytes.
        z: robust z-score, negative below the median.
    """

    row: int
    measure: str
    value: float
    z: float


def find_outliers(measures: Mapping[str, npt.NDArray[np.floating]], threshold: float) -> list[Outlier]:
    """The values further than `threshold` from the median of their measure, furthest first.

    Example:
        >>> found = find_outliers({"brightness": np.array([100.0, 101, 99, 102, 98, 250])}, 6)
        >>> [(outlier.row, outlier.z) for outlier in found]
        [(5, 67.22)]
    """
    found = []
    for measure, values in measures.items():
        scores = robust_z(np.log(np.maximum(values, 1)) if measure == "file_size" else values)
        rows = np.flatnonzero(np.abs(scores) > threshold)
        found += [
            Outlier(int(row), measure, round(float(values[row]), 2), round(float(scores[row]), 2)) for row in rows
        ]
    return sorted(found, key=lambda outlier: (-abs(outlier.z), outlier.measure, outlier.row))


def robust_z(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Distance from the median in robust standard deviations (Iglewicz and Hoaglin, ASQC 1993).

    By the median absolute deviation; where more than half of the values are equal, by the mean one.
    """
    away = values.astype(np.float64) - np.median(values)
    spread = float(np.median(np.abs(away))) * _NORMAL_MAD or float(np.abs(away).mean()) * _NORMAL_MEAN
    scores: npt.NDArray[np.float64] = away / spread if spread > 0 else away
    return scores
