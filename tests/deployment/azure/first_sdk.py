"""Services of SDK v1, as far as the SDK asks for them; a service really answers."""

import io
import tarfile
import uuid
from pathlib import Path
from typing import Any

from tests.deployment.azure import tls
from tests.deployment.azure.containers import CrashedError
from tests.deployment.azure.service import ROOT, WORKSPACE, Answer, Call, Service, refusal

KEY, TOKEN = "the-first-key-of-a-service", "a-token-of-a-service"
MADE = "2026-11-25T00:00:00Z"
ACI_SHOWS = {"cname": None, "location": "westeurope", "publicIp": None, "sslCertificate": None, "sslKey": None}
ACI_SHOWS |= {"sslEnabled": False, "appInsightsEnabled": False}
AKS_SHOWS = {"appInsightsEnabled": False, "maxQueueWaitMs": 500, "deploymentStatus": None}
AKS_SHOWS |= {"dataCollection": {"eventHubEnabled": False, "storageEnabled": False}}


class FirstService(Service):
    """The service.

    Attributes:
        models: by id, as they were registered.
        services: by name, as they are shown.
        failing: how the making of each service ends; None: as it does.
        never: no service is ever made.
        logs: of services.
    """

    def __init__(self, folder: Path, certificate: Path) -> None:
        super().__init__(folder, certificate)
        self.models: dict[str, dict[str, Any]] = {}
        self.services: dict[str, dict[str, Any]] = {}
        self.assets: dict[str, Any] = {}
        self.operations: dict[str, dict[str, Any]] = {}
        self.failing: dict[str, Any] | None = None
        self.never = False
        self.logs: dict[str, str] = {}
        managed, history = rf"/modelmanagement/[^/]+{ROOT}", rf"/[^/]+/v[\d.]+{ROOT}"
        self.routes += [
            ("GET", ROOT, self._workspace),
            ("GET", r"/discovery", self._discover),
            ("POST", rf"{history}/artifacts/batch/metadata/(LocalUpload/[^/]+)", self._artifacts),
            ("POST", rf"{managed}/assets", self._make_asset),
            ("POST", rf"{managed}/models", self._make_model),
            ("GET", rf"{managed}/models", self._list_models),
            ("DELETE", rf"{managed}/models/([^/]+)", self._delete_model),
            ("POST", rf"{managed}/services/validate.*", self._valid),
            ("POST", rf"{managed}/services", self._make),
            ("GET", rf"{managed}/operations/([^/]+)", self._operation),
            ("GET", rf"{managed}/services/([^/]+)", self._get),
            ("DELETE", rf"{managed}/services/([^/]+)", self._delete),
            ("GET", rf"{managed}/services/([^/]+)/logs", self._log),
            ("POST", rf"{managed}/services/([^/]+)/listkeys", self._keys),
            ("POST", rf"{managed}/services/([^/]+)/token", self._token),
            ("POST", r"/score/([^/]+)", self._score),
        ]

    def answer(self, call: Call) -> Answer:
        """Management wants a token; the rest looks for itself."""
        if call.path.startswith(("/subscriptions", "/modelmanagement")) and (refused := self.signed_in(call)):
            self.calls.append((call.method, call.path, None))
            return refused
        return super().answer(call)

    def _workspace(self, call: Call) -> Answer:
        properties = {"workspaceId": "w", "friendlyName": WORKSPACE, "discoveryUrl": f"{self.base}/discovery"}
        return Answer(
            200, {"id": ROOT, "name": WORKSPACE, "type": "x", "location": "westeurope", "properties": properties}
        )

    def _discover(self, call: Call) -> Answer:
        return Answer(
            200,
            dict.fromkeys(("api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio"), self.base),
        )

    def _artifacts(self, call: Call, where: str) -> Answer:
        """Where files are put."""
        names = [one["path"] for one in call.json()["paths"]]
        origin, container = where.split("/")
        storage = self.base.replace("127.0.0.1", tls.STORAGE)
        artifacts, contents = {}, {}
        for name in names:
            one = {"origin": origin, "container": container, "path": name}
            artifacts[name] = {**one, "artifactId": f"{where}/{name}"}
            contents[name] = {**one, "contentUri": f"{storage}/storage/{where}/{name}?sig=secret"}
        return Answer(200, {"artifacts": artifacts, "artifactContentInformation": contents, "errors": {}})

    def _make_asset(self, call: Call) -> Answer:
        number = uuid.uuid4().hex
        self.assets[number] = call.json()
        return Answer(200, {**call.json(), "id": number, "createdTime": MADE})

    def _make_model(self, call: Call) -> Answer:
        asked = call.json()
        version = 1 + sum(model["name"] == asked["name"] for model in self.models.values())
        number = f"{asked['name']}:{version}"
        tags = asked.get("kvTags") or {}
        self.models[number] = {**asked, "id": number, "version": version, "kvTags": tags, "createdTime": MADE}
        return Answer(200, self.models[number])

    def _list_models(self, call: Call) -> Answer:
        tag, _, value = call.query.get("tags", "").partition("=")
        found = [
            model
            for model in self.models.values()
            if model["name"] == call.query.get("name") and (not tag or model["kvTags"].get(tag) == value)
        ]
        return Answer(200, {"value": found})

    def _delete_model(self, call: Call, number: str) -> Answer:
        return Answer(200 if self.models.pop(number, None) else 204)

    def _valid(self, call: Call) -> Answer:
        return Answer(200, {})

    def _make(self, call: Call) -> Answer:
        asked = call.json()
        name = asked["name"]
        if name in self.services and not asked["overwrite"]:
            return refusal(409, "Conflict", f"Service {name} already exists.")
        image = asked["environmentImageRequest"]
        shown = {**asked, "createdTime": MADE, "scoringUri": f"{self.base}/score/{name}", "imageId": "i"}
        shown |= ACI_SHOWS if asked["computeType"] == "ACI" else AKS_SHOWS
        shown["models"] = []
        del shown["environmentImageRequest"]
        self.services[name] = shown
        number = uuid.uuid4().hex
        self.operations[number] = {"state": "Running"} if self.never else self.failing or self._started(name, image)
        shown["state"] = {"Succeeded": "Healthy", "Failed": "Failed"}.get(
            self.operations[number]["state"], "Transitioning"
        )
        return Answer(202, None, {"Operation-Location": f"{self.base}/operations/{number}"})

    def _started(self, name: str, image: dict[str, Any]) -> dict[str, Any]:
        """Run the uploaded files; how that ends."""
        (number,) = image["modelIds"]
        prefix = self.assets[self.models[number]["url"].rpartition("/")[2]]["artifacts"][0]["prefix"]
        (packed,) = (asset for asset in image["assets"] if asset.get("unpack"))
        code = self.blobs["storage/" + packed["url"].partition("aml://artifact/")[2]]
        folder = prefix.rpartition("/")[2]
        uploaded = self.below(f"storage/{prefix}/")
        try:
            self.start(name, _unpacked(code), {f"{folder}/{file}": content for file, content in uploaded.items()})
        except CrashedError as error:
            self.logs[name] = str(error)
            wrong = {"code": "AciDeploymentFailed", "message": "Your container application crashed."}
            return {"state": "Failed", "error": wrong, "operationDetails": {"subOperationType": "DeployService"}}
        return {"state": "Succeeded"}

    def _operation(self, call: Call, number: str) -> Answer:
        return Answer(200, self.operations[number])

    def _get(self, call: Call, name: str) -> Answer:
        if name not in self.services:
            return refusal(404, "NotFound", f"There is no service {name}.")
        return Answer(200, self.services[name])

    def _delete(self, call: Call, name: str) -> Answer:
        self.end(name)
        return Answer(200 if self.services.pop(name, None) else 204)

    def _log(self, call: Call, name: str) -> Answer:
        running = self.containers.get(name)
        return Answer(200, {"content": running.log() if running else self.logs.get(name, "")})

    def _keys(self, call: Call, name: str) -> Answer:
        return Answer(200, {"primaryKey": KEY, "secondaryKey": "the-second-key"})

    def _token(self, call: Call, name: str) -> Answer:
        later = 4_000_000_000
        return Answer(200, {"accessToken": TOKEN, "tokenType": "Bearer", "refreshAfter": later, "expiryOn": later})

    def _score(self, call: Call, name: str) -> Answer:
        wanted = KEY if self.services[name].get("authEnabled") else TOKEN
        if call.headers.get("authorization", "").removeprefix("Bearer ") != wanted:
            return Answer(401, {"message": "no"})
        return Answer(*self.containers[name].score(call.body))


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """The files of an archive, from below its only folder."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        files = [member for member in packed if member.isfile()]
        found = {member.name.partition("/")[2]: packed.extractfile(member) for member in files}
        return {name: file.read() for name, file in found.items() if file is not None}
