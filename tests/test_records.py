import csv
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from skinlab import networks, records
from skinlab.config import compose
from skinlab.data.audit.findings import Findings, LeakFound
from skinlab.data.label_log.apply import Correction, Corrections
from skinlab.data.manifest import Manifest
from skinlab.data.prepare import Prepared
from skinlab.errors import ConfigError
from skinlab.networks.pretrained import Start
from skinlab.run import Run
from skinlab.training.checkpoint import Position
from skinlab.training.loop import Fit
from tests.data.data_builders import folder_dataset, synthetic_dataset

FINDINGS = Findings(
    images=4,
    corrupt=[],
    label_log=Corrections(),
    classes={},
    left_out_labels={},
    without_image=[],
    ignored_files={},
    unread_pictures=[],
    large_groups=[],
    images_without_group=1,
    split={},
    counts={},
    duplicates=[],
    duplicates_with_conflicting_labels=[],
    duplicates_across_subsets=[],
    near_duplicates=None,
    near_duplicates_with_conflicting_labels=[],
    known_duplicates=[],
    known_errors=[],
    absent_in_lists={},
    leaks=[],
    on_leak=None,
    left_out=[],
    small_classes=[],
    outliers=[],
)
SUBSETS = ["train", "test", "validation", "test"]


def prepared(**changes: Any) -> Prepared:
    names = ["a", 'b "quoted", with comma', "c", "d"]
    manifest = Manifest(image_ids=names, paths=names, labels=["no", "yes", "no", "yes"], groups=["1", None, "2", "2"])
    values: dict[str, Any] = {
        "manifest": manifest,
        "images": np.zeros((4, 8, 8, 3), np.uint8),
        "sha256": ["0" * 64] * 4,
        "targets": np.array([0, 1, 0, 1]),
        "classes": ["no", "yes"],
        "positive": 1,
        "subsets": SUBSETS,
        "fingerprint": "f" * 64,
        "split_hash": "5" * 64,
        "findings": FINDINGS,
        "colour_profile": "convert",
    }
    return Prepared(**(values | changes))


