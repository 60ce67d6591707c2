import numpy as np
import pytest

from skinlab.cli import main
from skinlab.report.page import page
from tests.browser import legibility
from tests.folds.fold_builders import three_folds
from tests.report.page_facts import facts

LEFT, RIGHT = ("ArrowLeft", 37), ("ArrowRight", 39)
MATRIX = "[...document.querySelectorAll('.matrix .count')].map(count => Number(count.textContent))"
MARKERS = "['roc-marker', 'precision-marker'].map(id => document.getElementById(id).getAttribute('cx'))"
RATES = "[...document.querySelectorAll('.rates dd')].map(rate => rate.textContent)"


@pytest.fixture
def show(browser, tmp_path):
    """Opens a page made of facts."""

    def opened(of, **how):
        path = tmp_path / "report.html"
        path.write_text(page(of), encoding="utf-8")
        browser.open(path.as_uri(), **how)
        return browser

    return opened


@pytest.fixture(scope="module")
def cross_validation(tmp_path_factory):
    """The page of three folds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKINLAB_HOME", str(tmp_path_factory.mktemp("home")))
        sweep = three_folds(tmp_path_factory.mktemp("sweep"))
        assert main(["folds", str(sweep)]) == 0
    return sweep / "folds.html"


def test_page_begins_at_the_operating_point_of_summary_json(show):
    of = facts()
    browser = show(of)
    (true_negatives, false_positives), (false_negatives, true_positives) = of.result["test"]["confusion_matrix"]
    assert browser.value(MATRIX) == [true_positives, false_negatives, false_positives, true_negatives]
    assert browser.value(RATES)[:2] == [
        f"{of.result['test']['metrics'][name]['value']:.3f}" for name in ("sensitivity", "specificity")
    ]


def test_slider_moves_matrix_rates_and_the_markers_of_both_curves_by_keyboard(show):
    of = facts()
    browser = show(of)
    before, markers = browser.value(MATRIX), browser.value(MARKERS)
    browser.value("document.getElementById('threshold').focus()")
    browser.press(*RIGHT, times=200)
    positive, scores = of.scored.targets == 1, of.scored.probabilities[:, 1]
    assert browser.value("document.getElementById('threshold-value').textContent") == "0.700"
    called = scores >= 0.7
    assert browser.value(MATRIX) == [
        int((called & positive).sum()),
        int((~called & positive).sum()),
        int((called & ~positive).sum()),
        int((~called & ~positive).sum()),
    ]
    assert browser.value(MATRIX) != before
    assert all(now != then for now, then in zip(browser.value(MARKERS), markers, strict=True))
    browser.value("document.getElementById('reset').click()")
    assert (browser.value(MATRIX), browser.value(MARKERS)) == (before, markers)
    assert browser.complaints() == []


@pytest.mark.parametrize("curve", ["roc-marker", "precision-marker"])
def test_a_click_on_a_curve_takes_the_threshold_of_its_nearest_point(show, curve):
    of = facts()
    browser = show(of)
    positive, scores = of.scored.targets == 1, of.scored.probabilities[:, 1]
    for score in np.sort(scores)[[12, 33, 50]]:
        called = scores >= score
        hits, alarms = int((called & positive).sum()), int((called & ~positive).sum())
        sensitivity, false_alarms = hits / positive.sum(), alarms / (~positive).sum()
        place = (false_alarms, sensitivity) if curve == "roc-marker" else (sensitivity, hits / (hits + alarms))
        browser.click(
            *browser.value(f"""(() => {{
          const marker = document.getElementById("{curve}"), chart = marker.ownerSVGElement, plane = marker.dataset;
          chart.scrollIntoView({{block: "center"}});
          const x = Number(plane.left) + {place[0]} * plane.width, y = Number(plane.bottom) - {place[1]} * plane.height;
          const at = new DOMPoint(x, y).matrixTransform(chart.getScreenCTM());
          return [at.x, at.y];
        }})()""")
        )
        assert browser.value(MATRIX) == [hits, int(positive.sum()) - hits, alarms, int((~positive).sum()) - alarms]
        shown = float(browser.value("document.getElementById('threshold-value').textContent"))
        assert (scores >= shown).sum() == called.sum()
    assert browser.complaints() == []


def test_a_threshold_that_calls_no_image_leaves_precision_undefined_with_the_reason(show):
    browser = show(facts())
    browser.value("document.getElementById('threshold').focus()")
    browser.press("End", 35)
    assert browser.value(MATRIX)[0] == browser.value(MATRIX)[2] == 0
    assert browser.value(RATES)[2] == "undefined: no image is called malignant"
    assert browser.value("document.getElementById('precision-marker').getAttribute('visibility')") == "hidden"


@legibility.at_every_look
@pytest.mark.parametrize("classes", [("benign", "malignant"), ("nevus", "melanoma", "other")])
def test_page_fits_its_text_is_legible_and_nothing_is_complained_about(width, scheme, classes, show):
    browser = show(facts(classes=classes), width=width, scheme=scheme)
    legibility.check(browser, width)


@legibility.at_every_look
def test_page_of_a_cross_validation_fits_and_is_legible(width, scheme, browser, cross_validation):
    browser.open(cross_validation.as_uri(), width=width, scheme=scheme)
    legibility.check(browser, width)


def test_page_asks_nothing_of_anybody_and_runs_nothing_that_is_in_the_data(show):
    hostile = "<script>document.title='run'</script><img src=http://127.0.0.1:9/x onerror=document.title='run'>"
    of = facts(classes=("benign", hostile), title=hostile, command=hostile, remarks=[hostile])
    browser = show(of)
    assert browser.value("document.title") == hostile
    assert browser.value("document.querySelectorAll('img').length") == 4  # the pictures, each with its heat map
    assert [address for address in browser.requests() if not address.startswith(("file:", "data:"))] == []
    assert browser.complaints() == []
