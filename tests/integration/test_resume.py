"""Killed at any moment, a run is resumed to the same bytes."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skinlab import paths
from tests.processes import hear_ctrl_c

pytestmark = pytest.mark.cntk

DECLARED = ["experiment=debug", "training.epochs=4", "network.dropout=0.3", "training.checkpoint_minutes=0.0001"]
SAME = ("predictions.csv", "summary.json", "metrics.jsonl", "checkpoints/best.safetensors", "bundle/model.onnx")
SKINLAB = [sys.executable, "-m", "skinlab"]


def started(folder: Path, *more: str) -> subprocess.Popen[str]:
    folder.mkdir()
    command = [*SKINLAB, "train", *DECLARED, *more]
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509 - one system call
    )


def only_run(folder: Path) -> Path:
    (run,) = folder.glob("outputs/runs/*/*")
    return run


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, cntk_home: Path) -> Path:
    folder = tmp_path_factory.mktemp("resume") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(paths.HOME_VARIABLE, str(cntk_home))
        assert started(folder).wait(120) == 0
    return only_run(folder)


@pytest.mark.parametrize(
    ("stop", "status", "epochs"), [(signal.SIGKILL, "running", 2), (signal.SIGINT, "interrupted", 1)]
)
def test_a_stopped_run_ends_as_if_it_had_not_been_stopped(
    whole: Path, home: Path, tmp_path: Path, stop: signal.Signals, status: str, epochs: int
) -> None:
    process = started(tmp_path / "stopped", "tracking=[tensorboard,mlflow]")
    deadline = time.monotonic() + 60
    lines = 0
    while lines < epochs and time.monotonic() < deadline:
        time.sleep(0.02)
        lines = sum(
            len(file.read_text().splitlines()) for file in tmp_path.glob("stopped/outputs/runs/*/*/metrics.jsonl")
        )
    process.send_signal(stop)
    process.wait(30)
    run = only_run(tmp_path / "stopped")
    assert json.loads((run / "run.json").read_text())["status"] == status
    resumed = subprocess.run([*SKINLAB, "resume", str(run)], capture_output=True, text=True, timeout=120, check=False)
    assert resumed.returncode == 0, resumed.stderr
    assert {name: (run / name).read_bytes() == (whole / name).read_bytes() for name in SAME} == dict.fromkeys(
        SAME, True
    )
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
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


def test_a_run_whose_data_changed_is_not_resumed(home: Path, tmp_path: Path, whole: Path) -> None:
    record = json.loads((whole / "run.json").read_text())
    other = tmp_path / "other"
    other.mkdir()
    changed = record | {"status": "interrupted", "dataset_fingerprint": "0" * 64}
    (other / "run.json").write_text(json.dumps(changed))
    resumed = subprocess.run([*SKINLAB, "resume", str(other)], capture_output=True, text=True, timeout=60, check=False)
    assert resumed.returncode == 3
    assert "the data set changed since" in resumed.stderr
    assert json.loads((other / "run.json").read_text())["status"] == "failed"


def test_what_is_not_a_run_is_said_in_one_line(tmp_path: Path) -> None:
    resumed = subprocess.run([*SKINLAB, "resume", str(tmp_path)], capture_output=True, text=True, check=False)
    assert resumed.returncode == 6
    assert resumed.stderr == f"skinlab resume: {tmp_path} is not a run directory: it has no run.json\n"


def test_a_resumed_run_keeps_its_labels_while_the_log_grows(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "labels.log"
    dataset = ["experiment=debug", f"dataset.label_log={log}"]

    def skinlab(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*SKINLAB, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    def relabel(image_id: str) -> str:
        for label in ("benign", "malignant"):  # one of them is the label already
            done = skinlab("data", "labels", "set", image_id, label, "--why", "a test", *dataset)
            if done.returncode == 0:
                return done.stdout.splitlines()[-1].split()[1]
        raise AssertionError(done.stderr)

    revision = relabel("phantom_00001")
    assert skinlab("train", *dataset).returncode == 0
    run = only_run(tmp_path)
    record = json.loads((run / "run.json").read_text())
    assert record["label_revision"].startswith(revision)
    relabel("phantom_00002")
    predicted = (run / "predictions.csv").read_bytes()
    (run / "predictions.csv").unlink()
    (run / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    resumed = skinlab("resume", str(run))
    assert resumed.returncode == 0, resumed.stderr
    assert (run / "predictions.csv").read_bytes() == predicted
    (run / "run.json").write_text(json.dumps(record | {"status": "interrupted"}))
    log.unlink()
    refused = skinlab("resume", str(run))
    assert refused.returncode == 3
    assert f"revision {revision} of the labels is not available: there is no label log {log}" in refused.stderr
