import json

from skinlab.config import compose
from skinlab.data.manifest import Manifest
from skinlab.data.sources import load
from skinlab.results.columns import columns_of
from skinlab.results.reading import read
from tests.results.result_builders import finished_run, images


def test_declared_columns_come_first_in_their_bands_then_the_others(tmp_path):
    declared = images(tmp_path / "images")
    run = finished_run(tmp_path / "run", declared)
    record = json.loads((run / "run.json").read_text())
    record["config"]["evaluation"]["subgroups"] = {"age": [50]}
    (run / "run.json").write_text(json.dumps(record))
    results = read(run, "validation")
    columns = columns_of(results, load(compose(declared).config.dataset))
    assert list(columns) == ["age", "sex"]
    ages = [20 + int(name) for name in results.scored.image_ids]
    assert columns["age"] == ["below 50" if age < 50 else "50 and above" for age in ages]
    assert set(columns["sex"]) == {"female", "male", "unknown"}


def test_an_image_that_the_data_set_has_lost_is_of_the_unknown(run):
    results = read(run, "test")
    ids = results.scored.image_ids
    manifest = Manifest(ids[1:], ids[1:], ids[1:], ids[1:], {"site": ["arm"] * (len(ids) - 1)})
    assert columns_of(results, manifest)["site"] == ["unknown", *["arm"] * (len(ids) - 1)]


def test_a_column_of_one_value_and_one_of_ids_are_no_grouping(run, monkeypatch):
    monkeypatch.setattr("skinlab.evaluation.subgroups.MOST", 10)
    results = read(run, "test")
    ids = results.scored.image_ids
    manifest = Manifest(ids, ids, ids, ids, {"all": ["x"] * len(ids), "name": ids, "site": ["arm", "leg"] * 10})
    assert list(columns_of(results, manifest)) == ["site"]


def test_what_somebody_else_declared_wrongly_is_passed_over(run):
    record = json.loads((run / "run.json").read_text())
    record["config"]["evaluation"]["subgroups"] = {"sex": ["young"], "none": None}
    (run / "run.json").write_text(json.dumps(record))
    results = read(run, "test")
    ids = results.scored.image_ids
    manifest = Manifest(ids, ids, ids, ids, {"sex": ["f", "m"] * 10, "site": ["arm", "leg"] * 10})
    assert list(columns_of(results, manifest)) == ["site"]
