"""What was evaluated is what answers: from the engine's stored predictions to a service, by commands alone."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from skinlab.deployment.client import Client
from skinlab.deployment.verifying import verify
from skinlab.serving import loading, replay
from skinlab.serving.scoring import Scorer
from tests import azmlinfsrv, environments
from tests.integration.commands import Done, Workplace, phantoms_of


@pytest.fixture
def deployed(finished_run: Path, workplace: Workplace) -> Iterator[Done]:
    done = workplace.skinlab("deploy", str(finished_run), "deployment.name=lesions", "deployment.drain_seconds=1")
    yield done
    workplace.skinlab("deployments", "delete", "lesions")


def test_a_run_is_deployed_and_repeats_its_stored_probabilities(
    deployed: Done, finished_run: Path, workplace: Workplace, cntk_home: Path
) -> None:
    assert deployed.code == 0, deployed.err
    assert "trained and scored on drawn phantoms" in deployed.err
    verified = workplace.skinlab("verify", "lesions", str(finished_run))
    assert verified.code == 0
    difference = re.search(r"replayed 4 images: largest difference of a probability (\S+) ", verified.out)
    assert difference is not None
    assert float(difference[1]) <= 1e-5
    drawn = str(phantoms_of(finished_run, cntk_home))
    scored = workplace.skinlab("score", "lesions", drawn)
    predicted = workplace.skinlab("predict", str(finished_run), drawn)
    served, local = (list(csv.DictReader(done.out.splitlines())) for done in (scored, predicted))
    assert len(served) == 48
    assert [(row["path"], row["label"], row["decision"]) for row in served] == [
        (row["path"], row["label"], row["decision"]) for row in local
    ]
    for ours, theirs in zip(served, local, strict=True):
        assert float(ours["probability_malignant"]) == pytest.approx(float(theirs["probability_malignant"]), abs=1e-5)


def test_a_deployment_outlives_the_command_and_is_listed_by_the_next(deployed: Done, workplace: Workplace) -> None:
    (one,) = json.loads(workplace.skinlab("deployments", "--json").out)
    assert (one["name"], one["status"]) == ("lesions", "running")
    assert deployed.out == f"lesions: {one['address']}\n"


@pytest.mark.timeout(900)  # the environment of Microsoft's server is made at the first time
def test_the_engine_the_bundle_the_service_and_microsofts_server_say_the_same(
    deployed: Done, finished_run: Path, workplace: Workplace, tmp_path: Path
) -> None:
    bundle = loading.load(finished_run)
    held, named = replay.of(bundle), sorted(path.name for path in bundle.path.iterdir())
    engine = {
        row["image_id"]: [float(row[f"probability_{name}"]) for name in bundle.classes]
        for row in csv.DictReader((finished_run / "predictions.csv").read_text().splitlines())
        if row["subset"] == "test"
    }
    scorer = Scorer(bundle, threads=1)
    for image in held:
        assert replay.difference(engine[image.name], image.probabilities) <= 1e-5
        assert replay.difference(engine[image.name], scorer.answer_file(image.content).probabilities) <= 1e-5
    (service,) = json.loads(workplace.skinlab("deployments", "--json").out)
    assert (service["replay"]["images"], service["replay"]["largest_difference"] <= 1e-5) == (len(held), True)
    python = environments.of(azmlinfsrv.NAME, azmlinfsrv.requirements(bundle))
    with azmlinfsrv.running(bundle, python, tmp_path) as (port, _):
        found = verify(Client(f"http://127.0.0.1:{port}"), held, bundle.classes)
    assert (found.images, found.largest_difference <= 1e-5) == (4, True)
    assert sorted(path.name for path in bundle.path.iterdir()) == named
