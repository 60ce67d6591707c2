"""What computes: one protocol, one implementation per framework."""

from skinlab import schema
from skinlab.engines.base import Engine


def start(engine: schema.Engine, seed: int) -> Engine:
    """Start the declared engine.

    Raises:
        SetupError: its runtime is not installed.
        EngineError: it is installed and does not start.
    """
    if isinstance(engine, schema.TorchEngine):
        from skinlab.engines.torch.engine import TorchEngine

        return TorchEngine(engine)  # it draws nothing, so it needs no seed
    from skinlab.engines.cntk.client import CntkEngine

    return CntkEngine(engine, seed)
