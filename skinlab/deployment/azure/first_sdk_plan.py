"""What a service of SDK v1 would be made of, and by which requests; nobody is asked."""

from typing import Any

from skinlab.deployment.azure import environment, naming
from skinlab.deployment.base import Request
from skinlab.schema import AzureMlAciDeployment, AzureMlAksDeployment
from skinlab.serving import packing, replay

Declared = AzureMlAciDeployment | AzureMlAksDeployment
Call = dict[str, Any]
PLACE = "https://REGION.modelmanagement.azureml.net/modelmanagement/v1.0"
"""Azure tells the region of a workspace; which address answers for it is not known before."""


def plan(request: Request[AzureMlAciDeployment] | Request[AzureMlAksDeployment]) -> dict[str, Any]:
    """Names, sizes and requests."""
    declared, names = request.settings, naming.names(request)
    workspace = (
        f"/subscriptions/{declared.subscription}/resourceGroups/{declared.resource_group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{declared.workspace}"
    )
    return {
        "name": request.name,
        "target": declared.target,
        "replaces": None if request.before is None else request.before.address,
        "workspace": workspace,
        "model": request.bundle.sha256,
        "registered_model": f"{names.model}, bundle {names.model_version}",
        "environment": {
            "name": names.environment,
            "image": declared.image,
            "python": environment.PYTHON,
            "packages": len(environment.requirements(request.bundle)),
        },
        "service": names.service,
        "size": sizes(declared),
        "keys": "a key that Azure makes" if _by_key(declared) else "a token of the workspace",
        "bundle_mb": round(packing.size(request.bundle) / 1e6, 1),
        "replay_images": len(replay.of(request.bundle)),
        "requests": [
            {
                "method": "POST",
                "url": f"{PLACE}{workspace}/models",
                "comment": "left out where it is registered already",
            },
            {"method": "POST", "url": f"{PLACE}{workspace}/services", "body": _body(declared, names.service)},
            {"method": "POST", "url": f"{PLACE}{workspace}/services/{names.service}/{_secret(declared)}"},
            {"method": "POST", "url": f"the address of {names.service}", "comment": "the replay set"},
        ],
    }


def sizes(declared: Declared) -> str:
    """How large, in words."""
    size = f"{declared.cpu_cores:g} cores, {declared.memory_gb:g} GB"
    if isinstance(declared, AzureMlAciDeployment):
        return f"a container of {size}"
    return f"{declared.replicas} x {size} on cluster {declared.cluster}"


def _by_key(declared: Declared) -> bool:
    return isinstance(declared, AzureMlAciDeployment) or declared.auth == "key"


def _secret(declared: Declared) -> str:
    return "listkeys" if _by_key(declared) else "token"


def _body(declared: Declared, service: str) -> Call:
    """What is asked for, in Azure's words."""
    body: Call = {
        "name": service,
        "computeType": "ACI" if isinstance(declared, AzureMlAciDeployment) else "AKS",
        "authEnabled": _by_key(declared),
        "containerResourceRequirements": {"cpu": declared.cpu_cores, "memoryInGB": declared.memory_gb},
    }
    if isinstance(declared, AzureMlAksDeployment):
        body |= {
            "computeName": declared.cluster,
            "numReplicas": declared.replicas,
            "maxConcurrentRequestsPerContainer": declared.concurrency,
            "scoringTimeoutMs": int(1000 * declared.request_seconds),
        }
    return body
