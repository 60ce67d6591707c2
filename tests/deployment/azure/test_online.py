"""`deployment=azureml_online` through Azure's own SDK, against a stand-in for Azure that runs what is uploaded."""

import csv
import io
import json
import re
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.cli import main
from skinlab.deployment import client, record
from skinlab.deployment.verifying import Verified
from skinlab.serving import loading
from tests.deployment.azure.online import KEY, OnlineService
from tests.deployment.azure.service import EXPIRED, PLACE, ROOT, refusal
from tests.serving.bundles import png

pytest.importorskip("azure.ai.ml", reason="azure-ai-ml is not installed: pip install 'skinlab[azure]'")
pytestmark = pytest.mark.usefixtures("deployments_home")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def azure(
    certificate: Path, tmp_path_factory: pytest.TempPathFactory, deployments_home: Path
) -> Iterator[OnlineService]:
    """The service, where the SDK and azure-identity look for Azure; waiting is short."""
    from azure.ai.ml._artifacts import _artifact_utilities as uploads
    from azure.core.pipeline.transport import RequestsTransport

    service = OnlineService(tmp_path_factory.mktemp("azure"), certificate)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        patch.setenv("ARM_CLOUD_METADATA_URL", f"{service.base}/metadata")
        patch.setenv("AZUREML_DEV_URL_MFE", service.base)
        patch.setenv("AZUREML_CURRENT_CLOUD", "AzureCloud")
        patch.setenv("IDENTITY_ENDPOINT", f"{service.base}/msi/token")
        patch.setenv("IDENTITY_HEADER", "x")
        patch.setitem(uploads.STORAGE_ACCOUNT_URLS, "AzureBlob", f"{service.base}/{{}}")
        patch.setattr(RequestsTransport, "sleep", lambda _, seconds: time.sleep(min(seconds, 0.01)))
        yield service
    shutil.rmtree(paths.deployments())  # they end with the service
    service.stop()


@pytest.fixture(autouse=True)
def _well(azure: OnlineService) -> Iterator[None]:
    """Nothing goes wrong but what a test lets go wrong."""
    azure.calls.clear()
    yield
    azure.faults.clear()
    azure.failing, azure.token = None, "a-token"
    azure.end_all()


def deploy(bundle: Path, name: str, *more: str) -> int:
    words = ["deploy", str(bundle), "deployment=azureml_online", f"deployment.name={name}", *PLACE, "--trust", *more]
    return main(words)


def label(name: str, capsys: Capture, folder: Path) -> str:
    """What `skinlab score` says of a red image."""
    (folder / "red.png").write_bytes(png((250, 0, 0)))
    capsys.readouterr()
    assert main(["score", name, str(folder / "red.png")]) == 0
    return next(csv.DictReader(io.StringIO(capsys.readouterr().out)))["label"]


