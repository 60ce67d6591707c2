import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from skinlab.evaluation.summary import UNSEEN
from skinlab.report.facts import Galleries, Scored
from skinlab.report.markup import VOID
from skinlab.report.page import page
from tests.report.page_facts import facts, picture, records, result_of, scored

HOSTILE = "<script>alert(1)</script>\"'&"
MEGABYTE = 1_000_000


class Reader(HTMLParser):
    """What is on a page: its elements with their attributes, and all text; each element must end where it should."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] not in (["script"], ["style"]):
            self.text.append(data)

    def named(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self):
        return " ".join("".join(f"{part} " for part in self.text).split())


def embedded(text):
    """What the script of a page knows."""
    return json.loads(re.search(r'<script type="application/json" id="points">(.*?)</script>', text).group(1))


def of_scores(targets, chances):
    probabilities = np.stack([1 - np.array(chances), chances], axis=1)
    return Scored([f"image_{row}" for row in range(len(targets))], np.array(targets), probabilities)


def test_headline_has_the_warning_the_numbers_with_intervals_and_the_looks():
    of = facts()
    words = Reader(page(of)).words
    auc = of.result["test"]["metrics"]["auc"]
    assert "Research software: not a medical device, not for diagnosis; phantoms." in words
    assert f"AUC {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}], 95 % DeLong" in words
    assert "Looks at the test subset: 3 by 2 runs up to this one." in words


def test_how_to_reproduce_and_the_declaration_are_there():
    words = Reader(page(facts())).words
    assert "skinlab train experiment=debug" in words
    assert "split hash " + "ab" * 32 in words
    assert "name: debug seed: 1" in words


def test_whatever_comes_from_data_is_text():
    of = facts(
        classes=("benign", HOSTILE),
        title=HOSTILE,
        warning=HOSTILE,
        remarks=[HOSTILE],
        command=HOSTILE,
        config={HOSTILE: HOSTILE},
        origin=[(HOSTILE, HOSTILE)],
        galleries=Galleries([picture(HOSTILE, HOSTILE, HOSTILE)], [], HOSTILE),
    )
    text = page(of)
    reader = Reader(text)
    assert "alert(1)</script>" not in text
    assert len(reader.named("script")) == 2
    assert {name for _, attributes in reader.elements for name in attributes if name.startswith("on")} == set()
    assert reader.words.count(HOSTILE) > 10
    assert embedded(text)["why"]["sensitivity"] == f"no image is {HOSTILE}"


def test_nothing_but_its_own_style_and_script_may_run_and_nothing_is_loaded():
    text = page(facts())
    reader = Reader(text)
    (policy,) = [given["content"] for given in reader.named("meta") if "http-equiv" in given]
    for kind in ("style", "script"):
        content = re.search(rf"<{kind}>(.*?)</{kind}>", text, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    addresses = [given[name] for _, given in reader.elements for name in ("src", "href") if name in given]
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert [given for _, given in reader.elements if "style" in given] == []


def test_it_can_be_used_without_seeing_it():
    reader = Reader(page(facts()))
    assert reader.named("html") == [{"lang": "en"}]
    assert all(given["scope"] in ("col", "row") for given in reader.named("th"))
    assert all(given["alt"] for given in reader.named("img"))
    charts = [given for given in reader.named("svg") if given["class"] == "chart"]
    assert len(charts) == 5
    assert all(given["role"] == "img" and given["aria-label"] for given in charts)
    assert {given["id"] for given in reader.named("input")} <= {given["for"] for given in reader.named("label")}
    ids = [given["id"] for _, given in reader.elements if "id" in given]
    assert len(ids) == len(set(ids))
    assert {given["href"][1:] for given in reader.named("a")} <= set(ids)


def test_the_same_facts_give_the_same_bytes():
    assert page(facts()) == page(facts())


def test_the_script_knows_the_counts_of_every_threshold():
    text = page(facts(of_scores([1, 0, 1, 1, 0, 0], [0.9, 0.8, 0.8, 0.5, 0.4, 0.1])))
    known = embedded(text)
    assert known["thresholds"] == [0.9, 0.8, 0.5, 0.4, 0.1]
    assert known["truePositives"] == [1, 2, 3, 3, 3]
    assert known["falsePositives"] == [0, 1, 1, 2, 3]
    assert (known["positives"], known["negatives"], known["threshold"]) == (3, 3, 0.5)


def test_many_scores_are_thinned_and_the_operating_point_stays_exact():
    of = scored(images=22_000)
    result = result_of(of, bootstrap=2, subgroups=[])
    text = page(facts(of, result=result))
    known = embedded(text)
    assert len(known["thresholds"]) <= 20_001
    called = sum(threshold >= 0.5 for threshold in known["thresholds"])
    (_, false_positives), (_, true_positives) = result["test"]["confusion_matrix"]
    assert (known["truePositives"][called - 1], known["falsePositives"][called - 1]) == (
        true_positives,
        false_positives,
    )
    assert "rounded" in Reader(text).words
    assert len(text.encode()) < 2 * MEGABYTE


def test_more_than_two_classes_have_a_curve_each_and_a_matrix_that_stays():
    names = ("nevus", "melanoma", "keratosis", "other")
    of = facts(classes=names)
    text = page(of)
    reader = Reader(text)
    assert reader.named("input") == reader.named("script") == []
    assert "script-src 'none'" in next(given["content"] for given in reader.named("meta") if "http-equiv" in given)
    for name in names:
        auc = of.result["test"]["per_class"][name]["auc"]["value"]
        assert f"{name}: AUC {auc:.3f}" in reader.words
    row = of.result["test"]["confusion_matrix"][0]
    assert f"nevus {row[0]} {row[1]} {row[2]} {row[3]}" in reader.words


@pytest.mark.parametrize(
    ("targets", "why"),
    [([1, 1, 1], "undefined: every image is malignant"), ([0, 0, 0], "undefined: no image is malignant")],
)
def test_one_class_alone_leaves_numbers_undefined_with_the_reason(targets, why):
    reader = Reader(page(facts(of_scores(targets, [0.2, 0.6, 0.7]))))
    assert f"AUC {why}" in reader.words
    assert why in reader.words.split("ROC curve")[1]
    assert len(reader.named("input")) == 1


def test_predictions_that_are_not_numbers_leave_a_page_that_says_so():
    of = scored()
    of.probabilities[3] = np.nan
    reader = Reader(page(facts(of)))
    assert "Confusion matrix: undefined: predictions of 1 of 60 images are not finite numbers" in reader.words
    assert reader.named("input") == []
    assert "NaN" not in reader.words


def test_a_subset_without_images_has_a_page():
    nothing = Scored([], np.zeros(0, dtype=np.int64), np.zeros((0, 2)))
    assert "undefined: there is no image" in Reader(page(facts(nothing, galleries=Galleries([], [])))).words


def test_a_gap_in_the_validation_scores_and_no_epochs_at_all_are_told():
    result = result_of(scored())
    assert "best epoch: 2" in Reader(page(facts())).words
    undefined = [record | {"validation_auc": None, "validation_accuracy": None} for record in records(1)]
    assert "the validation subset does not define it" in Reader(page(facts(epochs=undefined))).words
    assert "no epochs" in Reader(page(facts(epochs=[]))).words
    scored_only = {key: result[key] for key in ("note", "test", "subgroups")}
    words = Reader(page(facts(result=scored_only, epochs=[]))).words
    assert "Learning" not in words
    assert "Subgroups" in words


def test_a_subgroup_that_is_too_small_says_so():
    assert "too small to say" in Reader(page(facts(scored(images=30)))).words


def test_small_classes_and_findings_of_the_audit_are_there():
    audit = facts().audit | {
        "corrupt": [{"image_id": "broken", "reason": "zero bytes"}],
        "small_classes": [{"label": "malignant", "subset": "test", "images": 10, "half_width": 0.26}],
    }
    words = Reader(page(facts(audit=audit))).words
    assert "files that cannot be read 1" in words
    assert "pairs of near-duplicates not searched" in words
    assert "malignant has 10 images in test: a proportion is known to ±26% there." in words


def test_unseen_labels_are_counted_in_the_headline():
    of = scored()
    of.targets[0] = UNSEEN
    text = page(facts(of))
    assert "1 of labels unseen in training left out" in Reader(text).words
    assert len(embedded(text)["thresholds"]) == len(of.targets) - 1


@pytest.mark.parametrize(("places", "said"), [((1, 1), True), ((2, 2), True), ((7, 7), False), (None, False)])
def test_maps_with_very_few_places_are_said_to_tell_little(places, said):
    words = Reader(page(facts(galleries=Galleries([picture()], [], None, places)))).words
    assert ("places here, for images of this size: it tells little of where, or nothing" in words) is said
