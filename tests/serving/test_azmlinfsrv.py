"""The bundle under Microsoft's own inference server, with the very packages that Azure is told to install."""

import base64
import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest

from skinlab.deployment.client import Client, RefusedError
from skinlab.deployment.verifying import verify
from skinlab.serving import loading, replay
from skinlab.serving.loading import Bundle
from skinlab.serving.scoring import Scorer
from tests import azmlinfsrv, environments
from tests.serving.bundles import png, write_replayed


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return loading.load(write_replayed(tmp_path_factory.mktemp("bundle") / "b"))


@pytest.fixture(scope="module")
def port(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    python = environments.of(azmlinfsrv.NAME, azmlinfsrv.requirements(bundle))
    with azmlinfsrv.running(bundle, python, tmp_path_factory.mktemp("log")) as (listening, _):
        yield listening


def post(port: int, body: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/score", json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


@pytest.mark.timeout(900)  # the environment is made at the first time
def test_the_replay_set_is_repeated(bundle: Bundle, port: int) -> None:
    found = verify(Client(f"http://127.0.0.1:{port}"), replay.of(bundle), bundle.classes)
    assert found.images == 3
    assert found.largest_difference <= 1e-5


def test_it_says_what_skinlab_says(bundle: Bundle, port: int) -> None:
    image = png((120, 40, 30), (640, 480))
    ours = Scorer(bundle, threads=1).answer_file(image)
    theirs = Client(f"http://127.0.0.1:{port}").score(image)
    assert tuple(theirs["probabilities"].values()) == pytest.approx(ours.probabilities, abs=1e-6)
    assert (theirs["label"], theirs["decision"]) == (ours.label, ours.decision)


def test_the_form_of_microsofts_computer_vision_package_is_answered(port: int) -> None:
    text = base64.b64encode(png((250, 0, 0))).decode()
    status, answer = post(port, [{"image_in_base64": text, "parameters": {"softmax": True}}])
    assert (status, answer[0]["label"]) == (200, "malignant")
    assert answer[0]["scores"] == answer[0]["probabilities"]


def test_a_refusal_has_its_status_and_its_reason(port: int) -> None:
    status, answer = post(port, {"image": base64.b64encode(b"no image").decode()})
    assert status == 422
    assert "not an image" in answer["error"]
    with pytest.raises(RefusedError, match="not an image"):
        Client(f"http://127.0.0.1:{port}").score(b"no image")
