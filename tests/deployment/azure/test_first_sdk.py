"""`deployment=azureml_aci` and `azureml_aks` through Azure ML's SDK v1, in an environment of its own.

The stand-in for Azure runs what is uploaded.
"""

import base64
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skinlab import paths
from skinlab.cli import main
from skinlab.deployment import record
from skinlab.deployment.azure import environment
from skinlab.serving import loading
from tests import environments
from tests.conftest import ROOT as CHECKOUT
from tests.deployment.azure import first_driver, tls
from tests.deployment.azure.first_sdk import KEY, TOKEN, FirstService
from tests.deployment.azure.service import PLACE, ROOT, refusal
from tests.serving.bundles import png

pytestmark = [pytest.mark.usefixtures("deployments_home"), pytest.mark.timeout(900)]  # the environment is made once
REQUIREMENTS = CHECKOUT / "requirements" / "azure-v1.txt"
ACI, AKS = "deployment=azureml_aci", "deployment=azureml_aks"
SIZES = {ACI: ["deployment.cpu_cores=0.5"], AKS: ["deployment.cluster=farm", "deployment.replicas=3"]}


def token(expires: int = 4_000_000_000) -> str:
    """What looks like a token of Azure: the SDK reads when it expires."""
    parts = ({"alg": "none"}, {"exp": expires, "tid": "x"}, {})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@dataclass
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


