"""Gradients of a class's logit with respect to a feature map, for Grad-CAM. Python 3.6, numpy and cntk alone.

CNTK gives gradients with respect to inputs that ask for them only: the part of the network behind the map is cloned
onto such an input. The clone shares its parameters, so that it follows the training.
"""

import numpy as np


class MapGradients:
    """The head behind a feature map, as a function of the map."""

    def __init__(self, cntk, logits, feature_map):
        """`logits` and `feature_map` are nodes of one graph."""
        self.map = feature_map
        self.given = cntk.input_variable(feature_map.shape, needs_gradient=True, name="map")
        self.chosen = cntk.input_variable(logits.shape, name="chosen")
        head = logits.clone(cntk.ops.functions.CloneMethod.share, {feature_map.output: self.given})
        self.score = cntk.reduce_sum(head * self.chosen)

    def compute(self, feed, classes):
        """Maps float32 [N, C, h, w] of the images in `feed`, and the gradients of each image's class (a list of N)."""
        maps = self.map.eval(feed)
        chosen = np.eye(self.chosen.shape[0], dtype=np.float32)[classes]
        gradients = self.score.grad({self.given: maps, self.chosen: chosen}, wrt=[self.given])
        return np.asarray(maps), np.asarray(gradients)
