from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skinlab.comparison.arms import open_runs
from skinlab.comparison.comparing import Comparison, Question, compare
from skinlab.comparison.disagreement import disagreements
from skinlab.config import compose
from skinlab.data.sources import load
from tests.comparison.run_builders import Made, finished
from tests.serving.bundles import write_bundle

DECLARED = ("dataset=folder", "dataset.path=images")


@pytest.fixture
def files() -> tuple[tuple[str, str], ...]:
    """Small images in a folder, each with a colour of its own."""
    generator = np.random.default_rng(0)
    for number in range(80):
        folder = Path("images") / ("benign", "malignant")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, size=(12, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:03}.png")
    manifest = load(compose(DECLARED).config.dataset)
    contents = [sha256(Path(path).read_bytes()).hexdigest() for path in manifest.paths]
    return tuple(zip(manifest.image_ids, contents, strict=True))


def compared(files: tuple[tuple[str, str], ...], skills: tuple[float, ...] = (0.5, 1.5), **changes: Any) -> Comparison:
    paths = []
    for place, skill in enumerate(skills):
        made = Made(skill=skill, draw=place, images=20, files=files, **changes)
        paths.append(finished(Path(f"{place}"), *DECLARED, f"network.dropout=0.{place + 1}", made=made))
        write_bundle(paths[-1] / "bundle")
    return compare(*open_runs(paths), Question())


def test_the_images_are_those_that_one_alone_calls_rightly_the_farthest_apart_first(
    files: tuple[tuple[str, str], ...],
) -> None:
    comparison = compared(files)
    (found,) = disagreements(comparison)
    fold = comparison.folds[0]
    right = [fold.images.decisions(model) == fold.images.targets for model in (0, 1)]
    assert found.one_right == int((right[0] & ~right[1]).sum()) > 0
    assert found.other_right == int((right[1] & ~right[0]).sum()) > 0
    apart = []
    for shown in found.shown:
        row = fold.image_ids.index(shown.image_id)
        assert right[0][row] != right[1][row]
        assert (shown.one.decision == shown.truth) == right[0][row]
        truths = [fold.images.probabilities[model][row, fold.images.targets[row]] for model in (0, 1)]
        apart.append((bool(right[1][row]), -abs(truths[0] - truths[1])))
    assert apart == sorted(apart)
    assert len(found.shown) == min(found.one_right, 6) + min(found.other_right, 6)


def test_pictures_are_the_files_that_were_scored_with_what_each_model_looked_at(
    files: tuple[tuple[str, str], ...],
) -> None:
    (found,) = disagreements(compared(files))
    assert found.missing is None
    for shown in found.shown:
        for jpeg in (shown.image, shown.one.heat, shown.other.heat):
            assert jpeg is not None
            assert Image.open(BytesIO(jpeg)).size == (176, 176)


def test_an_image_that_is_another_file_by_now_or_is_gone_is_not_shown_as_the_one_that_was_scored(
    files: tuple[tuple[str, str], ...],
) -> None:
    comparison = compared(files)
    (whole,) = disagreements(comparison)
    name = whole.shown[0].image_id
    manifest = load(compose(DECLARED).config.dataset)
    path = Path(manifest.paths[manifest.image_ids.index(name)])
    Image.new("RGB", (12, 12), "red").save(path)
    (found,) = disagreements(comparison)
    assert found.missing == f"the images cannot be shown: {name} is another file than the one that was scored"
    assert all(shown.image is None and shown.one.heat is None for shown in found.shown)
    path.unlink()
    assert "is not in the data set any more" in (disagreements(comparison)[0].missing or "")


def test_without_a_bundle_there_is_no_heat_map_and_it_is_said_why(files: tuple[tuple[str, str], ...]) -> None:
    comparison = compared(files)
    for file in (Path("1") / "bundle").iterdir():
        file.unlink()
    (found,) = disagreements(comparison)
    assert (found.missing or "").startswith("no heat maps: 1 has no bundle")
    assert found.shown[0].one.heat is not None
    assert found.shown[0].other.heat is None


def test_of_many_pairs_those_of_the_best_on_validation_are_shown(files: tuple[tuple[str, str], ...]) -> None:
    found = disagreements(compared(files, skills=(0.1, 2.0, 1.0, 3.0)))
    assert {found[0].one, found[0].other} == {"B", "D"}
    assert len(found) == 3
