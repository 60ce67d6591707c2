"""A managed online endpoint of Azure ML. A new deployment is made beside the old one, replayed, then gets the traffic.

Where something fails the traffic goes back to what had it, and what was made is deleted.
"""

from typing import Any

from skinlab import schema
from skinlab.deployment.azure import kept, naming, online_plan
from skinlab.deployment.azure.failures import LOG_LINES, GoneError
from skinlab.deployment.azure.naming import Names
from skinlab.deployment.azure.online_workspace import HEADER, Workspace
from skinlab.deployment.azure.proving import last_words, prove
from skinlab.deployment.azure.undo import Undo
from skinlab.deployment.base import Access, Request, Say
from skinlab.deployment.record import Record
from skinlab.deployment.verifying import Verified
from skinlab.errors import DeploymentError
from skinlab.serving.loading import Bundle

OnlineRequest = Request[schema.AzureMlOnlineDeployment]
WORKING = "Succeeded"


class OnlineTarget:
    """A managed online endpoint."""

    def plan(self, request: OnlineRequest) -> dict[str, Any]:
        """What would be made, with the requests that make it."""
        kept.require_same_place(request, naming.service(request))
        return online_plan.plan(request)

    def deploy(self, request: OnlineRequest, say: Say) -> Record:
        """Make a deployment, replay it, move the traffic, delete the one before."""
        names, colour = naming.names(request), naming.colour(request)
        kept.require_same_place(request, names.service)
        workspace = Workspace(request.settings)
        with kept.making(request) as (bundle, undo):
            _make(request, workspace, names, colour, bundle, undo, say)
            verified = _tried(request, workspace, names.service, colour, say)
            _move(request, workspace, names.service, colour, undo)
            say(f"endpoint {names.service} answers from {colour}")
            address = workspace.address(names.service)
            record = kept.write(request, names, bundle, address, verified, deployment=colour)
        if request.before is not None:
            _retire(request.before, workspace, say)
        return record

    def status(self, record: Record) -> str:
        """Running, gone, or what Azure calls it."""
        workspace = _workspace(record)
        try:
            state = workspace.state(record.state["service"], record.state["deployment"])
        except GoneError:
            return "gone"
        return "running" if state == WORKING else state.lower()

    def access(self, record: Record) -> Access:
        """The address, and a key or token that is asked for each time."""
        return Access(record.address, _workspace(record).key(record.state["service"]))

    def logs(self, record: Record, lines: int) -> str:
        """The end of the log of the deployment's container."""
        text = _workspace(record).logs(record.state["service"], record.state["deployment"], lines)
        return "".join(f"{line}\n" for line in text.splitlines()[-lines:])

    def restart(self, record: Record, say: Say) -> Record:
        """A new deployment with the same bundle and settings takes the place of this one."""
        return self.deploy(kept.again(record, schema.AzureMlOnlineDeployment), say)

    def delete(self, record: Record, say: Say) -> None:
        """Delete the endpoint with all its deployments, and take the model from the lists."""
        workspace, service, (model, version) = _workspace(record), record.state["service"], record.state["model"]
        with kept.forgetting(record):
            say(f"deleting endpoint {service}: this takes minutes")
            workspace.delete_endpoint(service)
            workspace.archive_model(model, version)
            where = f"the storage of workspace {record.settings['workspace']}"
            say(f"model {model}:{version} is archived; its files stay in {where}")


def _workspace(record: Record) -> Workspace:
    return Workspace(kept.settings(record, schema.AzureMlOnlineDeployment))


def _make(
    request: OnlineRequest, workspace: Workspace, names: Names, colour: str, bundle: Bundle, undo: Undo, say: Say
) -> None:
    """Everything but the traffic."""
    service, declared = names.service, request.settings
    if request.before is None and workspace.has_endpoint(service):
        raise DeploymentError(
            f"endpoint {service} is in workspace {declared.workspace} already, and is none that skinlab made here: "
            "choose another deployment.endpoint"
        )
    say(f"registering model {names.model}:{names.model_version}")
    workspace.register(names, bundle)
    if request.before is None:
        say(f"making endpoint {service}")
        undo.add(f"endpoint {service}", lambda: workspace.delete_endpoint(service))
        workspace.make_endpoint(service)
    else:
        undo.add(f"deployment {colour} of endpoint {service}", lambda: workspace.delete_deployment(service, colour))
    say(f"making deployment {colour}, {declared.instance_count} x {declared.instance_type}: this takes minutes")
    try:
        workspace.make_deployment(names, colour, bundle)
    except DeploymentError as error:
        raise last_words(error, lambda: workspace.logs(service, colour, LOG_LINES)) from error


def _tried(request: OnlineRequest, workspace: Workspace, service: str, colour: str, say: Say) -> Verified:
    """Ask the new deployment, which has no traffic, for the replay set."""
    before = "" if request.before is None else ", and what answered before goes on"
    address, key = workspace.address(service), workspace.key(service)
    return prove(request, address, key, f"it is deleted{before}", say, {HEADER: colour})


def _move(request: OnlineRequest, workspace: Workspace, service: str, colour: str, undo: Undo) -> None:
    """All traffic to the new deployment; back where that or the rest fails."""
    if request.before is not None:
        old = request.before.state["deployment"]
        undo.add(f"the traffic of endpoint {service} to {old}", lambda: workspace.give_traffic(service, old))
    workspace.give_traffic(service, colour)


def _retire(before: Record, workspace: Workspace, say: Say) -> None:
    """Delete the deployment that answered before; where that fails the new one answers all the same."""
    old = before.state["deployment"]
    try:
        workspace.delete_deployment(before.state["service"], old)
    except DeploymentError as error:
        say(f"{error}; it answers nothing any more and costs money: delete it by hand")
