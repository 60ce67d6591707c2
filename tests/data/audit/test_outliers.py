"""Images that stand out."""

import numpy as np

from skinlab.data.audit.outliers import find_outliers, robust_z


def test_ordinary_values_give_none():
    values = np.random.default_rng(0).normal(100, 10, 1000)
    assert find_outliers({"brightness": values}, 6) == []


def test_an_outlier_among_equal_values_is_found():
    values = np.array([10.0] * 50 + [200])
    assert [one.row for one in find_outliers({"contrast": values}, 6)] == [50]
    assert robust_z(np.full(5, 3.0)).tolist() == [0] * 5


def test_file_sizes_are_judged_by_ratio_and_the_furthest_comes_first():
    sizes = np.exp(np.random.default_rng(1).normal(10, 0.3, 500))
    sizes[3], sizes[7] = 100, 2e8
    assert [(one.row, one.z > 0) for one in find_outliers({"file_size": sizes}, 6)] == [(7, True), (3, False)]
