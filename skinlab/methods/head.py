"""Gradient descent on the last layer alone, on features that are computed once: `method=head`.

What `method.freeze=backbone` trains without augmentation, up to rounding, but the backbone runs once for all epochs and
for all trials of a sweep.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from skinlab import engines, networks, records, schema
from skinlab.data.prepare import Prepared
from skinlab.methods.finetune import fit_observed, make_loader, plan_of
from skinlab.methods.trained import Trained
from skinlab.networks import architecture as description
from skinlab.networks import pretrained
from skinlab.networks.symmetries import IDENTITY, Symmetry
from skinlab.run import Run
from skinlab.training import features
from skinlab.training.checkpoint import Checkpoints
from skinlab.training.loop import Observer, mean_over

log = logging.getLogger(__name__)


def train_head(config: schema.Config, data: Prepared, run: Run, watchers: Sequence[Observer] = ()) -> Trained:
    """Train dropout and last layer on the declared engine; the network keeps its other weights as they are declared."""
    architecture = networks.build(config.network, len(data.classes))
    first = pretrained.start(config.network, architecture, data.classes, config.seed)
    records.weights(run, first)
    with run.timed("features_s"):
        computed = features.features(
            architecture, first.arrays, data.images, data.sha256, colour_profile=data.colour_profile
        )
    head = description.head(
        architecture.classifier(), architecture.image_size, architecture.features, architecture.classes
    )
    loader = replace(
        make_loader(config, data, architecture.features), images=computed, augment=None, copies=0, workers=0
    )
    plan = plan_of(head, config, loader.epoch_images, frozenset())
    checkpoints = Checkpoints(run.folder("checkpoints"))
    with engines.start(config.engine, config.seed) as engine:
        records.engine(run, engine.describe() | {"features": features.describe()}, engine.packages())
        log.info("%s", records.describe_head(config, architecture, len(loader.rows), engine))
        with run.timed("training_s"):
            engine.build(plan, {name: first.arrays[name] for name in head.parameters()})
            fitted = fit_observed(config, data, plan, engine, loader, run, watchers)
        best = {name: array for name, array in checkpoints.load_best().items() if name in head.parameters()}
        engine.build(plan, best)

        def seen_logits(rows: NDArray[np.int64], view: Symmetry) -> NDArray[np.float32]:
            if view == IDENTITY:
                return engine.predict(computed[rows])
            return engine.predict(
                features.features(architecture, first.arrays, data.images, data.sha256, rows=rows, view=view)
            )

        with run.timed("evaluation_s"):
            predictions = {
                subset: mean_over(config.evaluation.tta, partial(seen_logits, data.rows(subset)))
                for subset in ("validation", "test")
            }
    checkpoints.save_best(first.arrays | best)
    return Trained(architecture, predictions, fitted.position)
