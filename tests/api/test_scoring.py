import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinlab.api import RunView
from skinlab.errors import DataError
from skinlab.evaluation.explain import png
from tests.integration.pictures import picture

pytest.importorskip("pandas", reason="needs pandas")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(2):
        picture(f"lesion{number}").save(folder / f"{number}.png")
    (folder / "2.png").write_bytes(b"no picture")
    return folder


def test_the_answers_are_those_of_the_command(trained: RunView, images: Path) -> None:
    found = trained.predict(images)
    command = [sys.executable, "-m", "skinlab", "predict", str(trained.path), str(images)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = [line.split(",") for line in done.stdout.splitlines()]
    assert list(found.columns) == rows[0]
    assert [[str(row[name]) for name in ("path", "label", "decision")] for _, row in found.iloc[:2].iterrows()] == [
        [row[0], row[3], row[4]] for row in rows[1:3]
    ]
    assert found["probability_malignant"].iloc[:2].tolist() == [float(row[2]) for row in rows[1:3]]
    assert found["error"].fillna("").tolist() == ["", "", rows[3][5]]


def test_arrays_are_scored_as_their_files_are(trained: RunView, images: Path) -> None:
    arrays = [np.asarray(Image.open(images / f"{number}.png").convert("RGB")) for number in range(2)]
    columns = ["probability_benign", "probability_malignant", "label", "decision"]
    by_file = trained.predict([images / "0.png", images / "1.png"])[columns].to_numpy().tolist()
    assert trained.predict(arrays)[columns].to_numpy().tolist() == by_file
    assert trained.predict(np.stack(arrays))["path"].tolist() == ["0", "1"]
    assert trained.predict(arrays[1])[columns].to_numpy().tolist() == by_file[1:]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (np.zeros((4, 4, 3)), r"image 0 is float64 \[4, 4, 3\]"),
        (np.zeros((2, 4, 4), np.uint8), r"image 0 is uint8 \[2?,? ?4, 4\]"),
        ([3], "image 0 is int"),
    ],
)
def test_other_arrays_are_refused_with_what_they_are(trained: RunView, given: object, what: str) -> None:
    with pytest.raises(DataError, match=what):
        trained.predict(given)  # type: ignore[arg-type]


def test_an_explanation_is_of_the_decision_or_of_the_class_asked_for(trained: RunView, images: Path) -> None:
    (found,) = trained.explain(images / "0.png")
    assert found.class_name == found.answer.decision
    assert found.overlay.shape[2] == 3
    shown = Image.open(io.BytesIO(found._repr_png_()))
    assert np.array_equal(np.asarray(shown), found.overlay)
    (other,) = trained.explain(png(np.zeros((8, 8, 3), np.uint8)) and np.zeros((8, 8, 3), np.uint8), "benign")
    assert (other.name, other.class_name) == ("0", "benign")


def test_what_cannot_be_explained_is_named(trained: RunView, images: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 3 images cannot be read: .*2\.png \("):
        trained.explain(images)
    with pytest.raises(DataError, match="there is no class nevus; there are: benign, malignant"):
        trained.explain(images / "0.png", "nevus")
