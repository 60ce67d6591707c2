"""The proof that what was made in Azure is what was evaluated, and what is said where there is nothing to prove."""

from collections.abc import Callable, Mapping

from skinlab.deployment.azure import failures
from skinlab.deployment.azure.naming import AzureRequest
from skinlab.deployment.base import Say
from skinlab.deployment.client import Client
from skinlab.deployment.verifying import Verified, verify
from skinlab.errors import DeploymentError
from skinlab.serving import replay
from skinlab.transfer.pace import Patience

PATIENCE = Patience(connect=10, read=90, tries=8, backoff=1, longest_backoff=20)
"""A service that was just made may not be reached at once."""


def prove(
    request: AzureRequest, address: str, key: str, otherwise: str, say: Say, headers: Mapping[str, str] | None = None
) -> Verified:
    """Ask for the replay set.

    Args:
        request: what was deployed.
        address: where it answers.
        key: what a request must bring.
        otherwise: what becomes of a service that answers differently.
        say: told what came of it.
        headers: that each request has besides.

    Raises:
        DeploymentError: it does not answer, or differently.
    """
    client = Client(address, key, PATIENCE, headers)
    verified = verify(client, replay.of(request.bundle), request.bundle.classes)
    say(verified.said())
    if not verified.agrees:
        raise DeploymentError(f"{request.name} is not the model that was evaluated: {verified.said()}; {otherwise}")
    return verified


def last_words(error: DeploymentError, logs: Callable[[], str]) -> DeploymentError:
    """An error with the end of the log of what failed, where there is one and the message has none."""
    if "\n" in str(error):
        return error
    try:
        return DeploymentError(f"{error}{failures.ends_with(logs())}")
    except DeploymentError:
        return error
