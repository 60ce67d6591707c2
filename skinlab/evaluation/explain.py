"""Where in the image a class is seen: Grad-CAM (Selvaraju et al., ICCV 2017), the same for every engine.

The heat map of a class is the sum of the last feature map's channels, each weighted by the mean gradient of the class's
logit with respect to it, where that sum is positive. For a network that averages the map and classifies it by one
linear layer the mean gradient is the layer's weight over the number of places in the map: the heat map is then the
class activation map of Zhou et al. (CVPR 2016) without its negative part.

A heat map shows what the network looked at, not whether it is right to do so.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from skinlab.engines.base import Differentiable

Maps = NDArray[np.float32]
OPACITY = 0.6
"""Of the hottest place of an overlay; the coldest is clear."""
LEAST_SIDE = 256
"""Width and height in pixels below which an overlay is too small to look at."""


def heat_maps(engine: Differentiable, images: NDArray[np.uint8], classes: NDArray[np.int64]) -> Maps:
    """Grad-CAM by an engine's gradients.

    Args:
        engine: built with the weights to explain.
        images: uint8 [N, H, W, 3].
        classes: int64 [N], the class that is explained in each.

    Returns:
        float32 [N, h, w], the size of the last feature map; 0 where nothing speaks for the class.
    """
    return grad_cam(*engine.gradients(images, classes))


def grad_cam(maps: Maps, gradients: Maps) -> Maps:
    """Heat maps float32 [N, h, w] of feature maps and gradients, both float32 [N, C, h, w].

    >>> maps = np.array([[[[1, 2]], [[3, 0]]]], dtype=np.float32)
    >>> grad_cam(maps, np.array([[[[2, 0]], [[-1, -1]]]], dtype=np.float32)).tolist()
    [[[0.0, 2.0]]]
    """
    weights = gradients.mean(axis=(2, 3), dtype=np.float64)
    return _weighted(maps, weights)


def from_pooled(maps: Maps, slopes: NDArray[np.float32]) -> Maps:
    """The same by the gradients with respect to what the maps were pooled to.

    Pooling hands each gradient on in full, be it by a mean or by a maximum: the sum over a channel is the same before
    and behind it.

    Args:
        maps: float32 [N, C, h, w], the last feature maps.
        slopes: float32 [N, C * k], the gradients of the k pooled values of each channel, channel after channel. After a
            mean over the whole map and with one linear layer this is the layer's weight for the class, k = 1.

    >>> maps = np.array([[[[1, 2]], [[3, 0]]]], dtype=np.float32)
    >>> from_pooled(maps, np.array([[2, -2]], dtype=np.float32)).tolist()
    [[[0.0, 2.0]]]
    """
    count, channels, height, width = maps.shape
    sums = slopes.reshape(count, channels, -1).sum(axis=2, dtype=np.float64)
    return _weighted(maps, sums / (height * width))


def _weighted(maps: Maps, weights: NDArray[np.float64]) -> Maps:
    summed = np.einsum("nchw,nc->nhw", maps, weights)
    return np.asarray(np.maximum(summed, 0), dtype=np.float32)


def overlay(image: NDArray[np.uint8], heat: Maps) -> NDArray[np.uint8]:
    """An image with its heat map above it, in colours that are told apart with any colour vision (viridis).

    The hottest place of each image is yellow: overlays show where, not how much; their strengths cannot be compared.

    Args:
        image: uint8 [S, S, 3], as the network saw it.
        heat: float32 [h, w].

    Returns:
        uint8 [side, side, 3], side being S or `LEAST_SIDE`.
    """
    from PIL import Image

    side = max(image.shape[0], LEAST_SIDE)
    bilinear = Image.Resampling.BILINEAR
    seen = np.array(Image.fromarray(image).resize((side, side), bilinear), dtype=np.float64)
    strength = np.asarray(Image.fromarray(_to_one(heat)).resize((side, side), bilinear), dtype=np.float64)
    table = _viridis()
    colours = table.take(np.clip((strength * len(table)).astype(np.int64), 0, len(table) - 1), axis=0)
    opacity = np.repeat(OPACITY * strength[..., np.newaxis], 3, axis=2)  # numpy is slow at spreading one over three
    colours *= opacity
    seen *= 1 - opacity
    seen += colours
    return np.rint(seen).astype(np.uint8)


@cache
def _viridis() -> NDArray[np.float64]:
    """Its colours from the lowest to the highest, 0..255: float64 [256, 3]. Making an overlay took longest here."""
    import matplotlib as mpl

    viridis = mpl.colormaps["viridis"]
    return np.asarray(viridis(np.arange(viridis.N)), dtype=np.float64)[:, :3] * 255


def _to_one(heat: Maps) -> Maps:
    """The heat map as a fraction of its largest value; all 0 stays so."""
    top = heat.max()
    return heat if top == 0 else heat / top


def png(image: NDArray[np.uint8]) -> bytes:
    """The content of a PNG file of uint8 [H, W, 3]; the same image gives the same bytes."""
    from io import BytesIO

    from PIL import Image

    stream = BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()
