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


def keep_warm() -> None:
    """Let what is slow to start wait for the next training of this process instead of ending with each."""
    from skinlab.engines.cntk import warm

    warm.keep()


def gpus(engine: schema.Engine) -> dict[str, int]:
    """The GPUs that the declared engine may compute on: what identifies each on this machine, and its number.

    Numbers are those of `engine.device=gpu:N`, among the GPUs that CUDA_VISIBLE_DEVICES leaves, ascending; empty: it
    computes on the CPU, or `start` will say what is wrong.
    """
    if engine.device == "cpu":
        return {}
    together = 1
    if isinstance(engine, schema.TorchEngine):
        from skinlab.engines.torch import hardware

        found, together = hardware.gpu_identities(), engine.devices
    else:
        from skinlab.engines.cntk import gpu, runtime

        found = gpu.identities() if engine.workers == 1 and runtime.root_of("gpu").is_dir() else {}
    if ":" not in engine.device:
        return found
    first = int(engine.device.removeprefix("gpu:"))
    return {identity: number for identity, number in found.items() if first <= number < first + together}
