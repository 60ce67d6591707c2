import re
from html.parser import HTMLParser

import pytest

from skinlab.sweeps.page import sweep_page
from tests.sweeps.sweep_builders import RATE, TWO, declared, finished, searched, sweep, trial


class Parsed(HTMLParser):
    """Headings, links and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.links, self.headings, self.said, self._in = [], [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self._in = tag
        if tag == "a":
            self.links.append(dict(attributes)["href"])

    def handle_data(self, data):
        self.said.append(data)
        if self._in == "h2":
            self.headings.append(data)

    def handle_endtag(self, tag):
        self._in = ""


def test_page_has_all_parts_and_links_to_the_runs(tmp_path):
    page = Parsed(sweep_page(searched(tmp_path / "s", objectives=TWO)))
    assert page.headings == [
        *("Points", "Pareto front", "Parallel coordinates", "Importance", "Slices", "Contours", "Learning curves"),
        *("Pruned trials", "Failed trials", "Cost", "How it was made"),
    ]
    assert "3/train.log" in page.links
    assert "learning_rate" in page.said
    assert "<b>no memory</b>" in page.said, "a reason is text, whatever is in it"


def test_same_sweep_gives_the_same_page(tmp_path):
    made = searched(tmp_path / "s")
    assert sweep_page(made) == sweep_page(made)


def test_page_says_how_many_epochs_pruning_left_out_and_why_each_was_ended(tmp_path):
    made = searched(tmp_path / "s")
    pruned = sum(trial.status == "pruned" for trial in made.trials)
    page = sweep_page(made)
    assert f"{pruned} trials ended early: {7 * pruned} of {9 * 40} epochs were not trained" in page
    assert page.count("auc in epoch 2: low") == min(pruned, 20)


def test_seeds_of_a_point_are_a_row_with_mean_and_spread(tmp_path):
    space = {RATE: [0.1, 0.2], "seed": [1, 2]}
    trials = [
        finished(at, value, group=at // 2, parameters={RATE: space[RATE][at // 2], "seed": 1 + at % 2})
        for at, value in enumerate([0.6, 0.8, 0.5, 0.5])
    ]
    page = sweep_page(sweep(tmp_path / "s", *trials, **declared(space)))
    assert "0.7000<small>SD 0.1414; 95% [-0.5706, 1.9706]</small>" in page
    assert "mean of 2 runs" in page
    assert "2 ranked points" in page


@pytest.mark.parametrize(
    "trials",
    [(), (trial(0, status="failed", error="no"),), (finished(0, 0.5),), (finished(0, 0.5), finished(1, 0.5))],
    ids=["none", "failed", "one", "equal"],
)
def test_page_of_a_sweep_with_little_to_show(tmp_path, trials):
    space = {RATE: [one.parameters[RATE] for one in trials] or [0.1]}
    page = sweep_page(sweep(tmp_path / "s", *trials, **declared(space)))
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower().replace("nan-", "")
    assert "How it was made" in page


def test_values_before_scaling_are_what_is_drawn_and_the_page_says_so(tmp_path):
    scaled = {RATE: {"by": "optimizer.minibatch_size", "at": 32}}
    trials = [finished(at, 0.5 + at / 10, parameters={RATE: rate}) for at, rate in enumerate([0.1, 0.2])]
    page = sweep_page(sweep(tmp_path / "s", *trials, **declared({RATE: [0.1, 0.2]}, scaled=scaled)))
    assert "before sweep.scaled" in page


def test_a_thousand_trials_are_a_page_of_bounded_size(tmp_path):
    trials = [finished(at, 0.5 + at / 5000, rate=0.1 / (at + 1), seconds=1.0) for at in range(1000)]
    space = {RATE: {"interval": [0.0001, 0.1], "log": True, "type": "float"}}
    page = sweep_page(sweep(tmp_path / "s", *trials, **declared(space)))
    assert "The charts show the best 600 of 1000 points." in page
    assert len(page) < 1_000_000
