"""What computes: one protocol, one implementation per framework."""

from skinlab import schema
from skinlab.engines.base import Engine


def start(engine: schema.CntkEngine, seed: int) -> Engine:
    """Start the declared engine.

    Raises:
        SetupError: its runtime is not installed.
        EngineError: it is installed and does not start.
    """
    from skinlab.engines.cntk.client import CntkEngine

    return CntkEngine(engine, seed)
