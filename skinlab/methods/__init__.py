"""What is trained: one module a method, each from prepared data to predictions, with the weights in the checkpoints."""

from collections.abc import Sequence

from skinlab import schema
from skinlab.data.prepare import Prepared
from skinlab.methods.featurize import featurize
from skinlab.methods.finetune import finetune
from skinlab.methods.head import train_head
from skinlab.methods.trained import Trained
from skinlab.run import Run
from skinlab.training.loop import Observer


def train(config: schema.Config, data: Prepared, run: Run, watchers: Sequence[Observer] = ()) -> Trained:
    """Carry out the declared method; `watchers` are told about each epoch where there are epochs.

    Raises:
        SkinlabError: of the kind that says whose fault it was: the declaration, the data, the engine, the disk.
    """
    if isinstance(config.method, schema.Featurize):
        return featurize(config, config.method, data, run)
    if isinstance(config.method, schema.Head):
        return train_head(config, data, run, watchers)
    return finetune(config, config.method, data, run, watchers)
