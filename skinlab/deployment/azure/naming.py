"""What things are called in a workspace. The same bundle has the same names, so that nothing is registered twice."""

import hashlib
from dataclasses import dataclass

from skinlab import schema
from skinlab.config.rules import azure_name_problem
from skinlab.deployment.azure import environment
from skinlab.deployment.base import Request
from skinlab.errors import ConfigError
from skinlab.serving.bundle import CHECKSUMS

AzureRequest = Request[schema.AzureMlOnlineDeployment | schema.AzureMlAciDeployment | schema.AzureMlAksDeployment]
COLOURS = ("blue", "green")


@dataclass(frozen=True)
class Names:
    """What is made for a request.

    Attributes:
        service: the endpoint, or the service of SDK v1.
        model: registered with the bundle's files.
        model_version: of the bundle.
        environment: registered.
        environment_version: of its packages and image.
    """

    service: str
    model: str
    model_version: str
    environment: str
    environment_version: str


def names(request: AzureRequest) -> Names:
    """What is made for a request.

    Raises:
        ConfigError: the name of the deployment cannot be one in Azure.
        BundleError: an older skinlab wrote the bundle.
    """
    digest = hashlib.sha256((request.bundle.path / CHECKSUMS).read_bytes()).hexdigest()
    return Names(
        service(request),
        f"skinlab-{request.name}",
        digest[: environment.DIGITS],
        environment.NAME,
        environment.version(request.bundle, request.settings),
    )


def service(request: AzureRequest) -> str:
    """The name of the endpoint or service.

    Raises:
        ConfigError: the name of the deployment cannot be one in Azure.
    """
    declared = request.settings
    online = isinstance(declared, schema.AzureMlOnlineDeployment)
    given = declared.endpoint if isinstance(declared, schema.AzureMlOnlineDeployment) else declared.service
    if given is not None:
        return given
    if wrong := azure_name_problem(declared.target, request.name):
        key = "endpoint" if online else "service"
        raise ConfigError(f"{request.name} in Azure {wrong}: choose a deployment.{key} beside deployment.name")
    return request.name


def colour(request: AzureRequest) -> str:
    """What a new deployment beside that of before is called."""
    before = None if request.before is None else request.before.state["deployment"]
    return next(name for name in COLOURS if name != before)
