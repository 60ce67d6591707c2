"""Heat maps from a bundle alone, through ONNX Runtime.

The map and the gradient come out of the bundle's own graph and weights: what is explained is what is served.
"""

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import BundleError
from skinlab.evaluation.explain import Maps, from_pooled
from skinlab.networks.symmetries import VIEWS
from skinlab.networks.timm_map import FeatureMap
from skinlab.serving.differentiating import CHOSEN, SLOPES, NoPlainHeadError, add_slopes
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import run_on_one_thread

DOCS = "docs/explain.md"
UNNAMED = "its signature names no feature map"


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
        from onnx import TensorProto, helper

        parts = bundle.signature.get("explain")
        if parts is None:
            raise NoExplanationError(bundle, bundle.signature.get("explain_why") or UNNAMED)
        model = onnx.load_from_string(bundle.model)
        try:
            add_slopes(model.graph, parts["classifier"], parts["feature_map"])
        except NoPlainHeadError as error:
            raise NoExplanationError(bundle, str(error)) from error
        del model.graph.output[:]
        for name in (parts["feature_map"], SLOPES):
            model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        self._input, self._map = bundle.signature["input"]["name"], parts["feature_map"]
        self._session = run_on_one_thread(model.SerializeToString(), bundle)
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
        maps, slopes = self._session.run([self._map, SLOPES], {self._input: image[np.newaxis], CHOSEN: chosen})
        heat = from_pooled(self._lies.places(maps), slopes)
        turned = [view.undo(heat[place : place + 1])[0] for place, view in enumerate(self._views)]
        return np.asarray(np.mean(turned, axis=0), dtype=np.float32)
