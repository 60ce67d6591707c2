"""tracking=tensorboard: what its own reader finds in the event files."""

from pathlib import Path

import pytest

from tests.integration.commands import metrics


def test_event_files_hold_the_numbers_of_metrics_jsonl(finished_run: Path) -> None:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard")
    events = reader.EventAccumulator(str(finished_run / "tensorboard"))
    events.Reload()
    lines = metrics(finished_run)
    names = [name for name in lines[0] if name != "epoch"]
    tags = {name.replace("_", "/", 1): name for name in names}
    assert set(events.Tags()["scalars"]) == set(tags)
    for tag, name in tags.items():
        read = [(event.step, event.value) for event in events.Scalars(tag)]
        assert read == [(line["epoch"], pytest.approx(line[name], rel=1e-6)) for line in lines]
