"""Managed online endpoints, as far as SDK v2 asks for them; an endpoint's deployments really answer."""

import json
import uuid
from pathlib import Path
from typing import Any

from tests.deployment.azure.containers import CrashedError
from tests.deployment.azure.service import ROOT, WORKSPACE, Answer, Call, Service, refusal

SOON = {"Retry-After": "1"}
STORE = "workspaceblobstore"
KEY, SECOND_KEY = "the-first-key-of-an-endpoint", "the-second-key-of-an-endpoint"


class OnlineService(Service):
    """The service.

    Attributes:
        resources: by path, as they were put.
        operations: what becomes of long-running ones; None: it never ends.
        logs: of containers that crashed, by path.
        failing: how the making of each deployment ends; None: as it does.
        never: nothing that takes long ends.
    """

    def __init__(self, folder: Path, certificate: Path) -> None:
        super().__init__(folder, certificate)
        self.resources: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.logs: dict[str, str] = {}
        self.failing: dict[str, Any] | None = None
        self.never = False
        store = {
            "datastoreType": "AzureBlob",
            "accountName": "storage",
            "containerName": "blobs",
            "isDefault": True,
            "credentials": {"credentialsType": "Sas"},
            "serviceDataAccessAuthIdentity": "None",
        }
        self.resources[ROOT] = {"location": "westeurope", "properties": {"friendlyName": WORKSPACE}}
        self.resources[f"{ROOT}/datastores/{STORE}"] = {"properties": store}
        deployment = rf"({ROOT}/onlineEndpoints/[^/]+)/deployments/([^/]+)"
        self.routes += [
            ("GET", r"/operations/(.+)", self._operation),
            ("POST", rf"{ROOT}/datastores/[^/]+/listSecrets", self._secrets),
            ("POST", rf"{ROOT}/codes/([^/]+)/versions/([^/]+)/startPendingUpload", self._pending),
            ("POST", rf"({ROOT}/onlineEndpoints/[^/]+)/listKeys", self._keys),
            ("POST", rf"{deployment}/getLogs", self._log),
            ("PUT", rf"{ROOT}/onlineEndpoints/([^/]+)", self._put_endpoint),
            ("PUT", deployment, self._put_deployment),
            ("DELETE", rf"({ROOT}/onlineEndpoints/[^/]+)(?:/deployments/[^/]+)?", self._delete),
            ("PUT", rf"({ROOT}/.+)", self._put),
            ("GET", rf"({ROOT}/.+)/(?:deployments|versions)", self._list),
            ("GET", rf"({ROOT}.*)", self._get),
            ("POST", r"/score/([^/]+)", self._score),
        ]

    def endpoint(self, name: str) -> Any:
        """The properties of an endpoint; None: there is none."""
        found = self.resources.get(f"{ROOT}/onlineEndpoints/{name}")
        return None if found is None else found["properties"]

    def deployments(self, name: str) -> list[str]:
        """Deployments of an endpoint."""
        prefix = f"{ROOT}/onlineEndpoints/{name}/deployments/"
        return sorted(path[len(prefix) :] for path in self.resources if path.startswith(prefix))

    def answer(self, call: Call) -> Answer:
        """Management wants a token; the rest looks for itself."""
        if call.path.startswith("/subscriptions") and (refused := self.signed_in(call)) is not None:
            self.calls.append((call.method, call.path, None))
            return refused
        return super().answer(call)

    def end_all(self) -> None:
        """Let whatever goes on end; the SDK asks for as long as it does."""
        self.never = False
        ended = {"status": "Canceled"}
        self.operations |= {number: ended for number, outcome in self.operations.items() if outcome is None}

    def _shown(self, path: str) -> dict[str, Any]:
        resource = self.resources[path]
        return {"id": path, "name": path.rpartition("/")[2], "type": "x", **resource}

    def _get(self, call: Call, path: str) -> Answer:
        if path not in self.resources:
            return refusal(404, "ResourceNotFound", f"The Resource '{path}' was not found.")
        return Answer(200, self._shown(path))

    def _list(self, call: Call, parent: str) -> Answer:
        kind = call.path.rpartition("/")[2]
        prefix = f"{parent}/{kind}/"
        return Answer(200, {"value": [self._shown(path) for path in self.resources if path.startswith(prefix)]})

    def _put(self, call: Call, path: str) -> Answer:
        new = path not in self.resources
        self.resources[path] = resource = call.json()
        if "/models/" in path:
            resource["properties"]["flavors"] = {}
        return Answer(201 if new else 200, self._shown(path))

    def _secrets(self, call: Call) -> Answer:
        return Answer(200, {"secretsType": "Sas", "sasToken": "sv=2021&sig=secret"})

    def _pending(self, call: Call, name: str, version: str) -> Answer:
        where = f"{self.base}/storage/{name}-{version}"
        reference = {"blobUri": where, "storageAccountArmId": "x", "credential": {"sasUri": f"{where}?sig=secret"}}
        reference["credential"]["credentialType"] = "SAS"
        return Answer(200, {"pendingUploadId": None, "blobReferenceForConsumption": reference})

    def _later(self, status: int, path: str, outcome: dict[str, Any] | None) -> Answer:
        """Accepted; how it ends is asked for."""
        number = uuid.uuid4().hex
        self.operations[number] = None if self.never else outcome
        headers = SOON | {"Azure-AsyncOperation": f"{self.base}/operations/{number}"}
        body = self._shown(path) if path in self.resources else None
        return Answer(status, body, headers)

    def _operation(self, call: Call, number: str) -> Answer:
        outcome = self.operations[number]
        return Answer(200, {"status": "InProgress"} if outcome is None else outcome, dict(SOON))

    def _put_endpoint(self, call: Call, name: str) -> Answer:
        body = call.json()
        traffic = body["properties"].get("traffic") or {}
        if unknown := set(traffic) - set(self.deployments(name)):
            return refusal(400, "BadArgument", f"There is no deployment {', '.join(unknown)}.")
        body["properties"] |= {
            "scoringUri": f"{self.base}/score/{name}",
            "provisioningState": "Succeeded",
            "traffic": traffic,
        }
        return self._put(Call(call.method, call.path, {}, {}, json.dumps(body).encode()), call.path)

    def _put_deployment(self, call: Call, endpoint: str, name: str) -> Answer:
        self._put(call, call.path)
        resource = self.resources[call.path]["properties"]
        resource["scaleSettings"] = {"scaleType": "Default"}
        outcome = self.failing or self._started(call.path, f"{endpoint.rpartition('/')[2]}/{name}", resource)
        resource["provisioningState"] = outcome["status"]
        return self._later(201, call.path, outcome)

    def _started(self, path: str, name: str, deployment: dict[str, Any]) -> dict[str, Any]:
        """Run the uploaded files; how that ends."""
        code = self.resources[deployment["codeConfiguration"]["codeId"]]["properties"]["codeUri"]
        model = self.resources[deployment["model"]]["properties"]["modelUri"]
        assert deployment["environmentId"] in self.resources
        folder = model.partition("/paths/")[2].strip("/")
        uploaded = self.below(f"storage/blobs/{folder}/")
        try:
            self.start(
                name,
                self.below(code.removeprefix(f"{self.base}/").partition("?")[0]),
                {f"{folder.rpartition('/')[2]}/{file}": content for file, content in uploaded.items()},
            )
        except CrashedError as error:
            self.logs[path] = str(error)
            message = "User container has crashed or terminated. Please see troubleshooting guide."
            return {"status": "Failed", "error": {"code": "ResourceNotReady", "message": message}}
        return {"status": "Succeeded"}

    def _delete(self, call: Call, endpoint: str) -> Answer:
        if call.path not in self.resources:
            return refusal(404, "ResourceNotFound", f"The Resource '{call.path}' was not found.")
        name = call.path.rpartition("/")[2]
        if call.path != endpoint and self.resources[endpoint]["properties"]["traffic"].get(name):
            return refusal(400, "BadArgument", f"Cannot delete deployment {name}: it has traffic.")
        for path in [path for path in self.resources if path == call.path or path.startswith(f"{call.path}/")]:
            del self.resources[path]
            self.end("/".join(path.rpartition("/onlineEndpoints/")[2].split("/deployments/")))
        return self._later(202, call.path, {"status": "Succeeded"})

    def _keys(self, call: Call, endpoint: str) -> Answer:
        return Answer(200, {"primaryKey": KEY, "secondaryKey": SECOND_KEY})

    def _log(self, call: Call, endpoint: str, name: str) -> Answer:
        running = self.containers.get(f"{endpoint.rpartition('/')[2]}/{name}")
        text = running.log() if running else self.logs.get(call.path.removesuffix("/getLogs"), "")
        return Answer(200, {"content": text})

    def _score(self, call: Call, name: str) -> Answer:
        endpoint = self.endpoint(name)
        allowed = {KEY, SECOND_KEY} if endpoint["authMode"] == "Key" else {self.token}
        if call.headers.get("authorization", "").removeprefix("Bearer ") not in allowed:
            return Answer(401, {"message": "key_auth_bad_header_malformed"})
        given = [deployment for deployment, share in endpoint["traffic"].items() if share]
        wanted = call.headers.get("azureml-model-deployment") or next(iter(given), None)
        running = self.containers.get(f"{name}/{wanted}")
        if running is None:
            return Answer(404, {"message": f"no deployment {wanted}"})
        return Answer(*running.score(call.body))
