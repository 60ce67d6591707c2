"""Tracking sinks after whole commands: what their own readers find, and that a dead one changes nothing."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands import TINY, Workplace, metrics, record

FEATURES = (*TINY, "method=featurize", "network.image_size=32")


def mlflow_runs(uri: str) -> tuple[Any, list[Any]]:
    """A client, and all runs of the experiment `debug`."""
    mlflow = pytest.importorskip("mlflow", reason="needs mlflow")
    client = mlflow.MlflowClient(tracking_uri=uri)
    return client, client.search_runs([client.get_experiment_by_name("debug").experiment_id])


def test_event_files_hold_the_numbers_of_metrics_jsonl(finished_run: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard")
    events = reader.EventAccumulator(str(finished_run / "tensorboard"))
    events.Reload()
    lines = metrics(finished_run)
    names = [name for name in lines[0] if name != "epoch"]
    tags = {name.replace("_", "/", 1): name for name in names}
    assert {tag for tag in events.Tags()["scalars"] if not tag.startswith("final/")} == set(tags)
    for tag, name in tags.items():
        read = [(event.step, event.value) for event in events.Scalars(tag)]
        assert read == [(line["epoch"], pytest.approx(line[name], rel=1e-6)) for line in lines]
    auc = json.loads((finished_run / "summary.json").read_text())["test"]["metrics"]["auc"]
    assert [event.value for event in events.Scalars("final/test/auc_low")] == [pytest.approx(auc["low"], rel=1e-6)]


def test_mlflow_holds_declaration_epochs_final_numbers_and_artifacts(finished_run: Path) -> None:
    output = finished_run.parents[2]
    client, (run,) = mlflow_runs(f"sqlite:///{output / 'mlflow.db'}")
    facts = record(finished_run)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == finished_run.name
    assert run.data.params["optimizer.minibatch_size"] == "16"
    assert run.data.params["evaluation.operating_point"] == "sensitivity>=0.9"
    for line in metrics(finished_run):
        history = client.get_metric_history(run.info.run_id, "validation/loss")
        assert (line["epoch"], line["validation_loss"]) in [(metric.step, metric.value) for metric in history]
    auc = json.loads((finished_run / "summary.json").read_text())["test"]["metrics"]["auc"]
    assert {name: run.data.metrics[f"final/test/auc{part}"] for name, part in PARTS.items()} == {
        name: auc[name] for name in PARTS
    }
    assert run.data.tags["skinlab_split_hash"] == facts["split_hash"]
    assert "phantoms" in run.data.tags["mlflow.note.content"]
    kept = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert kept == {"summary.json", "report.html", "plots"}
    tracked = facts["tracking"]
    assert {name: tracked[name]["status"] for name in ("tensorboard", "mlflow")} == dict.fromkeys(
        ("tensorboard", "mlflow"), "delivered"
    )
    assert tracked["mlflow"]["run_id"] == run.info.run_id


PARTS = {"value": "", "low": "_low", "high": "_high"}


def test_a_server_that_is_not_there_is_told_once_and_the_run_finishes(workplace: Workplace) -> None:
    pytest.importorskip("mlflow", reason="needs mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
    done = workplace.skinlab("train", *FEATURES, "tracking=mlflow", f"tracking.mlflow.uri={uri}")
    assert done.code == 0, done.err
    (line,) = (line for line in done.err.splitlines() if "mlflow" in line)
    assert line.startswith("tracking: mlflow: MlflowException: API request to ")
    assert line.endswith("; the run goes on without it")
    facts = record(workplace.run())
    assert facts["status"] == "finished"
    assert facts["tracking"]["mlflow"]["status"] == "failed"
    assert uri in facts["tracking"]["mlflow"]["error"]
    assert (workplace.run() / "report.html").exists()


def test_the_trials_of_a_sweep_are_nested(workplace: Workplace) -> None:
    done = workplace.skinlab("train", "-m", *FEATURES, "tracking=mlflow", "tracking.mlflow.bundle=true", "seed=1,2")
    assert done.code == 0, done.err
    assert "alembic" not in done.out + done.err
    client, runs = mlflow_runs(f"sqlite:///{workplace.path / 'outputs' / 'mlflow.db'}")
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    trials = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {parent.info.run_id}
    assert sorted(run.data.params["seed"] for run in trials) == ["1", "2"]
    assert [run.info.status for run in runs] == ["FINISHED"] * 3
    assert parent.info.run_name == workplace.runs()[0].parent.name
    bundle = {item.path for item in client.list_artifacts(trials[0].info.run_id, "bundle")}
    assert {"bundle/model.onnx", "bundle/SHA256SUMS"} <= bundle
