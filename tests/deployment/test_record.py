import json
from pathlib import Path

import pytest

from skinlab import paths
from skinlab.deployment import record, targets
from skinlab.deployment.record import Record, Replay
from skinlab.errors import ConfigError, DeploymentError


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path))


def made(name: str) -> Record:
    with record.changing(name):
        one = Record(
            name=name,
            target="local",
            run="runs/1",
            model_sha256="a" * 64,
            bundle_sha256="b" * 64,
            address="http://127.0.0.1:1",
            created=record.now(),
            settings={"port": 0},
            replay=None,
            state={},
        )
        record.write(one)
    return one


def test_what_was_written_is_read_back_and_listed_by_name() -> None:
    second, first = made("b"), made("a")
    assert record.everyone() == [first, second]
    changed = record.replayed(first, 4, 1e-7)
    assert record.find("a") == changed
    assert changed.replay == Replay(images=4, largest_difference=1e-7, at=changed.replay.at if changed.replay else "")


def test_a_name_that_is_not_there_gets_the_nearest() -> None:
    assert record.find("mine") is None
    with pytest.raises(ConfigError, match="there is no deployment 'mine': there are none"):
        record.require("mine")
    made("mine")
    with pytest.raises(ConfigError, match="there is no deployment 'mien'; did you mean 'mine'"):
        record.require("mien")
    with pytest.raises(ConfigError, match="there is no deployment"):
        record.require("../deployments/mine")


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "cannot be read"), ("[]", "cannot be read"), (json.dumps({"schema_version": 99}), "a newer skinlab")],
)
def test_a_file_that_is_damaged_or_newer_is_named(content: str, said: str) -> None:
    made("a")
    (record.folder("a") / record.FILE).write_text(content)
    with pytest.raises(DeploymentError, match=said):
        record.find("a")


def test_a_target_of_another_version_is_named() -> None:
    with pytest.raises(DeploymentError, match="cannot deploy to moon"):
        targets.find("moon")
