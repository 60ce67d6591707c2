"""What is trained: one module a method, each from prepared data to predictions, with the weights in the checkpoints."""

from skinlab import schema
from skinlab.data.prepare import Prepared
from skinlab.methods.featurize import featurize
from skinlab.methods.finetune import finetune
from skinlab.methods.head import train_head
from skinlab.methods.trained import Trained
from skinlab.run import Run


def train(config: schema.Config, data: Prepared, run: Run) -> Trained:
    """Carry out the declared method.

    Raises:
        SkinlabError: of the kind that says whose fault it was: the declaration, the data, the engine, the disk.
    """
    if isinstance(config.method, schema.Featurize):
        return featurize(config, config.method, data, run)
    if isinstance(config.method, schema.Head):
        return train_head(config, data, run)
    return finetune(config, config.method, data, run)
