import numpy as np
import pytest

from skinlab.drawing import SMOOTH_EDGE, bent_line, draw_lines


def test_a_line_without_bend_is_straight_and_as_long_as_said() -> None:
    path = bent_line(np.array([3.0, 4.0]), angle=0.7, length=10, bend=0)
    assert np.hypot(*(path[-1] - path[0])) == pytest.approx(10)
    np.testing.assert_allclose(path.mean(axis=0), [3, 4])
    np.testing.assert_allclose((path - path[0]) @ [-np.sin(0.7), np.cos(0.7)], 0, atol=1e-9)


def test_a_bent_lines_middle_leaves_the_straight_line_by_the_bend() -> None:
    path = bent_line(np.zeros(2), angle=0, length=10, bend=0.2)
    chord = (path[0, 1] + path[-1, 1]) / 2
    assert chord - path[:, 1].min() == pytest.approx(0.2 * 10, rel=0.02)


def test_ink_is_as_thick_as_said_and_smooth_at_its_edges() -> None:
    ink = np.zeros((40, 40), np.uint8)
    draw_lines(ink, [np.array([[-5.0, 20.0], [45.0, 20.0]])], thickness=6, strength=200)
    across = ink[:, 20].astype(float) / 200
    assert across.max() == 1
    assert across.sum() == pytest.approx(6 + SMOOTH_EDGE, abs=0.5)
    draw_lines(slanted := np.zeros((40, 40), np.uint8), [np.array([[0.0, 0.0], [39.0, 17.0]])], thickness=3)
    assert len(np.unique(slanted)) > 5
