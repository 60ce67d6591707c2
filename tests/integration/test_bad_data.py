"""Data that cannot be used: one line that names it. Found before an image is read, it leaves no run behind."""

import json
from pathlib import Path

from skinlab.errors import DataError
from tests.integration.commands import Workplace, record, temporary_files
from tests.integration.pictures import add_broken, add_unusual

SHORT = ("training.epochs=1", "network.image_size=32", "optimizer.minibatch_size=12", "evaluation.bootstrap=100")


def refused(workplace: Workplace, path: str, *more: str) -> str:
    """The reason for which training on a folder is refused before there is a run."""
    before = sorted(workplace.path.iterdir())
    done = workplace.skinlab("train", *more, "dataset=folder", f"dataset.path={path}", *SHORT)
    assert done.code == DataError.exit_code
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert sorted(workplace.path.iterdir()) == before
    return line.removeprefix("skinlab train: ")


def failure(workplace: Workplace, path: str, *more: str) -> str:
    """The reason for which a run on a folder fails."""
    done = workplace.skinlab("train", "dataset=folder", f"dataset.path={path}", *SHORT, *more)
    assert done.code == DataError.exit_code
    (line,) = done.err.splitlines()
    facts = record(workplace.run())
    assert facts["status"] == "failed"
    assert line == f"failed: {facts['error']}"
    assert temporary_files(workplace.path) == []
    return str(facts["error"])


def test_no_such_folder(workplace: Workplace) -> None:
    assert refused(workplace, "nowhere") == "no such folder: nowhere"


def test_a_sweep_over_no_such_folder_makes_no_directory(workplace: Workplace) -> None:
    assert refused(workplace, "nowhere", "-m", "seed=1,2") == "no such folder: nowhere"


def test_an_empty_folder(workplace: Workplace) -> None:
    (workplace.path / "empty").mkdir()
    assert refused(workplace, "empty").startswith("no images in empty")


def test_one_class_only(workplace: Workplace, folder: Path) -> None:
    for path in (folder / "malignant").iterdir():
        path.unlink()
    assert refused(workplace, str(folder)) == "one class only (benign): at least two are needed to learn a difference"


def test_a_class_too_small_for_the_split(workplace: Workplace, folder: Path) -> None:
    for path in sorted((folder / "malignant").iterdir())[2:]:
        path.unlink()
    reason = failure(workplace, str(folder))
    assert "malignant" in reason
    assert "2" in reason


def test_broken_files_are_named_and_left_out_and_unusual_ones_are_used(workplace: Workplace, folder: Path) -> None:
    good = add_unusual(folder / "benign")
    broken = add_broken(folder / "malignant")
    run = workplace.train("dataset=folder", f"dataset.path={folder}", *SHORT)
    audit = json.loads((run / "audit.json").read_text())
    corrupt = {item["image_id"]: item["reason"] for item in audit["corrupt"]}
    assert {name.split("/")[-1].split(".")[0] for name in corrupt} == {name.split(".")[0] for name in broken}
    assert all(corrupt.values())
    assert audit["images"] == 24 + len(good)
    used = (run / "split.csv").read_text()
    assert all(f"benign/{name.split('.')[0]}," in used for name in good)
    assert record(run)["status"] == "finished"


def test_on_corrupt_fail_stops_with_the_names(workplace: Workplace, folder: Path) -> None:
    broken = add_broken(folder / "malignant")
    reason = failure(workplace, str(folder), "dataset.on_corrupt=fail")
    assert reason.startswith("3 of 27 images cannot be read: ")
    assert all(name.split(".")[0] in reason for name in broken)


def test_a_folder_without_a_single_image(workplace: Workplace) -> None:
    for label in ("a", "b"):
        (workplace.path / "images" / label).mkdir(parents=True)
        (workplace.path / "images" / label / "x.jpg").write_text("not an image")
    assert failure(workplace, "images").startswith("none of the 2 images can be read: ")


def test_a_subgroup_column_that_is_not_there(workplace: Workplace) -> None:
    done = workplace.skinlab("train", "experiment=debug", "evaluation.subgroups=[colour]")
    assert done.code == DataError.exit_code
    assert done.err == (
        "skinlab train: evaluation.subgroups: no column colour (did you mean colours?); "
        "there are true_class, asymmetry, border, colours, diameter\n"
    )
    assert workplace.runs() == []
