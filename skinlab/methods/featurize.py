"""A linear classifier on the features of a frozen network: `method=featurize`. No engine is started."""

import logging
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skinlab import networks, records, schema
from skinlab.data.prepare import Prepared
from skinlab.data.split import SUBSETS
from skinlab.methods.trained import Trained
from skinlab.networks import pretrained, weights
from skinlab.networks.symmetries import IDENTITY, Symmetry
from skinlab.run import Run
from skinlab.training import features, linear
from skinlab.training.checkpoint import Checkpoints, Position
from skinlab.training.loop import mean_over

log = logging.getLogger(__name__)


def featurize(config: schema.Config, method: schema.Featurize, data: Prepared, run: Run) -> Trained:
    """Fit a linear classifier to the features of the network as its declared weights make it."""
    architecture = networks.build(config.network, len(data.classes))
    first = pretrained.start(config.network, architecture, data.classes, config.seed)
    records.weights(run, first)
    records.engine(run, features.describe(), {})
    with run.timed("features_s"):
        computed = features.features(
            architecture, first.arrays, data.images, data.sha256, colour_profile=data.colour_profile
        )
    log.info("%s", records.describe_features(method, architecture, computed))
    rows = {subset: data.rows(subset) for subset in SUBSETS}
    with run.timed("training_s"):
        seen = [(computed[rows[subset]], data.targets[rows[subset]]) for subset in ("train", "validation")]
        weight, bias = linear.fit_classifier(method, seen[0], seen[1], len(data.classes))

    def seen_logits(of: NDArray[np.int64], view: Symmetry) -> NDArray[np.float64]:
        if view == IDENTITY:
            return linear.logits(weight, bias, computed[of])
        turned = features.features(
            architecture, first.arrays, data.images, data.sha256, rows=of, view=view, colour_profile=data.colour_profile
        )
        return linear.logits(weight, bias, turned)

    Checkpoints(run.folder("checkpoints")).save_best(weights.with_classifier(architecture, first.arrays, weight, bias))
    predictions = {
        subset: mean_over(config.evaluation.tta, partial(seen_logits, rows[subset]))
        for subset in ("validation", "test")
    }
    return Trained(architecture, predictions, Position())
