"""Results, runs, comparisons and sweeps in a real browser before a real server."""

import json
import time

import pytest

from skinlab.networks.resnet import resnet
from tests.browser.conftest import violations
from tests.browser.legibility import PALE
from tests.browser.serving import Pages
from tests.browser.test_report import MATRIX
from tests.comparison.run_builders import Made, finished
from tests.results.result_builders import finished_run, images
from tests.runs.run_builders import make_run
from tests.serving.bundles import write_bundle
from tests.sweeps import sweep_builders

ONE, OTHER = "runs/lesions/20261101-100000-aaaa01", "runs/lesions/20261102-100000-bbbb02"
THREE, BROKEN, GOING = "runs/three/20261103-100000-cccc03", "runs/bad/20261104-100000-dddd04", "runs/on/20261105-eeee05"
SWEEP = "sweeps/rates/20261106-100000-ffff06"
TOTAL = "Number(document.querySelector('#list [data-total]')?.dataset.total ?? -1)"
RESULTS = f"/results?run={ONE}"
ALL_PAGES = {
    "results": RESULTS,
    "subgroup": f"{RESULTS}&group=sex:+female&look=heat",
    "three classes": f"/results?run={THREE}",
    "image": f"/results/image?run={ONE}&row=2",
    "running": f"/results?run={GOING}",
    "failed": f"/results?run={BROKEN}",
    "not there": "/results?run=runs/none",
    "runs": "/runs",
    "wrong filter": "/runs?q=nothing",
    "comparison": f"/runs/compare?run={ONE}&run={OTHER}",
    "not comparable": f"/runs/compare?run={ONE}&run={THREE.replace('three', 'other')}",
    "sweep": f"/runs/sweep?sweep={SWEEP}",
}


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """Finished runs that can be compared, one of three classes, a failed and a running one, and a running sweep."""
    root = tmp_path_factory.mktemp("pages")
    output = root / "outputs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINLAB_HOME", str(root / "home"))
        declared = images(root / "images", 240)
        for place, name in enumerate((ONE, OTHER)):
            run = finished_run(output / name, declared, f"network.dropout=0.{place + 1}", skill=1.0 + place, draw=place)
            write_bundle(run / "bundle", architecture=resnet("resnet18", 32, 2, [0.5] * 3, [0.2] * 3))
        (output / ONE / "report.html").write_text("<title>the report</title>")
        finished_run(output / THREE, declared, classes=("nevus", "melanoma", "other"), positive="melanoma")
        finished(output / THREE.replace("three", "other"), made=Made(tested_from=9))
    make_run(output / BROKEN, status="failed", error="the loss became NaN")
    running(output / GOING, epochs=3)
    path = output / SWEEP
    sweep_builders.sweep(
        path, *[sweep_builders.trial(0, rate=0.1), sweep_builders.trial(1), sweep_builders.finished(2, 0.8)]
    )
    running(path / "0", epochs=2)
    return output


def running(path, epochs):
    """A run of this process, in an epoch."""
    sweep_builders.run_dir(path, "running", epochs=0, experiment="rates", config={"training": {"epochs": 9}})
    wrote(path, epochs)


def wrote(path, epochs):
    lines = [
        {"epoch": n + 1, "train_loss": 1 / (n + 1), "validation_loss": 0.7, "validation_auc": 0.6 + n / 50,
         "validation_accuracy": 0.6}
        for n in range(epochs)
    ]  # fmt: skip
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture(scope="module")
def pages(output):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINLAB_HOME", str(output.parent / "home"))
        with Pages(folder=output.parent) as served:
            served.links = links_of(served)
            yield served


def links_of(served):
    """A link for each browser in turn: one works once, the next is printed then."""
    yield served.link
    while True:
        yield served.next_link()


@pytest.fixture
def go(pages, visit):
    """Opens a page in a browser of its own."""

    def opened(address, **how):
        page = visit(next(pages.links), **how)
        page.goto(pages.origin + address)
        return page

    return opened


def until(page, expression):
    """Waits until the page says so; asked from outside, since a page executes no text."""
    end = time.monotonic() + 30
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within 30 s: {expression}"
        page.wait_for_timeout(50)


