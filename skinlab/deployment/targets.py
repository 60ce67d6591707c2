"""The targets by the name of their choice; each is imported when it is asked for."""

from skinlab.deployment.base import Target
from skinlab.errors import DeploymentError


def find(name: str) -> Target:
    """The target of this name.

    Raises:
        DeploymentError: this version has none.
    """
    if name == "local":
        from skinlab.deployment.local import LocalTarget

        return LocalTarget()
    if name == "azureml_online":
        from skinlab.deployment.azure.online import OnlineTarget

        return OnlineTarget()
    if name in ("azureml_aci", "azureml_aks"):
        from skinlab.deployment.azure.first_sdk import FirstSdkTarget

        return FirstSdkTarget()
    raise DeploymentError(f"this version of skinlab cannot deploy to {name}")
