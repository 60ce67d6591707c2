"""`skinlab evaluate`, as a user runs it, on a run whose bundle calls red images malignant."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from skinlab import paths, records
from skinlab.cli import main
from skinlab.config import compose
from skinlab.data.prepare import prepare
from skinlab.errors import BundleError
from skinlab.evaluation import looks
from skinlab.experiment import start_record
from skinlab.run import Run
from tests.serving.bundles import arrays, write_bundle

COLOURS = {"benign": (60, 200, 60), "malignant": (200, 60, 60)}


def draw(folder: Path, labels: dict[str, str], count: int, seed: int) -> Path:
    """`count` images in a sub-folder for each label, coloured as its class."""
    rng = np.random.default_rng(seed)
    for label, class_name in labels.items():
        (folder / label).mkdir(parents=True)
        for number in range(count):
            noise = rng.integers(-40, 40, (12, 12, 3))
            pixels = np.clip(np.array(COLOURS[class_name]) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number:02}.png")
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run on 24 images of two classes."""
    monkeypatch.setenv(paths.HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    draw(tmp_path / "own", {"benign": "benign", "malignant": "malignant"}, 12, seed=0)
    config = compose(["dataset=folder", "dataset.path=own", "evaluation.bootstrap=100"]).config
    made = Run.create(tmp_path / "run", {"command": "", **start_record(config)})
    with made.recorded():
        records.data(made, prepare(config.dataset, config.split, 8))
        write_bundle(tmp_path / "run" / "bundle", threshold=0.4)
    return tmp_path / "run"


def evaluation(run: Path) -> tuple[Path, dict[str, Any], dict[str, Any]]:
    """The only evaluation: its directory, summary.json and evaluation.json."""
    (path,) = (run / "evaluations").iterdir()
    return path, json.loads((path / "summary.json").read_text()), json.loads((path / "evaluation.json").read_text())


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_another_data_set_is_scored_whole_and_recorded(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw(run.parent / "clinic", {"benign": "benign", "malignant": "malignant"}, 5, seed=1)
    before = (run / "run.json").read_bytes()
    assert main(["evaluate", str(run), "dataset=folder", "dataset.path=clinic"]) == 0
    path, summary, facts = evaluation(run)
    assert path.name.startswith("folder-")
    assert summary["test"]["images"] == 10
    assert summary["test"]["metrics"]["auc"]["value"] == 1
    assert summary["test"]["threshold"] == 0.4
    assert summary["overlap"] == {"rule": "fail", "train": 0, "validation": 0}
    assert facts["dataset"]["path"] == "clinic"
    assert facts["split"] is None
    assert len(facts["dataset_fingerprint"]) == len(facts["bundle"]["model_sha256"]) == 64
    assert facts["engine"]["name"] == "onnxruntime"
    rows = table(path / "predictions.csv")
    assert {row["subset"] for row in rows} == {"test"}
    assert all((float(row["probability_malignant"]) > 0.5) == (row["label"] == "malignant") for row in rows)
    assert {file.name for file in (path / "plots").iterdir()} == {
        f"{name}.{form}" for name in ("roc", "precision_recall", "confusion", "reliability") for form in ("png", "svg")
    }
    assert (run / "run.json").read_bytes() == before
    printed = capsys.readouterr()
    assert "on 10 folder images (5 benign, 5 malignant)" in printed.out
    assert "not a medical device" in printed.err


def test_images_are_decoded_as_the_run_was_trained_and_it_says_so(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw(run.parent / "clinic", {"benign": "benign", "malignant": "malignant"}, 3, seed=1)
    assert main(["evaluate", str(run), "dataset=folder", "dataset.path=clinic", "dataset.colour_profile=ignore"]) == 0
    _, _, facts = evaluation(run)
    assert facts["dataset"]["colour_profile"] == "convert"
    said = "images are decoded as those that the run was trained on: dataset.colour_profile=convert, not ignore"
    assert said in capsys.readouterr().err


def test_without_a_data_set_it_is_the_runs_own_test_subset(run: Path) -> None:
    assert main(["evaluate", str(run)]) == 0
    path, _, facts = evaluation(run)
    ours = {row["image_id"] for row in table(run / "split.csv") if row["subset"] == "test"}
    assert {row["image_id"] for row in table(path / "predictions.csv")} == ours
    assert facts["split_hash"] == json.loads((run / "run.json").read_text())["split_hash"]


def test_each_time_is_a_look_at_the_images_and_the_page_says_the_how_many_th(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = compose(["dataset=folder", "dataset.path=own"]).config
    records.look_at_test(prepare(config.dataset, config.split, 8), run, "final evaluation", "default")
    for count in (2, 3):
        assert main(["evaluate", str(run)]) == 0
        assert f"looked at {count} times by 1 run," in capsys.readouterr().err
    made = [
        (json.loads((path / "evaluation.json").read_text())["test_looks"], path) for path in run.glob("evaluations/*")
    ]
    (second, _), (third, last) = sorted(made, key=lambda one: one[0]["looks"])
    assert (second["looks"], third["looks"], third["runs"]) == (2, 3, 1)
    assert second["test_subset"] == third["test_subset"]
    assert "Looks at the test subset: </strong>3 by 1 run up to this one." in (last / "report.html").read_text()
    draw(run.parent / "clinic", {"benign": "benign", "malignant": "malignant"}, 5, seed=1)
    assert main(["evaluate", str(run), "dataset=folder", "dataset.path=clinic"]) == 0
    assert "looked at for the first time" in capsys.readouterr().err


def test_nothing_is_scored_where_the_look_cannot_be_recorded(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    looks.ledger_folder().write_text("in the way")
    assert main(["evaluate", str(run)]) == 6
    assert "this look at the test subset cannot be recorded" in capsys.readouterr().err
    assert not (run / "evaluations").exists()


def test_images_that_the_run_has_seen_are_refused_under_any_name(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw(run.parent / "clinic", {"benign": "benign", "malignant": "malignant"}, 3, seed=1)
    trained = next(row for row in table(run / "split.csv") if row["subset"] == "train")
    copy = run.parent / "clinic" / trained["label"] / "renamed.png"
    copy.write_bytes((run.parent / "own" / f"{trained['image_id']}.png").read_bytes())
    words = ["evaluate", str(run), "dataset.path=clinic"]
    assert main(words) == 3
    assert "the run has seen 1 of these 7 images: 1 in its train subset" in capsys.readouterr().err
    assert list(run.glob("evaluations/*")) == []
    assert main([*words, "--on-overlap", "drop"]) == 0
    path, summary, facts = evaluation(run)
    assert summary["test"]["images"] == 6
    assert summary["overlap"] == {"rule": "drop", "train": 1, "validation": 0}
    assert facts["overlap"]["train"] == [f"{trained['label']}/renamed"]
    assert len(table(path / "predictions.csv")) == 6
    assert "they are left out" in capsys.readouterr().err


def test_seen_images_may_be_scored_with_a_remark(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run), "--subset", "all", "--on-overlap", "warn"]) == 0
    _, summary, _ = evaluation(run)
    assert summary["test"]["images"] == 24
    assert summary["overlap"]["train"] > summary["overlap"]["validation"] > 0
    assert "the numbers are too good" in capsys.readouterr().err


def test_other_classes_are_refused_and_can_be_merged(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw(run.parent / "clinic", {"mel": "malignant", "bcc": "malignant", "nv": "benign"}, 4, seed=1)
    words = ["evaluate", str(run), "dataset.path=clinic"]
    assert main(words) == 3
    assert (
        "the classes of the data set are bcc, mel, nv, those of the run are benign, malignant"
        in capsys.readouterr().err
    )
    assert main([*words, "dataset.classes={malignant: [mel, bcc], benign: [nv]}"]) == 0
    path, summary, _ = evaluation(run)
    assert summary["test"]["classes"] == {"benign": 4, "malignant": 8}
    assert summary["test"]["positive_class"] == "malignant"
    assert summary["test"]["metrics"]["auc"]["value"] == 1
    assert {row["label"] for row in table(path / "predictions.csv")} == {"benign", "malignant"}


def test_a_declared_split_gives_the_test_subset_of_another_data_set(run: Path) -> None:
    draw(run.parent / "clinic", {"benign": "benign", "malignant": "malignant"}, 8, seed=1)
    words = ["evaluate", str(run), "dataset.path=clinic", "split.test=0.5"]
    assert main(words) == 2  # all images are scored, which a split has no say in
    assert main([*words, "--subset", "test"]) == 0
    assert evaluation(run)[1]["test"]["images"] == 8


def test_repeating_it_gives_the_same_bytes_in_another_directory(run: Path) -> None:
    for threads in ("1", "3"):
        assert main(["evaluate", str(run), "--threads", threads]) == 0
    first, second = (run / "evaluations").iterdir()
    for name in ("summary.json", "predictions.csv", "audit.json", "plots/roc.png"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "needs a run"),
        (["dataset=folder"], 2, "needs a run"),
        (["nowhere"], 6, "nowhere is not a run directory"),
        (["run", "-m"], 2, "leave out -m"),
        (["run", "network.dropout=0.5"], 2, "only dataset, split, evaluation.subgroups, "),
        (["run", "dataset.path=nowhere"], 3, "no such folder: nowhere"),
        (["run", "--threads", "0"], 2, "must be at least 1"),
    ],
)
def test_wrong_arguments_are_told(
    run: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["evaluate", *words]) == code
    assert said in capsys.readouterr().err


def test_a_run_that_is_not_finished_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"status": "failed"}))
    assert main(["evaluate", str(run)]) == BundleError.exit_code
    assert "only a finished run can be evaluated" in capsys.readouterr().err


