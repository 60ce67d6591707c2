"""Heat maps from a bundle alone, through ONNX Runtime: for networks whose gradient is known without differentiating.

The map and the classifier's weights are read out of the bundle's own graph: what is explained is what is served.
"""

import numpy as np
from numpy.typing import NDArray

from skinlab.errors import BundleError
from skinlab.evaluation.explain import Maps, closed_form
from skinlab.networks.symmetries import VIEWS
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import run_on_one_thread


class Explainer:
    """A bundle that tells where it sees a class; may be asked from several threads.

    Args:
        bundle: verified.

    Raises:
        BundleError: the last layers of its network are of another kind.
    """

    def __init__(self, bundle: Bundle) -> None:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        parts = bundle.signature.get("explain")
        if parts is None:
            raise BundleError(
                f"{bundle.path} cannot explain its answers: its network does not end in an average and one linear layer"
            )
        model = onnx.load_from_string(bundle.model)
        arrays = {item.name: item for item in model.graph.initializer}
        self._weight: NDArray[np.float32] = numpy_helper.to_array(arrays[f"{parts['classifier']}.weight"])
        del model.graph.output[:]
        model.graph.output.append(helper.make_tensor_value_info(parts["feature_map"], TensorProto.FLOAT, None))
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
        maps = self._session.run([self._map], {self._input: image[np.newaxis]})[0]
        heat = closed_form(maps, self._weight, np.full(len(maps), class_index))
        turned = [view.undo(heat[place : place + 1])[0] for place, view in enumerate(self._views)]
        return np.asarray(np.mean(turned, axis=0), dtype=np.float32)
