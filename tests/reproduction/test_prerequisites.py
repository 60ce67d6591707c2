"""What differs from when a run was made is named: the image, the package, the file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinlab import machine
from skinlab.config import parse
from skinlab.data.label_log.edit import set_label
from skinlab.data.label_log.place import log_of
from skinlab.data.sources import load
from skinlab.files import sha256_of
from skinlab.reproduction import prerequisites
from skinlab.reproduction.prerequisites import Prerequisites
from skinlab.run import Run
from tests.reproduction.prepared_runs import photographs, prepared_run, relabel, words


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SKINLAB_HOME", str(tmp_path / "home"))
    code = {"version": "0.1.0", "commit": "a" * 40, "dirty": False}
    monkeypatch.setattr(machine, "code_version", lambda: code)
    return photographs(tmp_path / "images")


@pytest.fixture
def run(tmp_path: Path, images: Path) -> Run:
    return prepared_run(tmp_path / "run", words(images))


def check(run: Run) -> Prerequisites:
    return prerequisites.check(run, parse(run.record["config"]))


def lines(found: Prerequisites) -> dict[str, list[str]]:
    return {subject: [str(each) for each in listed] for subject, listed in found.differences.items()}


def test_nothing_differs_right_after_a_run(run: Run) -> None:
    assert lines(check(run)) == {}


def test_a_changed_label_of_the_source_is_named(run: Run, images: Path) -> None:
    relabel(images, "benign3", "malignant")
    found = lines(check(run))
    assert list(found) == ["data"]
    assert found["data"][0] == "benign3 label: benign -> malignant"


def test_a_changed_pixel_is_named(run: Run, images: Path) -> None:
    path = images / "benign3.png"
    before = sha256_of(path)
    pixels = np.array(Image.open(path))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    assert lines(check(run)) == {"data": [f"benign3 content (sha256): {before[:12]} -> {sha256_of(path)[:12]}"]}


def test_images_that_came_or_went_are_named(run: Run, images: Path) -> None:
    (images / "new.png").write_bytes((images / "benign3.png").read_bytes() + b"\0")
    relabel(images, "benign3", "benign\nnew,benign")
    table = (images / "images.csv").read_text()
    (images / "images.csv").write_text(table.replace("benign4,benign\n", ""))
    found = lines(check(run))["data"]
    assert any(line.startswith("benign4: benign, ") and line.endswith("-> absent") for line in found)
    assert any(line.startswith("new: absent -> benign, ") for line in found)


def test_a_label_corrected_since_makes_no_difference_and_is_said(run: Run) -> None:
    dataset = parse(run.record["config"]).dataset
    set_label(log_of(dataset), load(dataset), "benign3", "malignant", why="histology", who="me")
    found = check(run)
    assert found.differences == {}
    assert found.remarks == ["labels corrected since, left as the run had them: benign3: benign -> malignant"]


def test_a_label_log_that_lost_the_runs_revision_is_a_difference(tmp_path: Path, images: Path) -> None:
    dataset = parse(prepared_run(tmp_path / "first", words(images)).record["config"]).dataset
    set_label(log_of(dataset), load(dataset), "benign3", "malignant", why="histology", who="me")
    run = prepared_run(tmp_path / "second", words(images))
    assert run.record["label_revision"]
    assert check(run).differences == {}
    (images / "labels.log").unlink()
    (found,) = lines(check(run))["data"]
    assert found.startswith("the data set: usable -> revision ")


def test_data_that_are_gone_are_a_difference(run: Run, images: Path) -> None:
    images.rename(images.with_name("elsewhere"))
    (found,) = lines(check(run))["data"]
    assert found.startswith("the data set: usable -> ")
    assert str(images) in found


def test_another_version_of_a_package_is_named(run: Run) -> None:
    lock = run.path / "environment.lock"
    version = machine.packages()["numpy"]
    lock.write_text(lock.read_text().replace(f"numpy=={version}\n", "numpy==1.26.0\ngone==1.0\n"))
    assert lines(check(run)) == {"environment": ["gone: 1.0 -> absent", f"numpy: 1.26.0 -> {version}"]}


def test_another_runtime_of_the_engine_is_named(tmp_path: Path, images: Path) -> None:
    run = prepared_run(tmp_path / "run", words(images), runtime={"cntk": "2.6"})
    assert lines(check(run))["engine runtime"][0] == "cntk: 2.6 -> absent"  # this home has no runtime


def test_other_code_and_another_processor_are_named(run: Run) -> None:
    code, now = run.record["code"], run.record["machine"]
    run.update(code=code | {"commit": "b" * 40, "dirty": True}, machine=now | {"cpu": "VAX", "host": "other"})
    found = check(run)
    assert "commit: bbbbbbbbbbbb -> " in lines(found)["code"][0]
    assert lines(found)["machine"] == [f"cpu: VAX -> {now['cpu']}"]
    assert "files that differed from its commit" in found.remarks[0]


def test_weights_that_changed_or_are_gone_are_named(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "start.safetensors"
    file.write_bytes(b"a")
    run.update(weights={"source": "file", "file": str(file), "sha256": sha256_of(file)})
    assert "weights" not in lines(check(run))
    file.write_bytes(b"b")
    assert lines(check(run))["weights"][0].startswith(f"{file} (sha256): ")
    file.unlink()
    assert lines(check(run))["weights"][0].endswith("-> absent")
