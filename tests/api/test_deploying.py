from collections.abc import Iterator
from pathlib import Path

import pytest

import skinlab
from skinlab.api import RunView
from skinlab.deployment import record
from skinlab.errors import ConfigError, DeploymentError
from tests.serving.bundles import png, write_replayed

ROOT = Path(__file__).resolve().parents[2]
PLACE = ("deployment.subscription=s", "deployment.resource_group=g", "deployment.workspace=w")


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of a bundle; what is deployed of it is gone after the test."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # services find this skinlab
    yield write_replayed(tmp_path / "lesions")
    for left in skinlab.deployments():
        left.delete()


def test_a_dry_run_gives_the_plan_and_makes_nothing(bundle: Path) -> None:
    plan = skinlab.deploy(bundle, "deployment.workers=3", dry_run=True)
    assert (plan["name"], plan["service"]["workers"], plan["replay_images"]) == ("lesions", 3, 3)
    azure = skinlab.deploy(bundle, *PLACE, deployment="azureml_online", dry_run=True)
    assert (azure["endpoint"], azure["instances"]) == ("lesions", "1 x Standard_DS3_v2")
    assert [call["method"] for call in azure["requests"]].count("PUT") == 6
    assert skinlab.deployments() == []


def test_a_deployment_is_asked_proven_restarted_and_deleted(bundle: Path) -> None:
    made = skinlab.deploy(bundle, "deployment.drain_seconds=1", **{"deployment.name": "mine"})
    (listed,) = skinlab.deployments()
    assert (listed.name, listed.address, listed.status) == ("mine", made.address, "running")
    assert repr(made) == f"<deployment mine: running, local, {made.address}>"
    assert made.client().score(png((250, 0, 0)))["label"] == "malignant"
    assert made.verify() <= 1e-5
    assert made.logs(1).count("\n") == 1
    with pytest.raises(ConfigError, match="there is a deployment mine already"):
        skinlab.deploy(bundle, **{"deployment.name": "mine"})
    before = made.record
    made.restart()
    assert (made.address, made.record.created >= before.created) == (before.address, True)
    assert made.record.state["revision"] != before.state["revision"]
    made.delete()
    assert record.find("mine") is None


def test_a_deployment_that_answers_otherwise_is_an_error(bundle: Path, tmp_path: Path) -> None:
    made = skinlab.deploy(bundle, "deployment.drain_seconds=1")
    write_replayed(tmp_path / "lesions", off=0.01)
    with pytest.raises(DeploymentError, match="lesions is not the model of .* 0.01"):
        made.verify()
    assert skinlab.deployments()[0].record.replay.largest_difference == pytest.approx(0.01, abs=1e-4)


@pytest.mark.slow
def test_a_run_is_deployed_by_itself_or_by_its_name(trained: RunView) -> None:
    plans = [skinlab.deploy(run, dry_run=True) for run in (trained, trained.path, trained.path.name)]
    assert plans[0] == plans[1] == plans[2]
    assert plans[0]["name"] == trained.config.name


def test_only_a_deployment_can_be_declared(bundle: Path) -> None:
    with pytest.raises(ConfigError, match="seed=3: only deployment can be declared here"):
        skinlab.deploy(bundle, seed=3)