def settled(page, expression, value):
    until(page, f"JSON.stringify({expression}) === {json.dumps(json.dumps(value, separators=(',', ':')))}")


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1200, "light")])
def test_every_page_fits_is_legible_and_axe_finds_nothing(go, visit, pages, width, scheme):
    page = go("/runs", width=width, scheme=scheme)
    found = {}
    for name, address in ALL_PAGES.items():
        page.goto(pages.origin + address)
        wide = page.evaluate("document.documentElement.scrollWidth") > width
        found[name] = [*(["too wide"] if wide else []), *page.evaluate(PALE), *violations(page)]
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    refused = [said for said in visit.complaints if "the server responded with a status of" in said]
    assert len(refused) == 2  # the run that is not there, and the filter that is none
    visit.complaints[:] = [said for said in visit.complaints if said not in refused]


def test_filters_change_the_images_without_a_new_page_and_a_reload_keeps_them(go, output):
    page = go(RESULTS)
    matrix = json.loads((output / ONE / "summary.json").read_text())["test"]["confusion_matrix"]
    assert page.evaluate(TOTAL) == 60
    page.evaluate("window.same = true")
    page.select_option("#answers", "wrong")
    settled(page, TOTAL, matrix[0][1] + matrix[1][0])
    page.select_option("#truth", "malignant")
    settled(page, TOTAL, matrix[1][0])
    assert page.evaluate("window.same")
    assert page.evaluate("[...document.querySelectorAll('.card')].every(one => one.matches('.wrong'))")
    page.reload()
    assert page.evaluate(TOTAL) == matrix[1][0]
    assert page.input_value("#answers") == "wrong"
    with page.expect_navigation():
        page.get_by_role("link", name="Everything").click()
    settled(page, TOTAL, 60)
    page.fill("#text", "00")
    until(page, f"0 < {TOTAL} && {TOTAL} < 60")
    assert page.evaluate("[...document.querySelectorAll('.name')].every(one => one.textContent.includes('00'))")


def test_the_slider_moves_the_matrix_and_a_cell_opens_its_images_at_that_threshold_by_keyboard(go):
    page = go(RESULTS)
    before = page.evaluate(MATRIX)
    page.focus("#threshold")
    for _ in range(150):
        page.keyboard.press("ArrowRight")
    now = page.evaluate(MATRIX)
    assert now != before
    assert sum(now) == 60
    missed = now[1]
    page.focus("#false-negatives")
    page.keyboard.press("Enter")
    settled(page, TOTAL, missed)
    assert page.evaluate("document.activeElement.id") == "images-title"
    assert page.evaluate("new URL(location).searchParams.get('threshold')") == "0.65"
    assert "called benign, is malignant" in page.inner_text(".card:first-child")
    page.reload()
    assert page.evaluate(MATRIX) == now
    assert page.evaluate(TOTAL) == missed
    page.click("#reset")
    settled(page, TOTAL, before[1])
    assert page.evaluate("new URL(location).searchParams.get('threshold')") is None


def test_a_click_on_the_roc_curve_moves_matrix_and_images(go):
    page = go(RESULTS + "&truth=benign&called=malignant")
    before = page.evaluate(MATRIX)
    page.locator("#roc-marker").locator("xpath=..").click(position={"x": 320, "y": 40})
    now = page.evaluate(MATRIX)
    assert now[2] > before[2]
    settled(page, TOTAL, now[2])


def test_an_image_opens_large_with_heat_maps_and_the_arrows_lead_to_its_neighbours(go):
    page = go(RESULTS + "&sort=name")
    names = page.evaluate("[...document.querySelectorAll('.card .name')].map(one => one.textContent.split(' ')[0])")
    page.focus(".open")
    page.keyboard.press("Enter")
    page.wait_for_selector("#large[open] h1")
    until(page, "[...document.querySelectorAll('#large img')].every(one => one.naturalWidth > 0)")
    assert page.locator("#large img").count() == 3
    assert page.inner_text("#large h1") == names[0]
    assert violations(page) == []
    page.keyboard.press("ArrowRight")
    until(page, f"document.querySelector('#large h1').textContent === {json.dumps(names[1])}")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.row") == page.locator(".open").nth(1).get_attribute("data-row")


