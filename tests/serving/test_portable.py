"""The bundle's own score.py, run where there is no skinlab, says what skinlab's scorer says."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skinlab.data import images
from skinlab.evaluation.metrics import decide, positive_of
from skinlab.serving import loading, portable
from skinlab.serving.portable import answering
from skinlab.serving.portable.answering import RequestError, asked
from skinlab.serving.scoring import Scorer
from tests.serving.bundles import CLASSES, colours, png, write_bundle

PROGRAM = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import score
score.init()
for line in sys.stdin:
    print(json.dumps(score.run(line)))
assert not [name for name in sys.modules if name.split(".")[0] == "skinlab"]
"""


def text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def run(folder: Path, *bodies: Any, **environment: str) -> list[Any]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="".join(f"{json.dumps(body)}\n" for body in bodies),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_score_py_answers_without_skinlab_as_skinlab_does(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "b", threshold=0.3)
    scorer = Scorer(loading.load(folder), threads=1)
    sent = [*colours(), png((250, 10, 10), (1200, 900))]
    whole, listed, plain = run(
        folder,
        {"images": [text(image) for image in sent]},
        [{"image_in_base64": f"{base64.b64encode(sent[0])!r}", "parameters": {"add_softmax": True}}],
        [{"image_in_base64": text(sent[0])}],
    )
    for image, found in zip(sent, whole["results"], strict=True):
        expected = scorer.answer_file(image)
        assert tuple(found["probabilities"].values()) == expected.probabilities
        assert (found["label"], found["decision"]) == (expected.label, expected.decision)
    assert whole["model"] == scorer.bundle.sha256[:12]
    assert whole["note"] == "research software: not a medical device, not for diagnosis; trained on nothing"
    assert listed[0]["scores"] == listed[0]["probabilities"] == whole["results"][0]["probabilities"]
    logits = np.array([plain[0]["scores"][name] for name in CLASSES])
    behind = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(behind, list(plain[0]["probabilities"].values()), atol=1e-6)


def test_score_py_names_what_it_cannot_answer(tmp_path: Path) -> None:
    answers = run(write_bundle(tmp_path), {"image": text(b"no image")}, {"picture": "x"}, [])
    assert [answer["error"].split(";")[0] for answer in answers] == [
        "image 0: not an image, or of a format that is not read",
        answering.FORMS,
        "there is no image in the request",
    ]


def test_the_model_may_lie_where_azure_puts_it(tmp_path: Path) -> None:
    folder, code = write_bundle(tmp_path / "model" / "1" / "bundle"), tmp_path / "code"
    code.mkdir()
    (folder / "score.py").rename(code / "score.py")
    (folder / "SHA256SUMS").write_text(
        "".join(line for line in (folder / "SHA256SUMS").open() if not line.endswith("score.py\n"))
    )
    (answer,) = run(code, {"image": text(png((0, 0, 250)))}, AZUREML_MODEL_DIR=str(tmp_path / "model"))
    assert answer["results"][0]["label"] == "benign"


def test_a_changed_file_stops_init(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b" ")
    with pytest.raises(AssertionError, match="is not the file whose checksum is in SHA256SUMS"):
        run(folder, {"image": text(png((0, 0, 250)))})


def test_the_bundle_carries_the_decoder_of_training_as_it_is() -> None:
    assert portable.contents()["decoding.py"] == Path(images.decoding.__file__).read_bytes()


def test_requirements_are_those_of_the_lock_with_hashes() -> None:
    lines = portable.contents()["requirements.txt"].decode().splitlines()
    pinned = [line.removesuffix(" \\") for line in lines if "==" in line]
    locked = (Path(__file__).parents[2] / "requirements" / "dev.txt").read_text()
    assert {line.split("==")[0] for line in pinned} >= {"onnxruntime", "numpy", "pillow"}
    assert [line for line in pinned if f"{line} \\" not in locked] == []
    assert all(line.strip().startswith("--hash=sha256:") or "==" in line for line in lines)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"\xff\xfe", 400, "not JSON"),
        ("[" * 100_000, 400, "not JSON"),
        ("{}", 422, "send"),
        ("[]", 422, "no image"),
        ('{"images": []}', 422, "no image"),
        ('{"images": ["QQ==", "QQ==", "QQ=="]}', 413, "3 images are more than the 2"),
        ('{"images": ["QQ==", 7]}', 422, "image 1: base64 text"),
        ('{"image": "no base64"}', 422, "image 0: is not base64"),
        ('{"image": "\\u00fc"}', 422, "image 0: is not base64"),
        ("[1]", 422, "image 0: is no object with image_in_base64"),
        ('[{"image_in_base64": "QQ==", "parameters": 3}]', 422, "parameters must be an object"),
        ('[{"image_in_base64": "QQ==", "parameters": {"size": 3}}]', 422, "no parameter 'size'"),
        ('[{"image_in_base64": "QQ==", "parameters": {"softmax": 1}}]', 422, "true or false"),
        ('{"image": "' + "QUJD" * 20 + '"}', 413, "larger than 8e-05 MB"),
    ],
)
def test_what_is_no_request_is_refused_with_a_status_and_a_reason(body: bytes | str, status: int, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        asked(body, 2, 80 if "QUJD" in str(body) else 1 << 20)
    assert caught.value.status == status


@pytest.mark.parametrize("threshold", [0.25, 0.5, None])
@pytest.mark.parametrize(("classes", "positive"), [(2, "a"), (3, "a"), (3, None)])
def test_decisions_are_those_of_evaluation(classes: int, positive: str | None, threshold: float | None) -> None:
    drawn = np.random.default_rng(0).dirichlet(np.ones(classes), 50).astype(np.float32)
    names = ["a", "b", "c"][:classes]
    signature = {"classes": names, "positive_class": positive, "threshold": threshold}
    expected = decide(drawn.astype(np.float64), positive_of(signature), threshold or 0.5)
    assert [answering.result(row, signature)["decision"] for row in drawn] == [names[index] for index in expected]


def test_scores_before_the_softmax_are_refused_of_a_model_that_averages_over_views(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, tta="flips")
    body = [{"image_in_base64": text(png((0, 0, 250)))}]
    refused, answered = run(folder, body, [body[0] | {"parameters": {"softmax": True}}])
    assert "has no scores before the softmax" in refused["error"]
    assert answered[0]["scores"] == answered[0]["probabilities"]
