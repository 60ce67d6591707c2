import re

import pytest

from skinlab.report import svg
from skinlab.report.svg import Area


def test_points_on_the_way_are_left_out_and_corners_stay():
    area = Area("x", "y")
    corners = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]
    between = [(0.0, 0.0), (0.0, 0.3), (0.0, 1.0), (0.5, 1.0), (1.0, 1.0)]
    assert svg.line(area, between, "") == svg.line(area, corners, "")


def test_a_line_that_turns_back_on_itself_keeps_its_turn():
    area = Area("x", "y")
    (left, bottom), (_, top) = area.at(0, 0), area.at(0, 1)
    drawn = svg.line(area, [(0, 0), (0, 1), (0, 0.5)], "")
    assert f"{left:g},{bottom:g} {left:g},{top:g} " in drawn


@pytest.mark.parametrize(("low", "high"), [(0.5, 1.5), (0.0, 1e-6), (-3.0, 250.0), (0.5, 300.5)])
def test_ticks_are_few_and_inside(low, high):
    found = svg.ticks(low, high)
    assert 2 <= len(found) <= 8 or high - low == 1
    assert all(low <= tick <= high for tick in found)
    assert found == sorted(set(found))


@pytest.mark.parametrize("ticks", [[0.0, 0.5, 1.0], [0.705, 0.71, 0.715], [0.7046, 0.70465, 1e-05]])
def test_the_names_of_the_ticks_do_not_reach_the_title_of_the_axis(ticks):
    drawn = svg.chart(Area("x", "loss", y=(min(ticks), max(ticks)), y_ticks=ticks), "")
    ends = [float(x) for x in re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="end">', drawn)]
    assert len(ends) == len(ticks)
    begins = min(end - 7 * len(f"{tick:g}") for end, tick in zip(ends, ticks, strict=True))
    assert begins >= 17, "the title is 12 px high and stands at 13"


def test_lines_are_told_apart_by_dashes_when_the_colours_are_used_up():
    looks = [svg.look(number) for number in range(svg.COLOURS * svg.DASHES)]
    assert len(set(looks)) == len(looks)
