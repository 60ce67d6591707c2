"""What MLflow's own client reads back."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from skinlab.tracking.delivery import Delivery
from skinlab.tracking.mlflow import PARENT_TAG, Mlflow, place
from skinlab.tracking.sink import Ending
from tests.tracking.conftest import MakeSubject, record

mlflow = pytest.importorskip("mlflow", reason="needs mlflow")

ELSEWHERE = Path("/nonexistent/outputs")
"""The output folder where it must not be used, because the store has a place of its own."""


def runs(uri: str, experiment: str = "lesions") -> list[Any]:
    client = mlflow.MlflowClient(tracking_uri=uri)
    found = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return sorted(found, key=lambda run: run.info.run_name)


def only_run(uri: str) -> Any:
    (run,) = runs(uri)
    return run


def steps(uri: str, name: str) -> list[tuple[int, float]]:
    history = mlflow.MlflowClient(tracking_uri=uri).get_metric_history(only_run(uri).info.run_id, name)
    return [(metric.step, metric.value) for metric in history]


def finished(folder: Path) -> Ending:
    return Ending(
        "finished", None, 2, {"final/test/auc": 0.9, "final/test/auc_low": 0.8}, {"skinlab_split_hash": "ab"},
        [(folder / "summary.json", ""), (folder / "summary.json", "plots")],
    )  # fmt: skip


def test_a_finished_run_is_read_back(store: str, subject: MakeSubject, tmp_path: Path) -> None:
    run = subject("20260101-120000-abcdef")
    sink = Mlflow(run, store, "lesions", tmp_path / "outputs")
    sink.begin()
    assert only_run(store).info.status == "RUNNING"
    sink.epochs([record(1)])
    sink.epochs([record(1), record(2, validation_auc=None)])
    sink.end(finished(run.path))
    found = only_run(store)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "20260101-120000-abcdef")
    assert found.info.run_id == sink.facts()["run_id"]
    assert steps(store, "train/loss") == [(1, 1.0), (2, 0.5)]
    assert steps(store, "validation/auc") == [(1, 0.9)]
    assert (found.data.metrics["final/test/auc"], found.data.metrics["final/test/auc_low"]) == (0.9, 0.8)
    assert found.data.params["seed"] == "1"
    assert found.data.params["dataset.classes"] == '["a", "b"]'
    assert found.data.params["dataset.classes.a_b"] == "null"
    assert found.data.params["augmentation.long"] == "x" * 6000
    tags = found.data.tags
    assert (tags["skinlab_status"], tags["skinlab_split_hash"], tags["skinlab_path"]) == (
        "finished", "ab", str(run.path),
    )  # fmt: skip
    kept = tmp_path / "mlartifacts" / found.info.run_id / "artifacts"
    assert sorted(str(path.relative_to(kept)) for path in kept.rglob("*.json")) == [
        "plots/summary.json",
        "summary.json",
    ]


def test_a_resumed_run_goes_on_in_the_same_run_without_a_step_twice(store: str, subject: MakeSubject) -> None:
    first = Mlflow(subject(), store, "lesions", ELSEWHERE)
    first.begin()
    first.epochs([record(1), record(2)])
    first.end(Ending("interrupted", "KeyboardInterrupt: stopped from outside"))
    assert only_run(store).info.status == "KILLED"
    assert only_run(store).data.tags["skinlab_error"].startswith("KeyboardInterrupt")
    second = Mlflow(subject(), store, "lesions", ELSEWHERE)
    second.begin()
    assert only_run(store).info.status == "RUNNING"
    second.epochs([record(1), record(2), record(3)])
    second.end(Ending("finished", None, 3))
    assert [step for step, _ in steps(store, "train/loss")] == [1, 2, 3]
    assert only_run(store).info.status == "FINISHED"
    assert only_run(store).data.tags["skinlab_error"] == ""


def test_a_try_that_is_repeated_adds_nothing(store: str, subject: MakeSubject) -> None:
    run = subject()
    sink = Mlflow(run, store, "lesions", ELSEWHERE)
    for _ in range(2):
        sink.begin()
        sink.epochs([record(1)])
        sink.end(finished(run.path))
    assert steps(store, "train/loss") == [(1, 1.0)]
    assert steps(store, "final/test/auc") == [(2, 0.9)]


def test_trials_are_nested_in_one_run_of_their_sweep_whose_status_follows_theirs(
    store: str, subject: MakeSubject
) -> None:
    one, other = (Mlflow(subject(name, sweep="sweep1"), store, "lesions", ELSEWHERE) for name in "01")
    together = [threading.Thread(target=sink.begin) for sink in (one, other)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(30)
    *trials, parent = runs(store)
    assert (parent.info.run_name, parent.info.status) == ("sweep1", "RUNNING")
    assert {trial.data.tags[PARENT_TAG] for trial in trials} == {parent.info.run_id}
    one.end(Ending("failed", "no room"))
    assert [run.info.status for run in runs(store)] == ["FAILED", "RUNNING", "RUNNING"]
    other.end(Ending("finished", None))
    assert [run.info.status for run in runs(store)] == ["FAILED", "FINISHED", "FAILED"]
    again = Mlflow(subject("0", sweep="sweep1"), store, "lesions", ELSEWHERE)
    again.begin()
    assert [run.info.status for run in runs(store)] == ["RUNNING", "FINISHED", "RUNNING"]
    again.end(Ending("finished", None))
    assert [run.info.status for run in runs(store)] == ["FINISHED"] * 3


def test_a_store_that_was_killed_while_it_was_made_is_made_anew(subject: MakeSubject, tmp_path: Path) -> None:
    (tmp_path / ".mlflow.db.tmp").write_bytes(b"half of a database")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    Mlflow(subject(), uri, "Default", ELSEWHERE).begin()
    (run,) = runs(uri, "Default")
    assert run.info.status == "RUNNING"
    assert run.info.artifact_uri == f"{(tmp_path / 'mlartifacts').as_uri()}/0/{run.info.run_id}/artifacts"
    assert not (tmp_path / ".mlflow.db.tmp").exists()


def test_mlflow_is_not_let_tell_its_makers_of_its_use(store: str, subject: MakeSubject) -> None:
    Mlflow(subject(), store, "lesions", ELSEWHERE)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_the_address_of_the_environment_is_not_used(
    store: str, subject: MakeSubject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    Mlflow(subject(), store, "lesions", ELSEWHERE).begin()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert only_run(store)


def test_without_an_address_the_store_lies_in_the_output_directory(tmp_path: Path) -> None:
    uri, artifacts = place(None, tmp_path / "new")
    assert (uri, artifacts) == (f"sqlite:///{tmp_path}/new/mlflow.db", tmp_path / "new" / "mlartifacts")
    assert place(f"sqlite:///{tmp_path}/a.db", ELSEWHERE) == (f"sqlite:///{tmp_path}/a.db", tmp_path / "mlartifacts")


def test_artifacts_of_a_database_on_a_server_lie_in_the_output_directory(tmp_path: Path) -> None:
    for uri in ("postgresql://lab/runs", "mysql+pymysql://lab/runs"):
        assert place(uri, tmp_path) == (uri, tmp_path / "mlartifacts")


def test_nothing_is_written_where_the_process_was_started(
    store: str, subject: MakeSubject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    started.mkdir()
    monkeypatch.chdir(started)
    run = subject()
    sink = Mlflow(run, None, "lesions", tmp_path)
    sink.begin()
    sink.end(finished(run.path))
    assert only_run(store).info.status == "FINISHED"
    assert list(started.iterdir()) == []
    assert len(list((tmp_path / "mlartifacts").rglob("summary.json"))) == 2


class Refusing(BaseHTTPRequestHandler):
    """Answers nothing but that it is broken."""

    def do_GET(self) -> None:
        self.send_error(503, "out for lunch")

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
        """Quiet."""


def test_a_server_that_refuses_is_reported_with_its_answer(subject: MakeSubject) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        delivery = Delivery(
            "mlflow", Mlflow(subject(), f"http://127.0.0.1:{server.server_port}", "lesions", ELSEWHERE), ()
        )
        delivery.end(Ending("finished", None), 60)
        server.shutdown()
        thread.join(30)
    report = delivery.report()
    assert report["status"] == "failed"
    assert "503" in report["error"]
    assert report["run_id"] is None


class Server:
    """MLflow's own tracking server on loopback, which can be killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.uri = f"http://127.0.0.1:{port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        store, artifacts = f"sqlite:///{self.folder}/mlflow.db", self.folder / "served"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app", "--port", str(self.port)],
            env=os.environ
            | {
                "_MLFLOW_SERVER_FILE_STORE": store,
                "_MLFLOW_SERVER_REGISTRY_STORE": store,
                "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
                "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(artifacts),
                "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            },
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 120
        while not self._answers():
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.uri}/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[Server]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as free:
        port = free.server_port
    server = Server(tmp_path, port)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.mark.slow
