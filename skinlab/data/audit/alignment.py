"""Are two images copies of one? Lays one over the other and compares their fine structure.

All dermoscopy images resemble each other in the large, a dark blob on skin, and a copy may be cropped by a few per
cent. So the images are aligned first, and what is compared is structure of a few pixels of the thumbnail (pigment
network, dots, hair, scale marks), each part of the image relative to its own contrast.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from skinlab.data.audit.signature import THUMBNAIL

VERSION = 1
"""Any change of the numbers raises it: similarities are cached."""

Grey = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Placement = npt.NDArray[np.float64]
"""(scale x, shift x, scale y, shift y) about the centre, in pixels: where a pixel's partner lies in the other image."""

_COARSE, _FINE = (1.0, 6.0), (0.7, 3.0)  # bands between two Gaussians, by their standard deviations in pixels
_CROP = 0.05  # placements that are tried first: one image is the other, or a crop of it by this much
_PROMISING = 0.7  # coarse correlation below which nothing more is tried; copies have 0.88 and more
_STEPS = 6
_SCALES, _SHIFTS = (0.85, 1.18), (-6.0, 6.0)
_NOISE, _SURROUNDINGS = 2.0, 4.0  # grey levels that count as noise; pixels over which contrast is judged
_BORDER = 2
_LEAST_OVERLAP = 0.5


def similarity(one: Grey, other: Grey) -> float:
    """How far two thumbnails agree in fine structure, in the best of four orientations and after alignment.

    Args:
        one: float32 [64, 64], grey levels, from `skinlab.data.audit.signature.thumbnail`.
        other: the same.

    Returns:
        A normalised correlation, at most 1, rounded to 3 digits; 0 where not even the coarse structure agrees.
    """
    moving = _band(one, _COARSE)
    orientations = [np.ascontiguousarray(other[::down, ::across]) for down in (1, -1) for across in (1, -1)]
    targets = np.stack([_band(each, _COARSE) for each in orientations])
    correlations = _tried(moving, targets)
    start, turn = np.unravel_index(int(np.argmax(correlations)), correlations.shape)
    if correlations[start, turn] < _PROMISING:
        return 0.0
    first, fine, fine_target = _starts()[start], _band(one, _FINE), _band(orientations[turn], _FINE)
    moved = _descend(fine, fine_target, _descend(moving, targets[turn], first))
    best = max((first, moved), key=lambda placement: _correlation(fine, fine_target, placement))
    return round(_correlation(_levelled(fine), _levelled(fine_target), best), 3)


def _band(grey: Grey, widths: tuple[float, float]) -> Grey:
    """What is between two Gaussian blurs."""
    import cv2

    low, high = (cv2.GaussianBlur(grey, (0, 0), width) for width in widths)
    return np.asarray(low - high, np.float32)


def _levelled(band: Grey) -> Grey:
    """Structure relative to the contrast around it, so that one dark blob does not decide."""
    import cv2

    return np.asarray(band / (np.sqrt(cv2.GaussianBlur(band * band, (0, 0), _SURROUNDINGS)) + _NOISE), np.float32)


@cache
def _starts() -> list[Placement]:
    """The placements that are tried first."""
    placements = [np.array([1.0, 0.0, 1.0, 0.0])]
    scale, reach = 1 - _CROP, THUMBNAIL * _CROP / 2
    for right in (-reach, 0.0, reach):
        for down in (-reach, 0.0, reach):
            placements.append(np.array([scale, right, scale, down]))
            placements.append(np.array([1 / scale, right / scale, 1 / scale, down / scale]))
    return placements


def _warp(grey: Grey, placement: Placement) -> Grey:
    """The image as it lies under the other."""
    import cv2

    scale_x, shift_x, scale_y, shift_y = placement
    centre = (THUMBNAIL - 1) / 2
    matrix = np.array([[scale_x, 0, centre * (1 - scale_x) + shift_x], [0, scale_y, centre * (1 - scale_y) + shift_y]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(grey, matrix, grey.shape, flags=flags, borderMode=cv2.BORDER_CONSTANT), np.float32)


def _overlap(placement: Placement) -> Mask:
    """Where both images have something, without their borders."""
    inner = np.zeros((THUMBNAIL, THUMBNAIL), np.float32)
    inner[_BORDER:-_BORDER, _BORDER:-_BORDER] = 1
    both: Mask = (_warp(inner, placement) > 0.99) & (inner > 0)  # noqa: PLR2004 - interpolated from whole pixels
    return both


@cache
def _start_overlaps() -> npt.NDArray[np.float64]:
    return np.stack([_overlap(placement).ravel() for placement in _starts()]).astype(np.float64)


def _tried(moving: Grey, targets: Grey) -> npt.NDArray[np.float64]:
    """The correlation of each first placement with each target: float64 [placements, targets]."""
    masks, flat = _start_overlaps(), targets.reshape(len(targets), -1).astype(np.float64)
    sizes = masks.sum(axis=1, keepdims=True)
    warped = np.stack([_warp(moving, placement).ravel() for placement in _starts()]) * masks
    warped = (warped - warped.sum(axis=1, keepdims=True) / sizes) * masks
    spread = masks @ (flat * flat).T - (masks @ flat.T) ** 2 / sizes
    norms = np.sqrt((warped * warped).sum(axis=1, keepdims=True) * np.maximum(spread, 0))
    correlations: npt.NDArray[np.float64] = (warped @ flat.T) / np.maximum(norms, 1e-9)
    return correlations


def _correlation(moving: Grey, target: Grey, placement: Placement) -> float:
    both = _overlap(placement)
    if both.mean() < _LEAST_OVERLAP:
        return 0.0
    one, other = _warp(moving, placement)[both].astype(np.float64), target[both].astype(np.float64)
    one, other = one - one.mean(), other - other.mean()
    norm = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / norm if norm > 0 else 0.0


def _descend(moving: Grey, target: Grey, placement: Placement) -> Placement:
    """A placement that fits better: Gauss-Newton steps on scales and shifts, with gain and offset of the grey levels.

    Lucas and Kanade, IJCAI 1981. The result may be worse than the start where the images are not copies.
    """
    import cv2

    slopes = [
        np.asarray(cv2.Sobel(moving, cv2.CV_32F, *axis, ksize=3, scale=1 / 8), np.float32) for axis in ((1, 0), (0, 1))
    ]
    away = ((np.arange(THUMBNAIL) + 0.5) / THUMBNAIL - 0.5).astype(np.float32)
    damping = 1e-3 / 6 * np.array([1, 1e-2, 1, 1e-2, 1e-4, 1e-4])
    for _ in range(_STEPS):
        mask, warped = _overlap(placement), _warp(moving, placement)
        along_x, along_y = (_warp(slope, placement) * mask for slope in slopes)
        columns = (along_x * away, along_x, along_y * away[:, None], along_y, warped * mask, mask)
        design = np.stack([column.ravel() for column in columns], axis=1).astype(np.float64)
        normal = design.T @ design
        normal[np.diag_indices(6)] += damping * np.trace(normal) + 1e-9
        step = np.linalg.solve(normal, design.T @ ((target - warped) * mask).ravel().astype(np.float64))[:4]
        placement = placement + step / (THUMBNAIL, 1, THUMBNAIL, 1)
        placement[0::2] = placement[0::2].clip(*_SCALES)
        placement[1::2] = placement[1::2].clip(*_SHIFTS)
        if np.abs(step).max() < 0.02:  # noqa: PLR2004 - pixels
            break
    return placement