class Azure(FirstService):
    """The service, and skinlab's command line beside the SDK."""

    def __init__(self, folder: Path, certificate: Path) -> None:
        super().__init__(folder, certificate)
        self.token = token()
        variables = {
            "HOME": str(folder),  # the SDK keeps what it discovers
            "REQUESTS_CA_BUNDLE": str(certificate),
            "AZUREML_CURRENT_CLOUD": "AzureCloud",
            "AZUREML_SERVICE_ENDPOINT": self.base,
            "AZUREML_MMS_TEST_ENDPOINT": self.base,
            "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{self.base}/discovery",
            "IDENTITY_ENDPOINT": f"{self.base}/msi/token",
            "IDENTITY_HEADER": "x",
        }
        beside = json.dumps([str(CHECKOUT), *(path for path in sys.path if "site-packages" in path)])
        self._process = subprocess.Popen(
            [
                environments.of("azure-v1", REQUIREMENTS.read_text()),
                first_driver.__file__,
                beside,
                self.base,
                tls.STORAGE,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables,
        )

    def run(self, *words: object) -> Done:
        """A command of skinlab."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self._process.stdin.flush()
        return Done(**json.loads(self._process.stdout.readline()))

    def deploy(self, bundle: Path, name: str, target: str = ACI, *more: str) -> Done:
        return self.run("deploy", bundle, target, f"deployment.name={name}", *PLACE, *SIZES[target], "--trust", *more)

    def asked(self, name: str) -> dict[str, Any]:
        """What the last service of this name was asked to be."""
        bodies = [body for method, path, body in self.calls if method == "POST" and path.endswith(f"{ROOT}/services")]
        return [body for body in bodies if body["name"] == name][-1]

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()
        super().stop()


@pytest.fixture(scope="module")
def azure(certificate: Path, tmp_path_factory: pytest.TempPathFactory, deployments_home: Path) -> Iterator[Azure]:
    service = Azure(tmp_path_factory.mktemp("azure"), certificate)
    yield service
    shutil.rmtree(paths.deployments())  # they end with the service
    service.stop()


@pytest.fixture(autouse=True)
def _well(azure: Azure) -> Iterator[None]:
    """Nothing goes wrong but what a test lets go wrong."""
    azure.calls.clear()
    yield
    azure.faults.clear()
    azure.failing, azure.never, azure.token = None, False, token()


def label(azure: Azure, name: str, folder: Path) -> str:
    """What `skinlab score` says of a red image."""
    (folder / "red.png").write_bytes(png((250, 0, 0)))
    done = azure.run("score", name, folder / "red.png")
    assert done.code == 0, done.err
    return next(csv.DictReader(io.StringIO(done.out)))["label"]


@pytest.mark.slow
def test_a_run_is_deployed_asked_replaced_and_deleted(azure: Azure, bundle: Path, other: Path, tmp_path: Path) -> None:
    done = azure.deploy(bundle, "life")
    assert (done.code, done.out) == (0, f"life: {azure.base}/score/life\n"), done.err
    assert "has been out of Microsoft's support since June 2026" in done.err
    made = record.require("life")
    assert (made.target, made.replay.images, made.model_sha256) == ("azureml_aci", 3, loading.load(bundle).sha256)
    assert made.replay.largest_difference <= 1e-5
    assert label(azure, "life", tmp_path) == label(azure, made.address, tmp_path) == "malignant"
    assert azure.run("verify", "life").code == 0
    assert azure.run("deployments").out.splitlines()[-1].split()[:3] == ["life", "azureml_aci", "running"]

    assert azure.deploy(other, "life", ACI, "--replace").code == 0
    assert label(azure, "life", tmp_path) == "benign"
    assert azure.run("deployments", "restart", "life").code == 0
    assert len(azure.models) == 2  # a bundle is registered once
    assert azure.run("deployments", "logs", "life", "--lines", "1").out == "answered 3 requests\n"

    done = azure.run("deployments", "delete", "life")
    assert "the files of model skinlab-life stay in the storage of workspace skin" in done.err
    assert (done.code, azure.services, azure.containers, record.find("life")) == (0, {}, {}, None)


@pytest.mark.parametrize("auth", ["key", "token"])
def test_a_cluster_gets_what_is_declared(azure: Azure, bundle: Path, auth: str) -> None:
    name = f"farm-{auth}"
    done = azure.deploy(bundle, name, AKS, f"deployment.auth={auth}", "deployment.request_seconds=7")
    assert done.code == 0, done.err
    sent = azure.asked(name)
    assert (sent["computeName"], sent["numReplicas"], sent["scoringTimeoutMs"]) == ("farm", 3, 7000)
    assert (sent["authEnabled"], sent["aadAuthEnabled"]) == (auth == "key", auth == "token")
    assert azure.run("verify", name).code == 0
    kept = "".join(path.read_text(errors="replace") for path in record.folder(name).rglob("*") if path.is_file())
    for secret in (KEY, TOKEN, azure.token):
        assert secret not in done.out + done.err + kept


def test_every_package_is_asked_for_by_its_hash(azure: Azure, bundle: Path) -> None:
    assert azure.deploy(bundle, "pinned").code == 0
    sent = azure.asked("pinned")["environmentImageRequest"]["environment"]
    packages = sent["python"]["condaDependencies"]["dependencies"][-1]["pip"]
    assert packages == environment.requirements(loading.load(bundle))
    assert all(re.search(r"==\S+ .*--hash=sha256:", package) for package in packages)
    assert sent["docker"]["baseImage"].startswith("mcr.microsoft.com/")


@pytest.mark.parametrize("target", [ACI, AKS])
def test_a_dry_run_says_what_would_be_asked_and_asks_nobody(
    azure: Azure, bundle: Path, capsys: pytest.CaptureFixture[str], target: str
) -> None:
    words = ["deploy", str(bundle), target, "deployment.name=plan", *PLACE, *SIZES[target], "--dry-run"]
    assert main(words) == 0  # needs no SDK
    plan = json.loads(capsys.readouterr().out)
    assert azure.calls == []
    assert "out of Microsoft's support" in plan["support"]
    done = azure.deploy(bundle, "plan", target)
    assert done.code == 0, done.err
    planned = [call for call in plan["requests"] if "url" in call]
    sent = azure.asked("plan")
    for name, value in planned[1]["body"].items():
        assert sent[name].items() >= value.items() if isinstance(value, dict) else sent[name] == value
    paths = [path for method, path, _ in azure.calls if method == "POST" and "validate" not in path]
    for call in planned:
        path = re.sub(f"^{re.escape('https://REGION.modelmanagement.azureml.net')}", "", call["url"])
        assert re.sub("the address of (.*)", r"/score/\1", path) in paths
    assert azure.run("deployments", "delete", "plan").code == 0


LOG = "storage/build/log.txt"


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (
            {"error": {"code": "QuotaExceeded", "message": "The quota of cores in westeurope is 10."}},
            r"0.5 cores, 2 GB \(deployment.cpu_cores, deployment.memory_gb\) is more than the quota .*in westeurope",
        ),
        (
            {
                "error": {"code": "EnvironmentBuildFailed", "message": "Failed building the Environment."},
                "operationDetails": {"subOperationType": "BuildEnvironment"},
                "operationLog": f"BASE/{LOG}?sig=secret",
            },
            r"image of its environment cannot be built \(.*; its log ends with\n.*line 6\n(.*\n)*.*no such package",
        ),
    ],
)
def test_what_azure_cannot_make_is_told_and_nothing_is_left(
    azure: Azure, bundle: Path, operation: Any, said: str
) -> None:
    azure.blobs[LOG] = "".join([*(f"line {number}\n" for number in range(20)), "no such package\n"]).encode()
    azure.metadata[LOG] = {}
    azure.failing = json.loads(json.dumps({"state": "Failed"} | operation).replace("BASE", azure.base))
    done = azure.deploy(bundle, "bad")
    assert done.code == 9
    assert re.search(said, done.err), done.err
    assert "secret" not in done.err
    assert ("bad" in azure.services, record.folder("bad").exists()) == (False, False)


def test_a_container_that_crashes_shows_the_end_of_its_log(
    azure: Azure, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = azure.below
    monkeypatch.setattr(azure, "below", lambda prefix: whole(prefix) | {"model.onnx": b"spoilt"})
    done = azure.deploy(bundle, "crash")
    assert done.code == 9
    assert "Your container application crashed" in done.err
    assert re.search(r"its log ends with\n(.*\n)*.*model.onnx is not the file whose checksum is in", done.err)
    assert "crash" not in azure.services


def test_what_takes_too_long_is_taken_away(azure: Azure, bundle: Path) -> None:
    azure.never = True
    done = azure.deploy(bundle, "slow", ACI, "deployment.create_minutes=0.005")
    assert "service slow cannot be made: it was not done within 0.005 minutes (deployment.create_minutes)" in done.err
    assert (done.code, azure.services.get("slow")) == (9, None)


def test_an_expired_token_is_told_with_what_renews_it(azure: Azure, bundle: Path) -> None:
    azure.faults.append(("GET|POST", "^/", refusal(401, "ExpiredAuthenticationToken", "The access token has expired.")))
    done = azure.deploy(bundle, f"expired-{uuid.uuid4().hex[:6]}")
    assert done.code == 9
    assert "does not take the credentials, or they have expired: `az login`" in done.err


def test_a_service_of_somebody_else_is_left_alone(azure: Azure, bundle: Path) -> None:
    assert azure.deploy(bundle, "mine").code == 0
    done = azure.deploy(bundle, "second", ACI, "deployment.service=mine")
    assert "service mine is in workspace skin already, and is none that skinlab made here" in done.err
    assert (done.code, "mine" in azure.services) == (9, True)


def test_one_that_answers_otherwise_is_taken_away_and_the_one_before_comes_back(
    azure: Azure, bundle: Path, wrong: Path, tmp_path: Path
) -> None:
    assert azure.deploy(wrong, "new").code == 9
    assert ("new" in azure.services, record.find("new")) == (False, None)
    assert azure.deploy(bundle, "kept").code == 0
    before = record.require("kept")
    done = azure.deploy(wrong, "kept", ACI, "--replace")
    assert done.code == 9
    assert re.search("not the model that was evaluated: .* 0.01 .* what answered before is deployed again", done.err)
    assert record.require("kept") == before
    assert label(azure, "kept", tmp_path) == "malignant"
    assert azure.run("verify", "kept").code == 0


def test_what_cannot_be_taken_away_is_told(azure: Azure, wrong: Path) -> None:
    azure.faults.append(("DELETE", "services/left", refusal(403, "Forbidden", "Not yours.")))
    done = azure.deploy(wrong, "left")
    assert done.code == 9
    assert "could not be taken away and may cost money, do it by hand: service left (service left cannot be" in done.err


def test_the_sdk_is_named_where_it_is_missing(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if environment_has_the_sdk():
        pytest.skip("azureml-core is installed here")
    assert main(["deploy", str(bundle), ACI, "deployment.name=none", *PLACE, "--trust"]) == 5
    assert "pip install 'skinlab[azure_v1]', in an environment of its own" in capsys.readouterr().err


def environment_has_the_sdk() -> bool:
    import importlib.util

    return importlib.util.find_spec("azureml") is not None and importlib.util.find_spec("azureml.core") is not None