def test_a_subgroup_has_its_own_matrix_and_pages_lead_on(go):
    page = go(RESULTS)
    whole = page.evaluate(MATRIX)
    page.get_by_role("link", name="next").click()
    until(page, "document.querySelector('.how-many').textContent.includes('49 to 60 of 60')")
    with page.expect_navigation():
        page.select_option("#group", "sex: female")
    part = page.evaluate(MATRIX)
    assert sum(part) < sum(whole)
    assert page.evaluate(TOTAL) == sum(part)


def test_runs_are_filtered_sorted_chosen_and_compared(go):
    page = go("/runs")
    page.fill("#q", "status=finished experiment=* network.dropout=0.1,0.2")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs?q=*")
    rows = page.locator(".runs tbody tr")
    with page.expect_navigation(url="**sort=validation.auc*"):
        page.get_by_role("link", name="validation auc").click()
    assert rows.first.locator("th").inner_text().endswith("bbbb02")
    assert page.get_attribute("th[aria-sort]", "aria-sort") == "descending"
    assert page.is_disabled("#compare")
    page.get_by_label("compare 20261101-100000-aaaa01").check()
    page.get_by_label("compare 20261102-100000-bbbb02").check()
    assert page.inner_text("#how-many") == "2 runs are chosen."
    page.click("#compare")
    page.wait_for_url("**/runs/compare*")
    assert "than" in page.inner_text(".verdicts") or "distinguishable" in page.inner_text(".verdicts")
    assert page.locator(".gallery img").count() > 0
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    page.select_option("#metric", "accuracy")
    with page.expect_navigation():
        page.get_by_role("button", name="Compare").click()
    until(page, "document.querySelector('h1').textContent.startsWith('Accuracy')")


def test_a_report_opens_from_the_table_and_runs_no_script(go, output, visit):
    (output / ONE / "report.html").write_text(
        "<title>the report</title><script>document.title = 'changed'; location = '/runs'</script><p id='end'>"
    )
    page = go("/runs")
    with page.expect_navigation():
        page.get_by_label("report of 20261101-100000-aaaa01").click()
    page.wait_for_selector("#end", state="attached")
    assert (page.title(), page.evaluate("origin")) == ("the report", "null")
    assert "/runs/report" in page.url
    assert [complaint.split(" in ")[0] for complaint in visit.complaints] == ["Blocked script execution"]
    visit.complaints.clear()


def test_a_running_run_draws_its_curve_on_and_leads_to_its_results_when_it_is_finished(go, output):
    page = go(f"/results?run={GOING}")
    assert "Epoch 3 of 9" in page.inner_text("#live")
    wrote(output / GOING, epochs=5)
    until(page, "document.querySelector('#live').textContent.includes('Epoch 5 of 9')")
    assert page.locator("svg.chart").count() == 2
    record = json.loads((output / GOING / "run.json").read_text())
    (output / GOING / "run.json").write_text(json.dumps(record | {"status": "finished"}))
    page.wait_for_selector("#live >> text=its results", timeout=20_000)
    (output / GOING / "run.json").write_text(json.dumps(record))


def test_the_page_of_a_sweep_follows_it_while_it_runs(go, output):
    page = go(f"/runs/sweep?sweep={SWEEP}")
    assert "3 trials: 1 waiting, 1 running, 1 finished" in page.inner_text("#live")
    wrote(output / SWEEP / "0", epochs=4)
    running(output / SWEEP / "1", epochs=1)
    until(page, "document.querySelector('#live').textContent.includes('2 running')")
    sweep_builders.run_dir(output / SWEEP / "1", "finished", epochs=6, auc=0.9)
    until(page, "document.querySelector('#live').textContent.includes('best auc 0.9000 by trial 1')")
    assert page.locator("#board ~ .scroll tbody tr").count() == 2
    page.get_by_label("trial 0").click()
    page.wait_for_url("**/results?run=**")
    assert "Epoch 4 of 9" in page.inner_text("#live")
