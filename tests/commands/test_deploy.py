"""`skinlab deploy`, `deployments`, `score` and `verify`, as a user runs them."""

import csv
import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from skinlab.cli import main
from skinlab.deployment import record
from skinlab.deployment.local import LocalTarget
from skinlab.errors import BundleError, DeploymentError, SetupError
from skinlab.serving import loading
from skinlab.serving.scoring import Scorer
from tests.deployment.conftest import deployments_home  # noqa: F401 - a fixture
from tests.deployment.services import key_of
from tests.serving.bundles import png, write_bundle, write_replayed

pytestmark = pytest.mark.usefixtures("deployments_home", "here")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_replayed(tmp_path_factory.mktemp("bundle") / "lesions")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Images in the current directory."""
    (tmp_path / "in").mkdir()
    for name, colour in (("in/green.png", (0, 250, 0)), ("in/red.png", (250, 0, 0)), ("blue.png", (0, 0, 250))):
        (tmp_path / name).write_bytes(png(colour))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def mine(bundle: Path, request: pytest.FixtureRequest) -> record.Record:
    """What `skinlab deploy` made."""
    request.getfixturevalue("deployments_home")
    assert main(["deploy", str(bundle), "deployment=local", "deployment.name=mine"]) == 0
    return record.require("mine")


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_what_was_deployed_is_listed_as_it_is(mine: record.Record, bundle: Path, capsys: Capture) -> None:
    assert main(["deployments"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["name", "target", "status", "address"]
    assert row.split()[:4] == ["mine", "local", "running", mine.address]
    assert main(["deployments", "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["status"], one["run"]) == ("running", str(bundle))
    assert one["replay"]["images"] == 3
    assert key_of(mine) not in json.dumps(one)


def test_a_name_that_is_taken_needs_replace(mine: record.Record, bundle: Path, capsys: Capture) -> None:
    assert main(["deploy", str(bundle), "deployment.name=mine"]) == 2
    assert f"there is a deployment mine already ({mine.address}): --replace takes its place" in capsys.readouterr().err


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(bundle: Path, capsys: Capture) -> None:
    assert main(["deploy", str(bundle), "--dry-run", "deployment.workers=3", "deployment.port=8123"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["name"], plan["address"], plan["replay_images"]) == ("lesions", "http://127.0.0.1:8123", 3)
    assert (plan["service"]["workers"], plan["model"]) == (3, loading.load(bundle).sha256)
    assert record.find("lesions") is None


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize("by_address", [False, True])
def test_score_says_what_predict_says(mine: record.Record, bundle: Path, capsys: Capture, by_address: bool) -> None:
    assert main(["predict", str(bundle), "blue.png", "in"]) == 0
    expected = table(capsys.readouterr().out)
    assert main(["score", mine.address if by_address else "mine", "blue.png", "in"]) == 0
    printed = capsys.readouterr()
    assert table(printed.out) == expected
    assert "3 images scored" in printed.err
    assert "3 requests: median" in printed.err


@pytest.mark.usefixtures("mine")
def test_what_has_no_answer_is_named_and_the_rest_is_scored(capsys: Capture) -> None:
    Path("a-broken.png").write_text("no image")
    assert main(["score", "mine", "a-broken.png", "gone.png", "in", "--format", "jsonl", "--out", "out.jsonl"]) == 1
    rows = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == ["a-broken.png", "gone.png", "in/green.png", "in/red.png"]
    assert [row["label"] for row in rows[2:]] == ["benign", "malignant"]
    assert "image 0: not an image" in rows[0]["error"]
    assert rows[1]["error"] == "cannot be read: No such file or directory"
    assert "2 images scored, 2 without an answer" in capsys.readouterr().err
    assert main(["score", "mine", "gone.png"]) == 1
    assert table(capsys.readouterr().out)[0]["error"] == "cannot be read: No such file or directory"


@pytest.mark.usefixtures("mine")
def test_any_number_of_requests_at_a_time_writes_the_same_bytes() -> None:
    for number in ("1", "8"):
        assert main(["score", "mine", *["in", "blue.png"] * 6, "--concurrency", number, "--out", f"{number}.csv"]) == 0
    assert Path("1.csv").read_bytes() == Path("8.csv").read_bytes()


class _Images(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/red.png"
        content = png((250, 0, 0)) if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.usefixtures("mine")
def test_addresses_are_fetched_by_the_client(capsys: Capture) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Images) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        base = f"http://127.0.0.1:{server.server_address[1]}"
        code = main(["score", "mine", f"{base}/red.png", f"{base}/none.png", "http://images.example/a.png"])
        server.shutdown()
        thread.join()
    rows = table(capsys.readouterr().out)
    assert code == 1
    assert [(row["label"], row["error"]) for row in rows] == [
        ("malignant", ""),
        ("", "HTTP 404"),
        ("", "http://images.example/a.png is not https"),
    ]


def test_verify_compares_with_the_run_and_keeps_what_it_found(
    mine: record.Record, bundle: Path, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["verify", "mine"]) == 0
    assert "mine: replayed 3 images: largest difference of a probability 0 (" in capsys.readouterr().out
    assert main(["verify", f"{mine.address}/score", str(bundle)]) == 0
    other = write_replayed(tmp_path / "other", off=0.25)
    assert main(["verify", "mine", str(other)]) == DeploymentError.exit_code
    printed = capsys.readouterr()
    assert "largest difference of a probability 0.25 (" in printed.out
    assert "is not the model of" in printed.err
    kept = record.require("mine").replay
    assert kept is not None
    assert kept.largest_difference == pytest.approx(0.25)
    assert main(["verify", "mine"]) == 0


def test_verify_needs_a_replay_set_and_a_run_for_an_address(
    mine: record.Record, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["verify", "mine", str(write_bundle(tmp_path / "bare"))]) == BundleError.exit_code
    assert "has no replay set" in capsys.readouterr().err
    assert main(["verify", mine.address]) == 2
    assert "needs a run to compare an address with" in capsys.readouterr().err


def test_restart_logs_and_delete(bundle: Path, capsys: Capture) -> None:
    assert main(["deploy", str(bundle), "deployment.name=short", "deployment.drain_seconds=1"]) == 0
    assert "short: http://127.0.0.1:" in capsys.readouterr().out
    before = record.require("short")
    assert main(["deployments", "restart", "short"]) == 0
    after = record.require("short")
    assert (after.address, after.state["process"] == before.state["process"]) == (before.address, False)
    assert main(["deployments", "logs", "short", "--lines", "1"]) == 0
    assert "POST /score 200" in capsys.readouterr().out.splitlines()[-1]
    assert main(["deployments", "key", "short"]) == 0
    assert capsys.readouterr().out == f"{key_of(after)}\n"
    assert main(["deployments", "delete", "short"]) == 0
    assert record.find("short") is None
    assert main(["deployments", "delete", "short"]) == 2


def test_a_bundle_without_a_replay_set_is_deployed_and_said_to_be_unproven(tmp_path: Path, capsys: Capture) -> None:
    assert main(["deploy", str(write_bundle(tmp_path / "bare")), "deployment.drain_seconds=0"]) == 0
    assert "the bundle has no replay set: nothing was compared" in capsys.readouterr().err
    assert main(["deployments"]) == 0
    assert "not compared" in capsys.readouterr().out
    LocalTarget().delete(record.require("bare"), lambda _: None)


def test_a_missing_package_is_one_line(bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("skinlab.deployment.local.PACKAGES", ("fastapi", "no_such_package"))
    assert main(["deploy", str(bundle), "deployment.name=x"]) == SetupError.exit_code
    assert capsys.readouterr().err.endswith(
        "no_such_package is not installed, which a local service needs: pip install 'skinlab[serve]'\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["deploy"], "needs a run"),
        (["deploy", "deployment.name=x"], "needs a run"),
        (["deploy", "RUN", "-m"], "leave out -m"),
        (["deploy", "RUN", "seed=3"], "seed=3: only deployment can be declared here"),
        (["deploy", "RUN", "deployment.prt=3"], "did you mean 'port'?"),
        (["deploy", "RUN", "deployment=moon"], "no such choice in group 'deployment'"),
        (["deployments", "stop"], "no command 'deployments stop'"),
        (["deployments", "logs"], "needs a name"),
        (["deployments", "key", "nobody"], "there is no deployment 'nobody'"),
        (["deployments", "restart", "nobody"], "there is no deployment 'nobody'"),
        (["score"], "needs a service and images"),
        (["score", "mine"], "needs a service and images"),
        (["score", "nobody", "a.png"], "there is no deployment 'nobody'"),
        (["score", "mine", "a.png", "--concurrency", "0"], "--concurrency 0: must be at least 1"),
        (["verify"], "needs a deployment"),
    ],
)
def test_wrong_arguments_are_told(words: list[str], said: str, capsys: Capture) -> None:
    assert main(words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["deploy", "deployments", "score", "verify", "bundle"])
def test_help_is_printed(verb: str, capsys: Capture) -> None:
    assert main([verb, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"usage: skinlab {verb} ")


def test_the_client_of_a_program_finds_a_deployment_by_its_name(mine: record.Record, bundle: Path) -> None:
    import skinlab

    client, scorer = skinlab.Client("mine"), Scorer(loading.load(bundle), threads=1)
    served = client.score(png((120, 30, 60)))["probabilities"]
    expected = scorer.answer_file(png((120, 30, 60))).probabilities
    assert list(served.values()) == pytest.approx(list(expected), abs=1e-5)
