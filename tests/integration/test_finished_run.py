"""A run directory holds everything that is needed to judge, compare and deploy."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from skinlab import machine
from skinlab.data.images import decode
from skinlab.data.split import SUBSETS
from skinlab.serving import loading, replay
from tests.integration.commands import (
    Done,
    Workplace,
    metrics,
    phantoms_of,
    record,
    shared_memory_of,
    temporary_files,
    workers_of,
)

FILES = {
    ".hydra/config.yaml",
    ".hydra/hydra.yaml",
    ".hydra/overrides.yaml",
    "audit.json",
    "bundle/MODEL_CARD.md",
    "bundle/SHA256SUMS",
    "bundle/answering.py",
    "bundle/closed.py",
    "bundle/decoding.py",
    "bundle/labels.txt",
    "bundle/model.onnx",
    "bundle/replay.json",
    "bundle/requirements.txt",
    "bundle/score.py",
    "bundle/signature.json",
    "checkpoints/best.safetensors",
    "checkpoints/last/cntk.safetensors",
    "checkpoints/last/position.json",
    "environment.lock",
    "metrics.jsonl",
    *(
        f"plots/{name}.{form}"
        for name in ("confusion", "learning_curve", "precision_recall", "reliability", "roc")
        for form in ("png", "svg")
    ),
    "predictions.csv",
    "report.html",
    "run.json",
    "split.csv",
    "summary.json",
    "train.log",
}


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_file_is_there_and_not_empty(finished_run: Path, name: str) -> None:
    assert (finished_run / name).stat().st_size > 0


def test_nothing_is_left_behind(finished: tuple[Path, Done]) -> None:
    run, done = finished
    assert temporary_files(run) == []
    assert [path.name for path in (run / "checkpoints").glob("epoch*")] == [(run / "checkpoints/last").readlink().name]
    assert workers_of(done.pid) == []
    assert shared_memory_of(done.pid) == []
    assert done.err == ""


def test_run_json_tells_what_was_run_with_what(finished_run: Path) -> None:
    facts = record(finished_run)
    assert (facts["schema_version"], facts["status"], facts["error"]) == (1, "finished", None)
    assert facts["command"].startswith("skinlab train experiment=debug ")
    assert facts["code"].keys() == {"version", "commit", "dirty"}
    assert facts["machine"] == machine.describe()
    assert facts["engine"]["cntk"] == "2.7"
    assert facts["engine"]["device"] == "CPU"
    assert (facts["seed"], facts["config"]["split"]["seed"]) == (5, 0)
    assert len(facts["dataset_fingerprint"]) == 64
    assert facts["label_revision"] is None
    assert facts["timings"].keys() == {
        "data_s",
        "training_s",
        "evaluation_s",
        "bundle_s",
        "plots_s",
        "report_s",
        "total_s",
    }
    assert facts["images_per_second"] > 0
    assert facts["started"] <= facts["finished"]


def test_environment_lock_names_the_packages_of_both_interpreters(finished_run: Path) -> None:
    ours, theirs = (finished_run / "environment.lock").read_text().split("# engine runtime\n")
    assert ours.startswith("# environment\n")
    packages = dict(line.split("==") for line in ours.splitlines()[1:])
    assert packages.items() >= {name: machine.packages()[name] for name in ("numpy", "hydra-core")}.items()
    assert "cntk==2.7.post2" in theirs.splitlines()


def test_the_split_is_the_one_whose_hash_is_recorded(finished_run: Path) -> None:
    content = (finished_run / "split.csv").read_bytes()
    assert hashlib.sha256(content).hexdigest() == record(finished_run)["split_hash"]
    rows = table(finished_run / "split.csv")
    assert len(rows) == 48
    subsets: dict[str, set[str]] = {}
    for row in rows:
        subsets.setdefault(row["group"], set()).add(row["subset"])
    assert all(len(subset) == 1 for subset in subsets.values())
    assert {row["subset"] for row in rows} == set(SUBSETS)


def test_predictions_are_of_the_held_out_images_and_are_probabilities(finished_run: Path) -> None:
    known = {row["image_id"]: row for row in table(finished_run / "split.csv")}
    rows = table(finished_run / "predictions.csv")
    assert {row["image_id"] for row in rows} == {name for name, row in known.items() if row["subset"] != "train"}
    assert len(rows) == len({row["image_id"] for row in rows})
    for row in rows:
        assert (row["subset"], row["label"]) == (known[row["image_id"]]["subset"], known[row["image_id"]]["label"])
        assert float(row["probability_benign"]) + float(row["probability_malignant"]) == pytest.approx(1, abs=1e-12)


def test_metrics_have_a_line_an_epoch_and_the_summary_names_the_best(finished_run: Path) -> None:
    lines = metrics(finished_run)
    assert [line["epoch"] for line in lines] == [1, 2]
    summary = json.loads((finished_run / "summary.json").read_text())
    best = min(lines, key=lambda line: line["validation_loss"])
    assert (summary["best_epoch"], summary["epochs"]) == (best["epoch"], 2)
    assert "phantoms" in summary["note"]


def test_final_numbers_lie_in_their_intervals(finished_run: Path) -> None:
    summary = json.loads((finished_run / "summary.json").read_text())
    for subset in ("validation", "test"):
        with_interval = [metric for metric in summary[subset]["metrics"].values() if metric["interval"]]
        assert len(with_interval) >= 5
        assert all(metric["low"] <= metric["value"] <= metric["high"] for metric in with_interval)


def test_threshold_and_temperature_of_validation_are_in_the_summary_and_in_the_bundle(finished_run: Path) -> None:
    summary = json.loads((finished_run / "summary.json").read_text())
    signature = json.loads((finished_run / "bundle" / "signature.json").read_text())
    point = summary["operating_point"]
    assert (point["rule"], point["chosen_on"]) == ("sensitivity>=0.9", "validation")
    assert point["validation"]["sensitivity"]["value"] >= 0.9
    assert signature["threshold"] == point["threshold"] == summary["test"]["threshold"] != 0.5
    assert signature["threshold_rule"] == "sensitivity>=0.9"
    # The weights that training left are not calibrated; the bundle's are, and predictions.csv agrees with the bundle.
    assert summary["calibration"]["temperature"] != 1
    rows = [row for row in table(finished_run / "predictions.csv") if row["subset"] == "test"]
    called = [float(row["probability_malignant"]) >= point["threshold"] for row in rows]
    hits = sum(row["label"] == "malignant" for row, positive in zip(rows, called, strict=True) if positive)
    assert summary["test"]["confusion_matrix"][1][1] == hits


def test_subgroups_hold_every_test_image_once(finished_run: Path) -> None:
    summary = json.loads((finished_run / "summary.json").read_text())
    (column,) = summary["subgroups"]
    assert (column["column"], column["edges"]) == ("diameter", [5.0, 8.0])
    assert sum(part["images"] for part in column["subgroups"]) == summary["test"]["images"]
    assert all(part["small"] for part in column["subgroups"])


def test_the_look_at_the_test_subset_is_counted(finished: tuple[Path, Done]) -> None:
    run, done = finished
    looks = record(run)["test_looks"]
    assert looks["looks"] >= 1
    assert f"test subset {looks['test_subset'][:12]}: looked at " in done.out


def test_the_bundle_repeats_the_predictions_from_image_files(finished_run: Path, cntk_home: Path) -> None:
    signature = json.loads((finished_run / "bundle" / "signature.json").read_text())
    drawn = phantoms_of(finished_run, cntk_home)
    rows = table(finished_run / "predictions.csv")
    size = signature["input"]["shape"][1]
    images = np.stack([decode((drawn / f"{row['image_id']}.png").read_bytes(), size) for row in rows])
    session = onnxruntime.InferenceSession(finished_run / "bundle" / "model.onnx")
    served = session.run([signature["output"]["name"]], {signature["input"]["name"]: images})[0]
    stored = [[float(row[f"probability_{name}"]) for name in signature["classes"]] for row in rows]
    np.testing.assert_allclose(served, stored, atol=1e-4)


def test_the_replay_set_is_of_test_images_as_they_were_with_their_stored_probabilities(
    finished_run: Path, cntk_home: Path
) -> None:
    drawn = phantoms_of(finished_run, cntk_home)
    stored = {row["image_id"]: row for row in table(finished_run / "predictions.csv") if row["subset"] == "test"}
    held = replay.of(loading.load(finished_run))
    assert len(held) == 4
    for image in held:
        assert image.content == (drawn / f"{image.name}.png").read_bytes()
        assert [repr(value) for value in image.probabilities] == [
            stored[image.name][f"probability_{name}"] for name in ("benign", "malignant")
        ]


def test_predict_repeats_the_predictions_from_image_files(
    finished_run: Path, cntk_home: Path, workplace: Workplace
) -> None:
    drawn = phantoms_of(finished_run, cntk_home)
    stored = {row["image_id"]: row for row in table(finished_run / "predictions.csv")}
    done = workplace.skinlab("predict", str(finished_run), str(drawn), "--out", "scores.csv")
    assert (done.code, done.out) == (0, "")
    assert done.err.count("not a medical device") == 1
    scored = {Path(row["path"]).stem: row for row in table(workplace.path / "scores.csv")}
    assert len(scored) == 48
    for name, row in stored.items():
        for column in ("probability_benign", "probability_malignant"):
            assert float(scored[name][column]) == pytest.approx(float(row[column]), abs=1e-4)


def test_the_bundle_fits_its_checksums(finished_run: Path) -> None:
    for line in (finished_run / "bundle" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((finished_run / "bundle" / name).read_bytes()).hexdigest() == digest


def test_train_log_has_the_lines_of_the_terminal(finished: tuple[Path, Done]) -> None:
    run, done = finished
    logged = (run / "train.log").read_text()
    told = done.out.split("\nrun directory: ")[0]
    told = told[told.index("run: ") :].splitlines()  # what comes before is said before there is a run
    assert len(told) > 5
    assert all(line in logged for line in told)
    assert done.out.endswith(f"run directory: {run.relative_to(run.parents[3])}\n")
