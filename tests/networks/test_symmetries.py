import numpy as np
import pytest

from skinlab.networks.symmetries import VIEWS, Symmetry

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)


@pytest.mark.parametrize(("name", "count"), [("none", 1), ("flips", 4), ("dihedral", 8)])
def test_the_views_of_a_group_are_different_and_the_first_is_the_image(name: str, count: int) -> None:
    seen = [view.of(IMAGES) for view in VIEWS[name]]
    assert len({image.tobytes() for image in seen}) == count
    assert len({view.name for view in VIEWS[name]}) == count
    assert np.array_equal(seen[0], IMAGES)


@pytest.mark.parametrize("view", VIEWS["dihedral"], ids=lambda view: view.name)
def test_a_view_is_undone(view: Symmetry) -> None:
    assert np.array_equal(view.undo(view.of(IMAGES)), IMAGES)
    assert view.of(IMAGES).flags.c_contiguous


@pytest.mark.parametrize("name", VIEWS)
def test_views_of_a_view_are_the_same_views(name: str) -> None:
    group = {view.of(IMAGES).tobytes() for view in VIEWS[name]}
    for first in VIEWS[name]:
        assert {view.of(first.of(IMAGES)).tobytes() for view in VIEWS[name]} == group


def test_dihedral_holds_the_quarter_turns() -> None:
    seen = {view.of(IMAGES).tobytes() for view in VIEWS["dihedral"]}
    assert {np.rot90(IMAGES, turns, (1, 2)).tobytes() for turns in range(4)} <= seen
