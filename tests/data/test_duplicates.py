"""Files with the same content are found and end up in one group."""

from skinlab.data.duplicates import find_duplicates, merge_groups


def test_rows_of_each_repeated_content_are_listed() -> None:
    assert find_duplicates(["a", "b", "a", "c", "b", "a"]) == [[0, 2, 5], [1, 4]]


def test_without_duplicates_groups_stay_as_they_are() -> None:
    assert merge_groups(["a", "b"], ["L", None], []) == ["L", None]


def test_duplicates_pull_their_whole_groups_together() -> None:
    groups = ["L1", "L1", "L2", "L2", None, "L3"]
    assert merge_groups(list("abcdef"), groups, [[1, 2], [3, 4]]) == ["L1", "L1", "L1", "L1", "L1", "L3"]


def test_duplicates_without_group_share_a_group_that_no_real_group_has() -> None:
    merged = merge_groups(["a", "b", "c"], [None, None, "a"], [[0, 1]])
    assert merged[0] == merged[1] is not None
    assert merged[2] == "a" != merged[0]


def test_chains_are_joined_whatever_their_order() -> None:
    ids = [str(i) for i in range(6)]
    for pairs in ([[0, 1], [2, 3], [1, 2], [4, 5]], [[1, 2], [4, 5], [2, 3], [0, 1]]):
        merged = merge_groups(ids, [None] * 6, pairs)
        assert len(set(merged[:4])) == 1
        assert len(set(merged)) == 2