def test_a_resumed_run_begins_with_the_weights_that_it_was_started_with(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", {})
    first = {"source": "file", "file": "a.safetensors", "sha256": "1" * 64, "drawn": []}
    for moved in (first, first | {"file": "b/a.safetensors"}):
        records.weights(run, Start({}, moved))
    assert run.record["weights"]["file"] == "b/a.safetensors"
    with pytest.raises(ConfigError, match=r"a\.safetensors changed since .* was started"):
        records.weights(run, Start({}, first | {"sha256": "2" * 64}))


def test_where_no_class_is_the_positive_one_the_line_of_the_data_says_how_to_choose() -> None:
    known, alike = (records.describe_data(folder_dataset("x"), prepared(positive=positive)) for positive in (1, None))
    assert alike == f"{known}; no class is singled out (dataset.positive_class=NAME singles one out)"


def test_a_positive_class_that_is_only_assumed_is_said_with_the_way_to_turn_it_round() -> None:
    (said,) = records.data_remarks({"classes": {"a": {}, "b": {}}, "assumed_positive": "b"})
    assert said == (
        "positive class: b (of two classes neither is known as the positive one: set dataset.positive_class=a to "
        "turn it round)"
    )


def test_predictions_are_read_back_exactly_with_their_own_labels() -> None:
    third = 1 / 3
    given = {"validation": np.array([[third, 1 - third]]), "test": np.array([[0.1, 0.9], [1e-300, 1.0]])}
    rows = list(csv.reader(io.StringIO(records.predictions_csv(prepared(), given))))
    assert rows[0] == ["image_id", "subset", "label", "probability_no", "probability_yes"]
    assert [row[:3] for row in rows[1:]] == [
        ["c", "validation", "no"],
        ['b "quoted", with comma', "test", "yes"],
        ["d", "test", "yes"],
    ]
    assert [[float(value) for value in row[3:]] for row in rows[1:]] == [[third, 1 - third], [0.1, 0.9], [1e-300, 1.0]]


def test_phantoms_and_shuffled_labels_are_noted_and_real_images_are_not() -> None:
    assert "phantoms" in records.data_note(synthetic_dataset())
    assert "shuffled" in records.data_note(folder_dataset("x", shuffle_labels=True))
    assert "phantoms" not in records.data_note(folder_dataset("x", shuffle_labels=True))
    assert records.data_note(folder_dataset("x")) == ""


def test_the_data_line_counts_classes_and_subsets_and_calls_phantoms_phantoms() -> None:
    line = records.describe_data(synthetic_dataset(), prepared())
    assert line == "data: 4 phantoms (2 no, 2 yes); 1 train, 1 validation, 2 test; split 555555555555"
    assert "4 images" in records.describe_data(folder_dataset("x"), prepared())
    left_out = prepared(subsets=["left_out", "test", "validation", "train"])
    assert "3 images (1 no, 2 yes); 1 train" in records.describe_data(folder_dataset("x"), left_out)


def test_the_data_are_recorded_in_the_run(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", {})
    records.data(run, prepared())
    assert json.loads((run.path / "audit.json").read_text()) == asdict(FINDINGS)
    assert len((run.path / "split.csv").read_text().splitlines()) == 5
    facts = Run.open(run.path).record
    assert (facts["dataset_fingerprint"], facts["split_hash"]) == ("f" * 64, "5" * 64)
    assert facts["classes"] == ["no", "yes"]


def test_all_lines_of_metrics_are_written_at_the_end_and_the_speed_is_recorded(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", {})
    position = Position(epoch=2, records=[{"epoch": 1}, {"epoch": 2}])
    records.training(run, Fit(position, images=100, seconds=8.0))
    assert (run.path / "metrics.jsonl").read_text() == '{"epoch": 1}\n{"epoch": 2}\n'
    assert run.record["images_per_second"] == 12.5


def test_training_without_a_step_has_no_speed(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "run", {})
    records.training(run, Fit(Position(), images=0, seconds=0.0))
    assert run.record["images_per_second"] is None


def run_with(tmp_path: Path, **facts: Any) -> Run:
    return Run.create(tmp_path / "run", facts)


def test_a_run_keeps_the_label_revision_that_it_was_started_with(tmp_path: Path) -> None:
    dataset = folder_dataset("x", label_revision="abcd")
    assert records.pinned(dataset, run_with(tmp_path / "new")) is dataset
    assert records.pinned(dataset, run_with(tmp_path / "at", label_revision="1" * 64)).label_revision == "1" * 64
    assert records.pinned(dataset, run_with(tmp_path / "before", label_revision=None)).label_revision == "none"


def test_corrections_are_recorded_and_remarked(tmp_path: Path) -> None:
    applied = [Correction(f"image_{i}", "no", "yes") for i in range(12)]
    log = Corrections(revision="c" * 64, applied=applied, absent=["gone"])
    found = prepared(findings=replace(FINDINGS, label_log=log))
    run = run_with(tmp_path)
    records.data(run, found)
    assert run.record["label_revision"] == "c" * 64
    corrected, absent, _ = records.data_remarks(found.audit)
    assert corrected.startswith("labels corrected by the label log at cccccccccccc: 12: image_0 (no -> yes), ")
    assert corrected.endswith(" and 2 more")
    assert absent == "corrected by the label log but not in the data set: 1: gone"


def test_unknown_lesions_make_a_test_score_too_good_only_where_there_was_training() -> None:
    counts = {"no": {"train": 1, "validation": 1, "test": 1}}
    (trained,) = records.data_remarks(prepared(findings=replace(FINDINGS, counts=counts)).audit)
    assert trained.endswith("they may lie in different subsets, and the test score is too good")
    counts = {"no": {"train": 0, "validation": 0, "test": 4}}
    (scored,) = records.data_remarks(prepared(findings=replace(FINDINGS, counts=counts)).audit)
    assert scored == (
        "lesion or patient unknown for 1 of 4 images: if some are of one lesion, the intervals are too narrow"
    )


@pytest.mark.parametrize(("facts", "said"), [({"workers": 2}, ", 2 processes"), ({"processes": 1}, ""), ({}, "")])
def test_several_processes_are_told(facts: dict[str, int], said: str) -> None:
    engine = Mock(describe=lambda: {"name": "cntk", "device": "CPU", **facts})
    config = compose([]).config
    line = records.describe_head(config, networks.build(config.network, 2), 29, engine)
    assert line.endswith(f" epochs; engine cntk on CPU{said}")


def test_test_images_with_a_copy_or_lesion_in_validation_are_named() -> None:
    leaks = [
        LeakFound(["b", "t1"], ["validation", "test"], "duplicate", None),
        LeakFound(["t1", "c"], ["test", "validation"], "group", None),
        LeakFound(["t2", "a"], ["test", "train"], "near_duplicate", 0.9),
        LeakFound(["d", "t3"], ["validation", "test"], "group", None),
    ]
    assert records.seen_in_validation(replace(FINDINGS, leaks=leaks)) == ["t1", "t3"]
    # With audit.on_leak=drop the copy in validation is left out: nothing of the test subset is seen there.
    assert records.seen_in_validation(replace(FINDINGS, leaks=leaks, left_out=["d", "b"])) == ["t1"]