def test_a_run_is_deployed_asked_replaced_and_deleted(
    azure: OnlineService, bundle: Path, other: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert deploy(bundle, "life", "deployment.instance_count=2") == 0
    said = capsys.readouterr()
    assert said.out == f"life: {azure.base}/score/life\n"
    made = record.require("life")
    assert (made.replay.images, made.model_sha256) == (3, loading.load(bundle).sha256)
    assert made.replay.largest_difference <= 1e-5
    assert label("life", capsys, tmp_path) == label(made.address, capsys, tmp_path) == "malignant"
    assert main(["verify", "life"]) == 0
    assert main(["deployments"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:3] == ["life", "azureml_online", "running"]

    assert deploy(other, "life", "--replace") == 0
    assert label("life", capsys, tmp_path) == "benign"
    assert (azure.endpoint("life")["traffic"], azure.deployments("life")) == ({"green": 100}, ["green"])
    assert main(["deployments", "restart", "life"]) == 0
    assert (azure.endpoint("life")["traffic"], azure.deployments("life")) == ({"blue": 100}, ["blue"])
    capsys.readouterr()
    assert main(["deployments", "logs", "life", "--lines", "1"]) == 0
    assert capsys.readouterr().out == "answered 3 requests\n"

    assert main(["deployments", "delete", "life"]) == 0
    assert (azure.endpoint("life"), azure.deployments("life"), record.find("life")) == (None, [], None)
    assert "its files stay in the storage of workspace skin" in capsys.readouterr().err
    assert azure.containers == {}


def test_a_new_deployment_is_proven_before_it_gets_traffic_and_the_old_one_goes_after(
    azure: OnlineService, bundle: Path, other: Path
) -> None:
    assert deploy(bundle, "order") == 0
    azure.calls.clear()
    assert deploy(other, "order", "--replace") == 0
    steps = [(method, path) for method, path in azure.changes() if "order" in path]
    endpoint = "onlineEndpoints/order"
    assert [step for step in steps if not step[1].endswith("listKeys")] == [
        ("PUT", f"models/skinlab-order/versions/{record.require('order').state['model'][1]}"),
        ("PUT", f"{endpoint}/deployments/green"),
        *[("POST", "/score/order")] * 3,
        ("PUT", endpoint),
        ("DELETE", f"{endpoint}/deployments/blue"),
    ]


def test_no_key_is_kept_or_printed(
    azure: OnlineService, bundle: Path, capsys: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    assert deploy(bundle, "secret") == 0
    assert main(["deployments", "--json"]) == 0
    assert main(["verify", "secret"]) == 0
    printed = capsys.readouterr()
    kept = [path.read_bytes() for path in record.folder("secret").rglob("*") if path.is_file()]
    everything = "".join(
        [printed.out, printed.err, caplog.text, *(content.decode(errors="replace") for content in kept)]
    )
    assert KEY not in everything
    assert azure.token not in everything


def test_tokens_of_microsoft_entra_are_asked_for(azure: OnlineService, bundle: Path) -> None:
    assert deploy(bundle, "entra", "deployment.auth=aad_token") == 0
    assert azure.endpoint("entra")["authMode"] == "AADToken"
    assert main(["verify", "entra"]) == 0


def test_a_dry_run_says_what_would_be_asked_and_asks_nobody(
    azure: OnlineService, bundle: Path, capsys: Capture
) -> None:
    image = "deployment.image=registry.example/base:2"
    sizes = [
        image,
        "deployment.instance_count=3",
        "deployment.instance_type=Standard_F4s_v2",
        "deployment.concurrency=7",
    ]
    assert deploy(bundle, "plan", *sizes, "--dry-run") == 0
    plan = json.loads(capsys.readouterr().out)
    assert azure.calls == []
    assert record.find("plan") is None
    assert (plan["endpoint"], plan["deployment"], plan["instances"]) == ("plan", "blue", "3 x Standard_F4s_v2")

    assert deploy(bundle, "plan", *sizes) == 0
    assert planned(plan, azure) == asked(azure)
    assert deploy(bundle, "plan", "deployment.endpoint=elsewhere", "--replace", "--dry-run") == 2
    capsys.readouterr()
    assert deploy(bundle, "plan", "--replace", "--dry-run") == 0
    again = json.loads(capsys.readouterr().out)
    azure.calls.clear()
    assert deploy(bundle, "plan", "--replace") == 0
    last = again["requests"][-1]
    assert (last["method"], last["url"].rpartition("workspaces/skin/")[2]) == asked(azure)[-1]
    assert asked(azure)[-1] == ("DELETE", "onlineEndpoints/plan/deployments/blue")


def planned(plan: dict, azure: OnlineService) -> list[tuple[str, str]]:
    """Method and path of each planned request; what is to be in a body was in the one that was sent."""
    found = []
    for call in plan["requests"]:
        path = call["url"].removeprefix(f"https://management.azure.com{ROOT}/")
        for name, value in call.get("properties", {}).items() if "codes" not in path else ():
            sent = azure.sent(call["method"], path)["properties"]
            if name == "requestSettings":
                assert value.items() <= sent[name].items()
            elif not (path == "onlineEndpoints/plan" and name == "authMode"):
                assert sent[name] == value
        if "sku" in call:
            assert azure.sent(call["method"], path)["sku"].items() >= call["sku"].items()
        found.append((call["method"], re.sub("codes/.*", "code", re.sub("the address of (.*)", r"/score/\1", path))))
    return found


def asked(azure: OnlineService) -> list[tuple[str, str]]:
    """Method and path of what changed something; the replay set once."""
    looks = ("listSecrets", "startPendingUpload")
    calls = [call for call in azure.changes() if not call[1].endswith(looks)]
    named = [(method, re.sub("codes/.*", "code", path)) for method, path in calls]
    return [call for before, call in zip([None, *named], named, strict=False) if call != before]


QUOTA = "Not enough quota available for Standard_DS3_v2 in SubscriptionId. Current usage/limit: 6/6."
BUILD = "Image build failed. For more information see https://HERE/storage/log/20_image_build_log.txt?sig=secret ."


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("OutOfQuota", QUOTA, r"1 x Standard_DS3_v2 \(deployment.instance_count.* is more than the quota .*: 6/6"),
        (
            "ImageBuildFailure",
            BUILD,
            r"cannot be built \(.*_log.txt .*; its log ends with\n.*line 6\n(.*\n)*.*no such package",
        ),
        ("InternalServerError", "Try later.", r"cannot be made: InternalServerError: Try later.\n"),
    ],
)
def test_what_azure_cannot_make_is_told_in_a_line_and_nothing_is_left(
    azure: OnlineService, bundle: Path, capsys: Capture, code: str, message: str, said: str
) -> None:
    log = "".join(f"line {number}\n" for number in range(20)) + "no such package\n"
    azure.blobs["storage/log/20_image_build_log.txt"], azure.metadata["storage/log/20_image_build_log.txt"] = (
        log.encode(),
        {},
    )
    message = message.replace("https://HERE", azure.base)
    azure.failing = {"status": "Failed", "error": {"code": code, "message": message}}
    assert deploy(bundle, "bad") == 9
    error = capsys.readouterr().err
    assert re.search(said, error)
    assert "secret" not in error
    assert (azure.endpoint("bad"), record.folder("bad").exists()) == (None, False)


def test_a_container_that_crashes_shows_the_end_of_its_log(
    azure: OnlineService, bundle: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoilt(prefix: str) -> dict[str, bytes]:
        found = OnlineService.below(azure, prefix)
        return found | ({"model.onnx": b"spoilt"} if "model.onnx" in found else {})

    monkeypatch.setattr(azure, "below", spoilt)
    assert deploy(bundle, "crash") == 9
    error = capsys.readouterr().err
    assert "User container has crashed" in error
    assert re.search(r"its log ends with\n(.*\n)*.*model.onnx is not the file whose checksum is in", error)
    assert azure.endpoint("crash") is None


def test_a_name_that_another_workspace_has_is_told(azure: OnlineService, bundle: Path, capsys: Capture) -> None:
    taken = refusal(409, "ResourceNameNotAvailable", "There is already an endpoint with this name in this region.")
    azure.faults.append(("PUT", "onlineEndpoints/taken$", taken))
    assert deploy(bundle, "taken") == 9
    assert (
        "endpoint taken cannot be made: the name is taken: choose another deployment.endpoint"
        in capsys.readouterr().err
    )


def test_an_endpoint_of_somebody_else_is_left_alone(azure: OnlineService, bundle: Path, capsys: Capture) -> None:
    assert deploy(bundle, "mine") == 0
    assert deploy(bundle, "second", "deployment.endpoint=mine") == 9
    assert "endpoint mine is in workspace skin already, and is none that skinlab made" in capsys.readouterr().err
    assert azure.deployments("mine") == ["blue"]


def test_what_takes_too_long_is_taken_away(
    azure: OnlineService, bundle: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.never = True
    monkeypatch.setattr("skinlab.deployment.azure.online_workspace.DELETE_MINUTES", 0.002)
    assert deploy(bundle, "slow", "deployment.create_minutes=0.005") == 9
    error = capsys.readouterr().err
    assert (
        "deployment blue of endpoint slow cannot be made: it was not done within 0.005 minutes (deployment.create_min"
        in error
    )
    assert "could not be taken away and may cost money, do it by hand: endpoint slow (endpoint slow cannot be" in error
    assert azure.changes()[-1] == ("DELETE", "onlineEndpoints/slow")


def test_an_expired_token_is_told_with_what_renews_it(azure: OnlineService, bundle: Path, capsys: Capture) -> None:
    azure.token = EXPIRED
    assert deploy(bundle, "expired") == 9
    error = capsys.readouterr().err
    assert "does not take the credentials, or they have expired: `az login`" in error
    assert EXPIRED not in error
    assert record.find("expired") is None


def test_without_credentials_nobody_is_asked_for_them(
    azure: OnlineService, bundle: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from azure.identity import DefaultAzureCredential, EnvironmentCredential

    monkeypatch.setattr("skinlab.deployment.azure.signing_in.credential", EnvironmentCredential)
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    assert deploy(bundle, "nobody") == 9
    assert "`az login`" in capsys.readouterr().err
    assert not any("Interactive" in type(one).__name__ for one in DefaultAzureCredential().credentials)


def test_a_workspace_that_is_not_there_is_named(azure: OnlineService, bundle: Path, capsys: Capture) -> None:
    assert deploy(bundle, "nowhere", "deployment.workspace=skim") == 9
    assert "not found: workspace skim, resource group lab" in capsys.readouterr().err


def test_one_that_answers_otherwise_is_deleted_and_the_one_before_goes_on(
    azure: OnlineService, bundle: Path, wrong: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert deploy(bundle, "kept") == 0
    before = record.require("kept")
    assert deploy(wrong, "kept", "--replace") == 9
    assert re.search(
        "not the model that was evaluated: .* 0.01 .* what answered before goes on", capsys.readouterr().err
    )
    assert (azure.endpoint("kept")["traffic"], azure.deployments("kept")) == ({"blue": 100}, ["blue"])
    assert record.require("kept") == before
    assert label("kept", capsys, tmp_path) == "malignant"
    assert deploy(wrong, "new") == 9
    assert (azure.endpoint("new"), record.find("new")) == (None, None)


def test_traffic_that_cannot_be_moved_goes_back_and_what_stays_is_told(
    azure: OnlineService, bundle: Path, other: Path, capsys: Capture
) -> None:
    assert deploy(bundle, "stuck") == 0
    azure.faults.append(("PUT", "onlineEndpoints/stuck$", refusal(403, "AuthorizationFailed", "No.")))
    azure.faults.append(("DELETE", "deployments/green", refusal(500, "Oops", "The disk of Azure is full.")))
    assert deploy(other, "stuck", "--replace") == 9
    error = capsys.readouterr().err
    assert "these credentials may not: workspace skin" in error
    assert re.search(
        r"by hand: the traffic of endpoint stuck to blue .*deployment green of endpoint stuck .*disk", error
    )
    assert (azure.endpoint("stuck")["traffic"], record.require("stuck").state["deployment"]) == ({"blue": 100}, "blue")


def test_one_before_that_cannot_be_deleted_is_told(
    azure: OnlineService, bundle: Path, other: Path, capsys: Capture
) -> None:
    assert deploy(bundle, "stays") == 0
    azure.faults.append(("DELETE", "deployments/blue", refusal(400, "Oops", "Not now.")))
    assert deploy(other, "stays", "--replace") == 0
    assert (
        "deployment blue of endpoint stays cannot be deleted: Oops: Not now.; it answers nothing"
        in capsys.readouterr().err
    )
    assert azure.endpoint("stays")["traffic"] == {"green": 100}


def test_an_interrupted_deployment_is_taken_away(
    azure: OnlineService, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> Verified:
        raise KeyboardInterrupt

    monkeypatch.setattr("skinlab.deployment.azure.proving.verify", interrupted)
    assert deploy(bundle, "halfway") == 130
    assert (azure.endpoint("halfway"), record.find("halfway")) == (None, None)


def test_a_deployment_that_is_gone_says_so(azure: OnlineService, bundle: Path, capsys: Capture) -> None:
    assert deploy(bundle, "gone") == 0
    for path in [path for path in azure.resources if "onlineEndpoints/gone" in path]:
        del azure.resources[path]
    capsys.readouterr()
    assert main(["deployments", "--json"]) == 0
    assert {one["name"]: one["status"] for one in json.loads(capsys.readouterr().out)}["gone"] == "gone"
    assert main(["deployments", "delete", "gone"]) == 0


def test_an_address_asks_only_the_deployment_that_it_belongs_to(azure: OnlineService, bundle: Path) -> None:
    assert deploy(bundle, "asked") == 0
    azure.calls.clear()
    assert client.reach("http://127.0.0.1:1/score").key is None
    assert azure.calls == []
    assert client.reach(record.require("asked").address).key == KEY


def test_the_sdk_is_named_where_it_is_missing(bundle: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.ai.ml", None)
    assert deploy(bundle, "bare") == 5
    assert "pip install 'skinlab[azure]'" in capsys.readouterr().err
    assert deploy(bundle, "bare", "--dry-run") == 0