def test_a_server_that_dies_and_comes_back_misses_nothing_and_gets_nothing_twice(
    server: Server, subject: MakeSubject, capsys: pytest.CaptureFixture[str]
) -> None:
    run = subject()
    delivery = Delivery("mlflow", Mlflow(run, server.uri, "lesions", ELSEWHERE), pauses=(0.1,))
    delivery.epochs([record(1)])
    wait_for(lambda: bool(delivery.report()["run_id"]) and steps(server.uri, "train/loss") == [(1, 1.0)])
    server.kill()
    delivery.epochs([record(1), record(2)])
    wait_for(lambda: delivery.error is not None)
    assert delivery.news() is not None
    server.start()
    delivery.epochs([record(1), record(2), record(3)])
    delivery.end(finished(run.path), 60)
    assert delivery.report() | {"failed_tries": 0} == {
        "status": "delivered",
        "error": None,
        "failed_tries": 0,
        "uri": server.uri,
        "experiment": "lesions",
        "run_id": only_run(server.uri).info.run_id,
    }
    assert [step for step, _ in steps(server.uri, "train/loss")] == [1, 2, 3]
    client = mlflow.MlflowClient(tracking_uri=server.uri)
    assert {item.path for item in client.list_artifacts(only_run(server.uri).info.run_id)} == {"plots", "summary.json"}
    assert capsys.readouterr().out == ""


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
