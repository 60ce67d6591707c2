"""The table of runs, comparisons, sweeps and reports over HTTP."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from skinlab.web.watched import epochs_of, sweep
from skinlab.web.workplace import Workplace
from tests.comparison.run_builders import Made
from tests.comparison.run_builders import finished as compared
from tests.runs.run_builders import make_run, make_runs
from tests.sweeps import sweep_builders

A, B = "runs/debug/20261101-100000-aaaa01", "runs/debug/20261102-100000-bbbb02"
SWEEP = "sweeps/rates/20261105-100000-eeee05"
HTML = {"accept": "text/html"}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    make_runs(tmp_path / "outputs")
    return tmp_path / "outputs"


@pytest.fixture
def pages(output: Path, inside) -> TestClient:
    return inside(Workplace(output))


def listed(client: TestClient, **asked: object) -> list[str]:
    """The runs of the table in order, by the last part of their ids."""
    text = client.get("/runs", params=asked, headers=HTML).text
    return [part.partition("<")[0].rpartition("-")[2] for part in text.split('<th scope="row">2026')[1:]]


def test_the_table_has_the_runs_that_the_command_lists_in_its_order(pages: TestClient) -> None:
    assert listed(pages) == ["dddd04/3", "cccc03", "bbbb02", "aaaa01"]
    assert listed(pages, q="status=finished 'auc>0.8'") == ["bbbb02"]
    assert listed(pages, q="dataset=isic2017,synthetic", sort="auc") == ["bbbb02", "aaaa01", "cccc03", "dddd04/3"]
    assert listed(pages, sort="auc", reverse=1)[:2] == ["aaaa01", "bbbb02"]
    assert listed(pages, since="1") == []
    page = pages.get("/runs", headers=HTML).text
    assert "0.900 [0.800, 1.000]" in page
    assert "the loss became NaN" in page
    assert "drawn phantoms; such numbers say nothing about medicine" in page


def test_choosing_by_the_test_subset_is_said_to_be_biased(pages: TestClient) -> None:
    said = "the score of the best is biased upwards"
    assert said in pages.get("/runs", params={"q": "test.auc>0.1"}, headers=HTML).text
    assert said in pages.get("/runs", params={"sort": "test.auc"}, headers=HTML).text
    assert said not in pages.get("/runs", params={"sort": "auc"}, headers=HTML).text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("aucc>0.8", "aucc: no run has this key"),
        ("auc>much", "auc is a number"),
        ("what", "what: neither a command nor a filter"),
        ("'a", "&#39;a: no closing quotation"),
    ],
)
def test_a_filter_that_makes_no_sense_stays_in_its_field_and_the_page_says_why(
    pages: TestClient, words: str, expected: str
) -> None:
    answer = pages.get("/runs", params={"q": words}, headers=HTML)
    assert answer.status_code == 422
    assert expected in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_many_runs_come_in_pages(tmp_path: Path, inside) -> None:
    output = tmp_path / "outputs"
    made = make_run(output / "runs" / "debug" / "20261101-100000-aaaa000")
    for number in range(1, 103):
        path = made.with_name(f"20261101-100000-aaaa{number:03}")
        path.mkdir()
        for name in ("run.json", "summary.json"):
            (path / name).write_bytes((made / name).read_bytes())
    client = inside(Workplace(output))
    first, second = listed(client, sort="id"), listed(client, sort="id", page=2)
    assert [*first, *second] == [f"aaaa{number:03}" for number in range(103)]
    assert (len(first), len(second)) == (100, 3)
    assert "page 2 of 2" in client.get("/runs", params={"page": 9}, headers=HTML).text


def test_somebody_elses_damaged_runs_leave_the_table_whole(output: Path, pages: TestClient) -> None:
    evil = {"value": "<b>", "low": "x", "high": [], "interval": None, "why": None}
    (output / A / "summary.json").write_text(json.dumps({"validation": {"metrics": {"auc": evil}}}))
    (output / B / "run.json").write_text("[")
    answer = pages.get("/runs", params={"sort": "auc"}, headers=HTML)
    assert answer.status_code == 200
    assert "<b>" not in answer.text
    assert '<span class="status damaged">' in answer.text
    assert len(listed(pages)) == 4


def test_an_output_folder_without_runs_says_how_to_make_one(tmp_path: Path, inside) -> None:
    answer = inside(Workplace(tmp_path / "none")).get("/runs", headers=HTML)
    assert "There are no runs in " in answer.text
    assert "skinlab train" in answer.text


# --- comparisons ---------------------------------------------------------------------------------------------------


@pytest.fixture
def comparable(tmp_path: Path, inside) -> TestClient:
    for place, name in enumerate((A, B)):
        made = Made(skill=0.5 + 2 * place, draw=place)
        compared(tmp_path / "outputs" / name, f"network.dropout=0.{place + 1}", made=made)
    compared(tmp_path / "outputs" / "runs/debug/other", "network.dropout=0.4", made=Made(tested_from=9))
    return inside(Workplace(tmp_path / "outputs"))


def test_a_comparison_has_its_verdict_on_the_page_of_the_same_look(comparable: TestClient) -> None:
    page = comparable.get("/runs/compare", params={"run": [A, B]}, headers=HTML).text
    assert "B is better than A by " in page
    assert "<svg" in page
    assert "network.dropout" in page
    assert page.count('name="run"') == 2


def test_runs_that_are_not_comparable_are_not_ranked_and_the_page_says_why_and_what_can_be_done(
    comparable: TestClient,
) -> None:
    asked = {"run": [A, "runs/debug/other"]}
    page = comparable.get("/runs/compare", params=asked, headers=HTML).text
    assert "Not ranked, because the runs are not comparable:" in page
    assert "Choose another way above to compare them all the same." in page
    page = comparable.get("/runs/compare", params={**asked, "mode": "common"}, headers=HTML).text
    assert "compared on the images that are the same" in page
    assert "Choose another way" not in page


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ({"run": [A]}, 422, "choose two runs or more in the table of runs"),
        ({}, 422, "choose two runs or more in the table of runs"),
        ({"run": [A, "../x"]}, 404, "there is no run ../x in "),
        ({"run": [A, B], "metric": "auk"}, 422, "auk: no such number"),
        ({"run": [A] * 61}, 422, "at most 60 runs are compared on a page"),
        ({"sweep": "sweeps/none"}, 404, "there is no sweep sweeps/none in "),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    comparable: TestClient, asked: dict[str, object], status: int, expected: str
) -> None:
    answer = comparable.get("/runs/compare", params=asked)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(expected)


def test_a_damaged_run_in_a_comparison_is_one_line(tmp_path: Path, inside, comparable: TestClient) -> None:
    file = tmp_path / "outputs" / A / "summary.json"
    summary = json.loads(file.read_text())
    summary["test"]["metrics"]["auc"] = "good"
    file.write_text(json.dumps(summary))
    answer = comparable.get("/runs/compare", params={"run": [A, B]})
    assert answer.status_code in (409, 422)
    assert "\n" not in answer.json()["error"]


# --- sweeps --------------------------------------------------------------------------------------------------------


def test_a_sweep_says_how_it_stands_from_the_files_of_its_runs_and_writes_nothing(output: Path, inside) -> None:
    path = output / SWEEP
    waiting = [sweep_builders.trial(number) for number in range(3)]
    sweep_builders.sweep(path, sweep_builders.finished(3, 0.8), *waiting)
    sweep_builders.run_dir(path / "0", "running", epochs=4)
    sweep_builders.run_dir(path / "1", "failed", error="<i>no room</i>")
    before = (path / "sweep.json").read_bytes()
    client = inside(Workplace(output))
    part = client.get("/runs/sweep/state", params={"sweep": SWEEP}, headers=HTML).text
    assert 'data-status="running"' in part
    assert "4 trials: 1 waiting, 1 running, 1 finished, 1 failed; best auc 0.8000 by trial 3." in part.replace("\n", "")
    assert "&lt;i&gt;no room&lt;/i&gt;" in part
    assert f"run={SWEEP.replace('/', '%2F')}%2F0" in part or f"run={SWEEP}/0" in part
    assert (path / "sweep.json").read_bytes() == before
    assert "rates/20261105-100000-eeee05" in client.get("/runs", headers=HTML).text


def test_the_best_of_a_sweep_are_compared(tmp_path: Path, inside) -> None:
    path = tmp_path / "outputs" / SWEEP
    made = [sweep_builders.finished(number, 0.5) for number in range(3)]
    sweep_builders.sweep(path, *made)
    for number in range(3):
        compared(path / str(number), f"network.dropout=0.{number + 1}", made=Made(skill=float(number), draw=number))
    client = inside(Workplace(tmp_path / "outputs"))
    page = client.get("/runs/compare", params={"sweep": SWEEP, "top": 2}, headers=HTML).text
    assert "AUC of 2 experiments" in page
    assert "<td>0.1</td>" not in page  # the worst one


def test_a_sweep_whose_trials_lie_elsewhere_is_not_read(tmp_path: Path, inside) -> None:
    path = tmp_path / "outputs" / SWEEP
    made = sweep_builders.trial(0)
    made.run = "../../../secret"
    sweep_builders.sweep(path, made)
    answer = inside(Workplace(tmp_path / "outputs")).get("/runs/sweep", params={"sweep": SWEEP})
    assert (answer.status_code, "trial 0 lies in ../../../secret" in answer.json()["error"]) == (409, True)


def test_a_sweep_that_ended_shows_its_leaderboard_in_order(tmp_path: Path) -> None:
    path = tmp_path / "sweep"
    ended = [sweep_builders.finished(number, value) for number, value in enumerate((0.7, 0.9, 0.8))]
    made = sweep_builders.sweep(path, *ended)
    made.end("finished")
    shown = sweep(path)
    assert [group["runs"] for group in shown["groups"]] == [["1"], ["2"], ["0"]]
    assert (shown["state"], shown["ended"], shown["total"]) == ("finished", 3, 3)


def test_epochs_of_a_foreign_run_are_numbers_or_nothing(tmp_path: Path) -> None:
    lines = [{"epoch": 1, "train_loss": 0.5, "validation_auc": "<b>"}, {"epoch": 2, "train_loss": float("inf")}]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    first, second = epochs_of(tmp_path)
    assert (first["train_loss"], first["validation_auc"], second["train_loss"]) == (0.5, None, None)


# --- reports -------------------------------------------------------------------------------------------------------


def test_a_report_gets_an_origin_of_its_own_from_which_it_can_ask_for_nothing(output: Path, pages: TestClient) -> None:
    (output / A / "report.html").write_text("<script>fetch('/runs')</script>")
    answer = pages.get("/runs/report", params={"run": A})
    assert answer.text == "<script>fetch('/runs')</script>"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy
    assert "default-src 'none'" in policy
    assert "allow-same-origin" not in policy


def test_a_report_that_is_not_there_or_is_a_link_is_refused(output: Path, pages: TestClient) -> None:
    assert pages.get("/runs/report", params={"run": A}).status_code == 404
    (output / A / "report.html").symlink_to("/etc/hostname")
    answer = pages.get("/runs/report", params={"run": A})
    assert (answer.status_code, answer.json()["error"].endswith("has no report.html")) == (404, True)


def test_a_finished_sweep_names_its_charts_and_phantoms_are_called_so(tmp_path: Path, inside) -> None:
    path = tmp_path / "outputs" / SWEEP
    made = sweep_builders.sweep(path, sweep_builders.finished(0, 0.5))
    client = inside(Workplace(tmp_path / "outputs"))
    asked = {"sweep": SWEEP}
    before = client.get("/runs/sweep", params=asked, headers=HTML).text
    assert ("sweep.html" in before, "drawn phantoms" in before) == (False, False)
    made.update(declaration={"config": {"dataset.name": "synthetic"}})
    (path / "sweep.html").write_text("")
    after = client.get("/runs/sweep", params=asked, headers=HTML).text
    assert f"<code>{path / 'sweep.html'}</code>" in after
    assert "drawn phantoms" in after


def test_an_address_that_there_is_not_is_named_and_the_page_leads_on(pages: TestClient) -> None:
    answer = pages.get("/nothing", headers=HTML)
    assert answer.status_code == 404
    assert "there is no page /nothing" in answer.text
    assert 'href="/runs">All runs</a>' in answer.text
