import re

import numpy as np
import pytest

from skinlab.sweeps import charts
from skinlab.sweeps.outlook import Outlook
from tests.sweeps.sweep_builders import BATCH, DROPOUT, RATE, declared, finished, searched, sweep

LISTED = {RATE: [0.01, 0.1], BATCH: [16, 32]}


def grid(path, values, direction="maximize", **facts):
    """Four points."""
    points = [{RATE: rate, BATCH: size} for rate in LISTED[RATE] for size in LISTED[BATCH]]
    trials = [finished(at, value, parameters=points[at], seconds=10.0) for at, value in enumerate(values)]
    objectives = [{"metric": "auc" if direction == "maximize" else "loss", "direction": direction}]
    return Outlook(sweep(path, *trials, objectives=objectives, **declared(LISTED), **facts))


def test_surface_of_a_grid_has_the_mean_at_each_crossing_and_nothing_where_nothing_was_tried():
    places = np.array([(0, 0), (0, 0), (1, 0), (1, 1)], dtype=float)
    xs, ys, surface = charts.at_nodes(places, np.array([1.0, 3.0, 5.0, 7.0]))
    assert (xs.tolist(), ys.tolist()) == ([0, 1], [0, 1])
    np.testing.assert_array_equal(surface, [[2.0, 5.0], [np.nan, 7.0]])


def test_smoothed_surface_is_near_the_values_and_empty_far_from_all_points():
    _, _, surface = charts.smoothed(np.array([(0.0, 0.0), (0.05, 0.0)]), np.array([2.0, 2.0]))
    assert surface[0, 0] == pytest.approx(2.0)
    assert np.isnan(surface[-1, -1])


@pytest.mark.parametrize(("direction", "best"), [("maximize", 3), ("minimize", 0)])
def test_best_point_has_the_last_colour_whichever_way_is_better(tmp_path, direction, best):
    outlook = grid(tmp_path / "s", [0.1, 0.2, 0.3, 0.4], direction)
    drawn = charts.parallel(outlook)
    assert re.findall(r'class="trace q5"><title>trial (\d+):', drawn) == [str(best)]


def test_value_that_diverged_does_not_hide_the_others(tmp_path):
    values = [0.5 + at / 100 for at in range(11)]
    trials = [finished(at, value, rate=0.1 / (at + 1)) for at, value in enumerate([*values, 9000.0])]
    space = {RATE: {"interval": [0.001, 0.1], "log": True, "type": "float"}}
    objectives = [{"metric": "loss", "direction": "minimize"}]
    outlook = Outlook(sweep(tmp_path / "s", *trials, objectives=objectives, **declared(space)))
    assert (outlook.valued[-1].value, outlook.beyond) == (9000.0, 1)
    assert outlook.valued[-1].drawn < 1
    assert [point.drawn for point in outlook.valued[:-1]] == values


def test_best_so_far_never_gets_worse(tmp_path):
    drawn = charts.progress(grid(tmp_path / "s", [0.2, 0.4, 0.1, 0.3]))
    (line,) = re.findall(r'points="([^"]*)" class="line mean"', drawn)
    heights = [float(corner.partition(",")[2]) for corner in line.split()]
    assert heights == sorted(heights, reverse=True), "up is less"


def test_pruned_runs_are_drawn_apart_from_finished_ones(tmp_path):
    outlook = Outlook(searched(tmp_path / "s"))
    pruned = len([trial for trial in outlook.sweep.trials if trial.status == "pruned"])
    assert pruned > 0
    assert charts.parallel(outlook).count('class="trace ended"') == pruned
    assert charts.learning(outlook).count("<polyline") == len(outlook.sweep.trials)


def test_keys_with_words_have_slices_and_no_contours(tmp_path):
    space = {"augmentation": ["none", "strong"], DROPOUT: [0.2, 0.5]}
    points = [{"augmentation": name, DROPOUT: rate} for name in space["augmentation"] for rate in space[DROPOUT]]
    trials = [finished(at, 0.1 * at, parameters=point) for at, point in enumerate(points)]
    outlook = Outlook(sweep(tmp_path / "s", *trials, **declared(space)))
    assert "There are no two swept keys with numbers." in charts.contours(outlook)
    assert charts.slices(outlook).count("<figure>") == 2


def test_values_that_differ_by_rounding_alone_have_a_plane_without_bands(tmp_path):
    drawn = charts.contours(grid(tmp_path / "s", [0.7, 0.7, 0.7, np.nextafter(0.7, 1)]))
    assert "0.7000 to 0.7000" in drawn
    assert (drawn.count("<circle"), drawn.count("<path")) == (4, 0)