def test_shuffled_labels_are_not_taken_for_others(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((run / "run.json").read_text())
    record["config"]["dataset"]["shuffle_labels"] = True
    (run / "run.json").write_text(json.dumps(record))
    assert main(["evaluate", str(run)]) == 2
    assert "the run is a negative control on shuffled labels" in capsys.readouterr().err


def test_the_runs_own_images_may_have_moved(run: Path) -> None:
    (run.parent / "own").rename(run.parent / "moved")
    words = ["dataset.path=moved", "split=file", f"split.path={run}/split.csv", "--subset", "test"]
    assert main(["evaluate", str(run), *words]) == 0
    assert evaluation(run)[1]["overlap"] == {"rule": "fail", "train": 0, "validation": 0}


def test_help_says_where_the_result_goes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "--help"]) == 0
    assert "RUN/evaluations/" in capsys.readouterr().out


def test_images_of_one_class_and_answers_that_are_no_numbers_are_undefined_with_the_reason(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draw(run.parent / "benign_only", {"benign": "benign"}, 3, seed=1)
    assert main(["evaluate", str(run), "dataset.path=benign_only"]) == 0
    assert "undefined: no image is malignant" in capsys.readouterr().out
    broken = arrays() | {"fc.bias": np.full(2, np.nan, np.float32)}
    write_bundle(run / "bundle", drawn=broken)
    assert main(["evaluate", str(run)]) == 0
    why = "undefined: predictions of 6 of 6 images are not finite numbers"
    assert why in capsys.readouterr().out
    made = [path for path in run.glob("evaluations/*") if why in (path / "report.html").read_text()]
    (summary,) = [json.loads((path / "summary.json").read_text())["test"] for path in made]
    assert {entry["why"] for entry in summary["metrics"].values()} == {why.removeprefix("undefined: ")}


def test_constant_scores_are_worth_chance(run: Path) -> None:
    write_bundle(run / "bundle", drawn=arrays() | {"fc.weight": np.zeros((2, 3), np.float32)})
    assert main(["evaluate", str(run)]) == 0
    found = evaluation(run)[1]["test"]["metrics"]
    assert (found["auc"]["value"], found["average_precision"]["value"]) == (0.5, 0.5)


def tabled(folder: Path, column: str) -> list[str]:
    """Overrides for a table of eight images, with a column."""
    draw(folder, {"benign": "benign", "malignant": "malignant"}, 4, seed=3)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*.png"))
    lines = [f"{name},{name.parts[0]},{'f' if place % 2 else 'm'}" for place, name in enumerate(names)]
    (folder / "table.csv").write_text("\n".join([f"image_id,label,{column}", *lines]))
    return ["dataset=table", f"dataset.path={folder / 'table.csv'}"]


def test_subgroups_are_scored_on_the_other_data_set_too(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", str(run), *tabled(run.parent / "clinic", "sex")]
    assert main([*words, "evaluation.subgroups=[sex]", "evaluation.smallest_subgroup=3"]) == 0
    path, summary, _ = evaluation(run)
    (column,) = summary["subgroups"]
    found = [(part["name"], part["images"], part["small"]) for part in column["subgroups"]]
    small = "too small to say: 2 benign, 2 malignant, at least 3 are needed"
    assert found == [("f", 4, small), ("m", 4, small)]
    assert "by sex" in capsys.readouterr().out
    assert small in (path / "report.html").read_text()
    assert main([*words, "evaluation.subgroups=[sx]"]) == 3
    assert "no column sx (did you mean sex?)" in capsys.readouterr().err
    assert main([*words, "evaluation.operating_point=0.2"]) == 2
    assert "evaluation.operating_point=0.2: only dataset, split," in capsys.readouterr().err


def test_a_column_of_the_runs_subgroups_that_other_data_lack_is_a_remark(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((run / "run.json").read_text())
    record["config"]["evaluation"]["subgroups"] = ["sex", "site"]
    (run / "run.json").write_text(json.dumps(record))
    assert main(["evaluate", str(run), *tabled(run.parent / "clinic", "site")]) == 0
    path, summary, _ = evaluation(run)
    assert [column["column"] for column in summary["subgroups"]] == ["site"]
    remark = "no subgroups by sex, which the run has: the data set has no such column"
    assert remark in capsys.readouterr().err
    assert remark in (path / "report.html").read_text()
