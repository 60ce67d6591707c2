"""Heat maps from a bundle alone, through ONNX Runtime.

The map and the gradient come out of the bundle's own graph and weights: what is explained is what is served.
"""

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import BundleError
from skinlab.evaluation.explain import Maps, from_pooled
from skinlab.networks.symmetries import VIEWS
from skinlab.serving.differentiating import CHOSEN, SLOPES, NoPlainHeadError, add_slopes
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import run_on_one_thread


class Explainer:
    """A bundle that tells where it sees a class; may be asked from several threads.

    Args:
        bundle: verified.

    Raises:
        BundleError: its network has something else than pooling, linear layers and ReLUs behind the last map.
    """

    def __init__(self, bundle: Bundle) -> None:
        import onnx
        from onnx import TensorProto, helper

        parts = bundle.signature.get("explain")
        if parts is None:
            raise BundleError(
                f"{bundle.path} cannot explain its answers: its signature names no feature map; "
                "an engine with its weights can, see docs/explain.md"
            )
        model = onnx.load_from_string(bundle.model)
        try:
            add_slopes(model.graph, parts["classifier"])
        except NoPlainHeadError as error:
            raise BundleError(f"{bundle.path} cannot explain its answers: {error}") from error
        del model.graph.output[:]
        for name in (parts["feature_map"], SLOPES):
            model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        self._input, self._map = bundle.signature["input"]["name"], parts["feature_map"]
        self._session = run_on_one_thread(model.SerializeToString(), bundle)
        self._views = VIEWS[bundle.tta]

    def heat_map(self, image: NDArray[np.uint8], class_index: int) -> Maps:
        """Where the class is seen; of a bundle that averages over views, the mean of their maps, turned back.

        Args:
            image: uint8 [size, size, 3].
            class_index: the class that is explained.

        Returns:
            float32 [h, w], the size of the last feature map.
        """
        chosen = np.full(len(self._views), class_index, dtype=np.int64)
        heat = from_pooled(*self._session.run([self._map, SLOPES], {self._input: image[np.newaxis], CHOSEN: chosen}))
        turned = [view.undo(heat[place : place + 1])[0] for place, view in enumerate(self._views)]
        return np.asarray(np.mean(turned, axis=0), dtype=np.float32)
