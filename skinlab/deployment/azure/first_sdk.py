"""Container instances and Kubernetes behind Azure ML's SDK v1, out of Microsoft's support since June 2026.

SDK v1 knows no second deployment behind one address: a service is replaced in place and replayed after that. Where this
fails, the bundle that answered before is deployed again.
"""

from typing import Any

from skinlab.deployment.azure import first_sdk_plan, kept, naming
from skinlab.deployment.azure.failures import LOG_LINES, GoneError
from skinlab.deployment.azure.first_sdk_workspace import Declared, FirstWorkspace
from skinlab.deployment.azure.naming import Names
from skinlab.deployment.azure.proving import last_words, prove
from skinlab.deployment.azure.undo import Undo
from skinlab.deployment.base import Access, Request, Say
from skinlab.deployment.record import Record
from skinlab.errors import DeploymentError
from skinlab.schema import AzureMlAciDeployment, AzureMlAksDeployment
from skinlab.serving.loading import Bundle

FirstRequest = Request[AzureMlAciDeployment] | Request[AzureMlAksDeployment]
WORKING = "Healthy"
OUT_OF_SUPPORT = (
    "Azure ML's SDK v1 has been out of Microsoft's support since June 2026: prefer deployment=azureml_online"
)
UNENCRYPTED = "it answers over http, without encryption: send it no image of a patient over a network you do not trust"


class FirstSdkTarget:
    """A service of SDK v1: `azureml_aci` or `azureml_aks`."""

    def plan(self, request: FirstRequest) -> dict[str, Any]:
        """What would be made, with the requests that make it."""
        kept.require_same_place(request, naming.service(request))
        return {"support": OUT_OF_SUPPORT} | first_sdk_plan.plan(request)

    def deploy(self, request: FirstRequest, say: Say) -> Record:
        """Make the service, or replace it, and replay it."""
        names = naming.names(request)
        kept.require_same_place(request, names.service)
        workspace = FirstWorkspace(request.settings)
        say(OUT_OF_SUPPORT)
        with kept.making(request) as (bundle, undo):
            _make(request, workspace, names, bundle, undo, say)
            address = workspace.address(names.service)
            if address.startswith("http:"):
                say(UNENCRYPTED)
            otherwise = "it is deleted" if request.before is None else "what answered before is deployed again"
            verified = prove(request, address, workspace.key(names.service), otherwise, say)
            return kept.write(request, names, bundle, address, verified)

    def status(self, record: Record) -> str:
        """Running, gone, or what Azure calls it."""
        try:
            state = _workspace(record).state(record.state["service"])
        except GoneError:
            return "gone"
        return "running" if state == WORKING else state.lower()

    def access(self, record: Record) -> Access:
        """The address, and a key or token that is asked for each time."""
        return Access(record.address, _workspace(record).key(record.state["service"]))

    def logs(self, record: Record, lines: int) -> str:
        """The end of the log of the service's container."""
        text = _workspace(record).logs(record.state["service"], lines)
        return "".join(f"{line}\n" for line in text.splitlines()[-lines:])

    def restart(self, record: Record, say: Say) -> Record:
        """The same bundle and settings once more; the service does not answer in between."""
        return self.deploy(_again(record), say)

    def delete(self, record: Record, say: Say) -> None:
        """Delete the service and the registered model."""
        workspace, service, (model, version) = _workspace(record), record.state["service"], record.state["model"]
        with kept.forgetting(record):
            say(f"deleting service {service}")
            workspace.delete(service)
            workspace.delete_model(model, version)
            where = f"the storage of workspace {record.settings['workspace']}"
            say(f"the files of model {model} stay in {where}")


def _declared(record: Record) -> Declared:
    if record.target == "azureml_aci":
        return kept.settings(record, AzureMlAciDeployment)
    return kept.settings(record, AzureMlAksDeployment)


def _again(record: Record) -> FirstRequest:
    if record.target == "azureml_aci":
        return kept.again(record, AzureMlAciDeployment)
    return kept.again(record, AzureMlAksDeployment)


def _workspace(record: Record) -> FirstWorkspace:
    return FirstWorkspace(_declared(record))


def _make(request: FirstRequest, workspace: FirstWorkspace, names: Names, bundle: Bundle, undo: Undo, say: Say) -> None:
    """The service, with the step back."""
    service = names.service
    if request.before is None and workspace.has(service):
        raise DeploymentError(
            f"service {service} is in workspace {request.settings.workspace} already, and is none that skinlab made "
            "here: choose another deployment.service"
        )
    say(f"registering model {names.model}")
    model = workspace.register(names, bundle)
    if request.before is None:
        undo.add(f"service {service}", lambda: workspace.delete(service))
    else:
        before = _again(request.before)
        undo.add(f"service {service} as it was before", lambda: _put_back(before, say))
    say(f"making service {service}, {first_sdk_plan.sizes(request.settings)}: this takes minutes")
    try:
        workspace.make(names, bundle, model)
    except DeploymentError as error:
        raise last_words(error, lambda: workspace.logs(service, LOG_LINES)) from error


def _put_back(request: FirstRequest, say: Say) -> None:
    """Deploy what answered before once more."""
    say("deploying what answered before again")
    workspace, names = FirstWorkspace(request.settings), naming.names(request)
    workspace.make(names, request.bundle, workspace.register(names, request.bundle))
