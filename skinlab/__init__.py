"""skinlab: declarative experiments for skin-lesion image classification.

Research software: nothing it prints is a diagnosis.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skinlab.api import (
        compare,
        compose,
        deploy,
        deployments,
        evaluate,
        fetch,
        open_data,
        open_run,
        open_sweep,
        resume,
        review,
        sweep,
        train,
    )
    from skinlab.deployment.client import Client

__all__ = [
    "Client",
    "__version__",
    "compare",
    "compose",
    "deploy",
    "deployments",
    "evaluate",
    "fetch",
    "open_data",
    "open_run",
    "open_sweep",
    "resume",
    "review",
    "sweep",
    "train",
]
__version__ = "0.1.0"

_FROM = dict.fromkeys(__all__, "skinlab.api") | {"Client": "skinlab.deployment.client"}
"""Where each name comes from: imported when it is asked for, so that a bare import stays instant."""


def __getattr__(name: str) -> object:
    """A name of the Python interface."""
    if name not in _FROM:
        raise AttributeError(f"module 'skinlab' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_FROM[name]), name)
