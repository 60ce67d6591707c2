"""Heat maps from a bundle alone, through ONNX Runtime.

The map and the gradient come out of the bundle's own graph and weights: what is explained is what is served.
"""

import hashlib
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import BundleError
from skinlab.evaluation.explain import Maps, from_pooled
from skinlab.kept import Kept
from skinlab.networks.symmetries import VIEWS
from skinlab.networks.timm_map import FeatureMap
from skinlab.serving.differentiating import CHOSEN, SLOPES, NoPlainHeadError, add_slopes
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import run_on_one_thread
from skinlab.serving.splitting import split

DOCS = "docs/explain.md"
UNNAMED = "its signature names no feature map"

_maps: Kept[Maps] = Kept(2**26, lambda maps: maps.nbytes)
"""Last feature maps: trials of a sweep over a frozen network show many of the same images."""


class NoExplanationError(BundleError):
    """A bundle cannot tell where it sees a class.

    Attributes:
        why: the reason, without the bundle's path.
    """

    def __init__(self, bundle: Bundle, why: str) -> None:
        super().__init__(f"{bundle.path} cannot explain its answers: {why}; an engine with its weights may, see {DOCS}")
        self.why = why


class Explainer:
    """A bundle that tells where it sees a class; may be asked from several threads.

    Args:
        bundle: verified.

    Raises:
        NoExplanationError: its network has something behind the last map that is not differentiated here.
    """

    def __init__(self, bundle: Bundle) -> None:
        import onnx

        parts = bundle.signature.get("explain")
        if parts is None:
            raise NoExplanationError(bundle, bundle.signature.get("explain_why") or UNNAMED)
        model = onnx.load_from_string(bundle.model)
        try:
            add_slopes(model.graph, parts["classifier"], parts["feature_map"])
        except NoPlainHeadError as error:
            raise NoExplanationError(bundle, str(error)) from error
        before, behind = split(model, parts["feature_map"], SLOPES)
        self._input, self._map = bundle.signature["input"]["name"], parts["feature_map"]
        self._network = _Network(before, bundle, self._input, self._map)
        self._head = run_on_one_thread(behind, bundle)
        self._views = VIEWS[bundle.tta]
        self._lies = FeatureMap("features", parts.get("channels_last", False), parts.get("prefix", 0))

    def heat_map(self, image: NDArray[np.uint8], class_index: int) -> Maps:
        """Where the class is seen; of a bundle that averages over views, the mean of their maps, turned back.

        Args:
            image: uint8 [size, size, 3].
            class_index: the class that is explained.

        Returns:
            float32 [h, w], the size of the last feature map.
        """
        chosen = np.full(len(self._views), class_index, dtype=np.int64)
        maps = self._network.maps(image)
        slopes = self._head.run([SLOPES], {self._map: maps, CHOSEN: chosen})[0]
        heat = from_pooled(self._lies.places(maps), slopes)
        turned = [view.undo(heat[place : place + 1])[0] for place, view in enumerate(self._views)]
        return np.asarray(np.mean(turned, axis=0), dtype=np.float32)


class _Network:
    """The part of a bundle's model up to its last feature map; opened when a map is needed that nobody kept."""

    def __init__(self, model: bytes, bundle: Bundle, image: str, feature_map: str) -> None:
        self._model, self._bundle = model, bundle
        self._image, self._map = image, feature_map
        self._sha256 = hashlib.sha256(model).digest()
        self._opening = threading.Lock()
        self._session: Any = None

    def maps(self, image: NDArray[np.uint8]) -> Maps:
        """The map of an image uint8 [size, size, 3] in each of the bundle's views, as the model has it."""
        key = (self._sha256, image.shape, hashlib.sha256(image.tobytes()).digest())
        return _maps.get(key, lambda: self._opened().run([self._map], {self._image: image[np.newaxis]})[0])

    def _opened(self) -> Any:
        with self._opening:
            if self._session is None:
                self._session = run_on_one_thread(self._model, self._bundle)
        return self._session
