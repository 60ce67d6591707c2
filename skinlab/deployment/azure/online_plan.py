"""What a managed online endpoint would be made of, and by which requests; nobody is asked."""

from typing import Any

from skinlab.deployment.azure import environment, naming
from skinlab.deployment.azure.environment import SCRIPT
from skinlab.deployment.azure.naming import Names
from skinlab.deployment.base import Request
from skinlab.schema import AzureMlOnlineDeployment
from skinlab.serving import packing, replay

MANAGEMENT = "https://management.azure.com"
NEW = "left out where it is registered already"
Call = dict[str, Any]


def plan(request: Request[AzureMlOnlineDeployment]) -> dict[str, Any]:
    """Names, sizes and requests."""
    declared, names, colour = request.settings, naming.names(request), naming.colour(request)
    return {
        "name": request.name,
        "target": declared.target,
        "replaces": None if request.before is None else request.before.address,
        "workspace": f"{MANAGEMENT}{workspace_path(declared)}",
        "model": request.bundle.sha256,
        "registered_model": f"{names.model}:{names.model_version}",
        "environment": {
            "name": f"{names.environment}:{names.environment_version}",
            "image": declared.image,
            "python": environment.PYTHON,
            "packages": len(environment.requirements(request.bundle)),
        },
        "endpoint": names.service,
        "deployment": colour,
        "instances": f"{declared.instance_count} x {declared.instance_type}",
        "keys": "a key that Azure makes" if declared.auth == "key" else "a token of Microsoft Entra",
        "bundle_mb": round(packing.size(request.bundle) / 1e6, 1),
        "replay_images": len(replay.of(request.bundle)),
        "requests": requests(request, names, colour),
    }


def workspace_path(declared: AzureMlOnlineDeployment) -> str:
    """The workspace in Azure's addresses."""
    return (
        f"/subscriptions/{declared.subscription}/resourceGroups/{declared.resource_group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{declared.workspace}"
    )


def requests(request: Request[AzureMlOnlineDeployment], names: Names, colour: str) -> list[Call]:
    """What changes something in Azure, in order; what only looks is left out, and so are uploads of files."""
    before = request.before
    endpoint = f"onlineEndpoints/{names.service}"
    calls = [
        _call(
            request,
            "PUT",
            f"models/{names.model}/versions/{names.model_version}",
            NEW,
            modelType="custom_model",
        ),
        _call(
            request,
            "PUT",
            f"environments/{names.environment}/versions/{names.environment_version}",
            NEW,
            image=request.settings.image,
        ),
        *([] if before else [_call(request, "PUT", endpoint, authMode=_auth(request.settings))]),
        _call(request, "PUT", "codes/CODE/versions/VERSION", f"{SCRIPT}; Azure's SDK chooses the name"),
        _deployment(request, names, colour),
        _call(request, "POST", f"{endpoint}/listKeys") if request.settings.auth == "key" else None,
        {"method": "POST", "url": f"the address of {names.service}", "comment": "the replay set, to " + colour},
        _call(request, "PUT", endpoint, traffic={colour: 100}),
        _call(request, "DELETE", f"{endpoint}/deployments/{before.state['deployment']}") if before else None,
    ]
    return [call for call in calls if call is not None]


def _deployment(request: Request[AzureMlOnlineDeployment], names: Names, colour: str) -> Call:
    declared = request.settings
    where = workspace_path(declared)
    call = _call(
        request,
        "PUT",
        f"onlineEndpoints/{names.service}/deployments/{colour}",
        endpointComputeType="Managed",
        instanceType=declared.instance_type,
        model=f"{where}/models/{names.model}/versions/{names.model_version}",
        environmentId=f"{where}/environments/{names.environment}/versions/{names.environment_version}",
        requestSettings={"maxConcurrentRequestsPerInstance": declared.concurrency},
    )
    return call | {"sku": {"name": "Default", "capacity": declared.instance_count}}


def _auth(declared: AzureMlOnlineDeployment) -> str:
    return "Key" if declared.auth == "key" else "AADToken"


def _call(
    request: Request[AzureMlOnlineDeployment], method: str, path: str, comment: str = "", **properties: Any
) -> Call:
    call: Call = {"method": method, "url": f"{MANAGEMENT}{workspace_path(request.settings)}/{path}"}
    if properties:
        call["properties"] = properties
    return call | ({"comment": comment} if comment else {})
