"""Killed at any moment, a run is resumed to the same bytes."""

import json
import signal
from pathlib import Path

import pytest

from tests.integration.commands import TINY, Workplace, finish, metrics, record, wait_for

pytestmark = pytest.mark.cntk

DECLARED = (*TINY, "training.epochs=4", "network.dropout=0.3", "training.checkpoint_minutes=0.0001")
SAME = ("predictions.csv", "summary.json", "metrics.jsonl", "checkpoints/best.safetensors", "bundle/model.onnx")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, cntk_home: Path) -> Path:
    """A run that nobody disturbed; only to be read."""
    return Workplace(tmp_path_factory.mktemp("whole"), cntk_home).train(*DECLARED)


def epochs_of(workplace: Workplace) -> int:
    """How many epochs the only run has told so far."""
    return sum(len(metrics(run)) for run in workplace.runs() if (run / "metrics.jsonl").exists())


@pytest.mark.parametrize(
    ("stop", "status", "epochs"), [(signal.SIGKILL, "running", 2), (signal.SIGINT, "interrupted", 1)]
)
def test_a_stopped_run_ends_as_if_it_had_not_been_stopped(
    whole: Path, workplace: Workplace, stop: signal.Signals, status: str, epochs: int
) -> None:
    process = workplace.start("train", *DECLARED, "tracking=[tensorboard,mlflow]")
    reached = wait_for(lambda: epochs_of(workplace) >= epochs, 120)
    process.send_signal(stop)
    finish(process)
    assert reached
    run = workplace.run()
    assert record(run)["status"] == status
    resumed = workplace.skinlab("resume", str(run))
    assert resumed.code == 0, resumed.err
    assert [name for name in SAME if (run / name).read_bytes() != (whole / name).read_bytes()] == []
    assert record(run)["status"] == "finished"
    assert mlflow_steps(run) == tensorboard_steps(run) == [1, 2, 3, 4]


def mlflow_steps(run: Path) -> list[int]:
    """Of the only run in the store."""
    mlflow = pytest.importorskip("mlflow", reason="needs mlflow")
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{run.parents[2] / 'mlflow.db'}")
    (tracked,) = client.search_runs([client.get_experiment_by_name("debug").experiment_id])
    assert tracked.info.status == "FINISHED"
    return [metric.step for metric in client.get_metric_history(tracked.info.run_id, "train/loss")]


def tensorboard_steps(run: Path) -> list[int]:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard")
    events = reader.EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return [event.step for event in events.Scalars("train/loss")]


def test_a_run_whose_data_changed_is_not_resumed(workplace: Workplace, whole: Path) -> None:
    other = workplace.path / "other"
    other.mkdir()
    changed = record(whole) | {"status": "interrupted", "dataset_fingerprint": "0" * 64}
    (other / "run.json").write_text(json.dumps(changed))
    resumed = workplace.skinlab("resume", "other", "--trust")
    assert resumed.code == 3
    assert "the data set changed since" in resumed.err
    assert record(other)["status"] == "failed"


def test_what_is_not_a_run_is_said_in_one_line(workplace: Workplace) -> None:
    resumed = workplace.skinlab("resume", str(workplace.path))
    assert resumed.code == 6
    assert resumed.err == f"skinlab resume: {workplace.path} is not a run directory: it has no run.json\n"


def test_a_resumed_run_keeps_its_labels_while_the_log_grows(workplace: Workplace) -> None:
    log = workplace.path / "labels.log"
    declared = (*TINY, f"dataset.label_log={log}")

    def relabel(image_id: str) -> str:
        for label in ("benign", "malignant"):  # one of them is the label already
            done = workplace.skinlab("data", "labels", "set", image_id, label, "--why", "a test", *declared)
            if done.code == 0:
                return done.out.splitlines()[-1].split()[1]
        raise AssertionError(done.err)

    revision = relabel("phantom_00001")
    run = workplace.train(*declared)
    facts = record(run)
    assert facts["label_revision"].startswith(revision)
    relabel("phantom_00002")
    predicted = (run / "predictions.csv").read_bytes()
    (run / "predictions.csv").unlink()
    (run / "run.json").write_text(json.dumps(facts | {"status": "interrupted"}))
    resumed = workplace.skinlab("resume", str(run), "--trust")
    assert resumed.code == 0, resumed.err
    assert (run / "predictions.csv").read_bytes() == predicted
    (run / "run.json").write_text(json.dumps(facts | {"status": "interrupted"}))
    log.unlink()
    refused = workplace.skinlab("resume", str(run), "--trust")
    assert refused.code == 3
    assert f"revision {revision} of the labels is not available: there is no label log {log}" in refused.err
