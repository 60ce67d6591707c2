"""skinlab: declarative experiments for skin-lesion image classification.

Research software: nothing it prints is a diagnosis.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skinlab.deployment.client import Client

__all__ = ["Client", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`skinlab.Client`, imported when it is asked for: a bare import stays instant."""
    if name == "Client":
        from skinlab.deployment.client import Client

        return Client
    raise AttributeError(f"module 'skinlab' has no attribute {name!r}")
