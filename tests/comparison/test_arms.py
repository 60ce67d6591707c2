import json
from pathlib import Path

from skinlab.comparison.arms import Arm, arms, best_first, open_runs
from skinlab.run import Run
from tests.comparison.run_builders import Made, finished


def opened(*paths: Path, each: bool = False) -> list[Arm]:
    runs, left_out = open_runs(paths)
    assert left_out == []
    return arms(runs, each=each)[0]


def sweep() -> list[Path]:
    """Two learning rates with two seeds each."""
    return [
        finished(Path(f"{rate}-{seed}"), f"optimizer.learning_rate={rate}", f"seed={seed}")
        for rate in ("0.01", "0.001")
        for seed in (0, 1)
    ]


def test_runs_that_differ_in_the_seed_alone_are_one_experiment() -> None:
    found = opened(*sweep())
    assert [(arm.name, arm.seeds, arm.differs) for arm in found] == [
        ("A", [0, 1], {"optimizer.learning_rate": 0.01}),
        ("B", [0, 1], {"optimizer.learning_rate": 0.001}),
    ]


def test_every_run_is_one_by_itself_where_that_is_asked_or_only_seeds_differ() -> None:
    paths = sweep()
    assert len(opened(*paths, each=True)) == 4
    assert [arm.differs for arm in opened(*paths[:2])] == [{"seed": 0}, {"seed": 1}]


def test_folds_of_an_experiment_are_joined_in_order() -> None:
    paths = [
        finished(Path(f"{drop}-{fold}"), "split=kfold", f"split.fold={fold}", f"network.dropout={drop}")
        for drop in ("0.0", "0.5")
        for fold in (1, 0)
    ]
    assert [(arm.folds, arm.differs) for arm in opened(*paths)] == [
        ([0, 1], {"network.dropout": 0.0}),
        ([0, 1], {"network.dropout": 0.5}),
    ]


def test_where_the_run_directory_lies_makes_no_experiment_and_the_code_only_where_nothing_else_does() -> None:
    new = {"code": {"version": "0.1.0", "commit": "b" * 40, "dirty": True}}
    paths = [
        finished(Path("a"), "seed=0"),
        finished(Path("b"), "seed=1", "output_dir=elsewhere"),
        finished(Path("c"), "seed=0", made=Made(facts=tuple(new.items()))),
        finished(Path("d"), "seed=0", "network.dropout=0.5"),
    ]
    assert [len(arm.runs) for arm in opened(*paths[:2])] == [1, 1]
    by_code = opened(*paths[:3])
    assert [arm.differs for arm in by_code] == [{"code": "0.1.0"}, {"code": f"0.1.0 {'b' * 12} with changed files"}]
    assert [arm.seeds for arm in by_code] == [[0, 1], [0]]
    assert [arm.differs for arm in opened(paths[0], paths[1], paths[3])] == [
        {"network.dropout": 0.0},
        {"network.dropout": 0.5},
    ]


def test_of_the_same_run_twice_the_later_one_counts() -> None:
    paths = [
        finished(Path("first"), "seed=1", made=Made(draw=1)),
        finished(Path("again"), "seed=1", made=Made(draw=2)),
        finished(Path("other"), "network.dropout=0.5"),
    ]
    found, left_out = arms(open_runs(paths)[0])
    assert [str(run.path) for run in found[0].runs] == ["again"]
    assert [(str(one.path), one.why) for one in left_out] == [
        ("first", "the same declaration and seed were run again later")
    ]


def test_what_is_not_finished_or_not_whole_is_left_out_with_the_reason() -> None:
    Run.create(Path("failed"), {}).update(status="failed", error="the loss became NaN")
    Run.create(Path("stopped"), {}).update(status="interrupted")
    for name in ("no_summary", "half", "strange"):
        finished(Path(name))
    Path("no_summary/summary.json").unlink()
    Path("half/summary.json").write_text("{")
    record = json.loads(Path("strange/run.json").read_text())
    del record["config"]["split"]
    Path("strange/run.json").write_text(json.dumps(record))
    Path("damaged").mkdir()
    Path("damaged/run.json").write_text("{")
    Path("empty").mkdir()
    Path("empty/run.json").write_text("{}")
    names = ("failed", "stopped", "no_summary", "half", "strange", "damaged", "empty")
    runs, left_out = open_runs(map(Path, names))
    assert runs == []
    said = {str(one.path): one.why for one in left_out}
    assert said["failed"] == "failed (the loss became NaN)"
    assert said["stopped"] == "interrupted"
    assert said["no_summary"] == "summary.json cannot be read (No such file or directory)"
    assert "not as skinlab writes it" in said["half"]
    assert "not as skinlab writes it (KeyError('split'))" in said["strange"]
    assert "cannot be read" in said["damaged"]
    assert "not as skinlab writes it: schema_version, status" in said["empty"]


def test_the_best_are_those_on_validation_whatever_the_test_subset_says() -> None:
    paths = [
        finished(Path(f"{skill}"), f"network.dropout={drop}", made=Made(skill=skill))
        for drop, skill in (("0.1", 1.0), ("0.2", 4.0), ("0.3", 2.0))
    ]
    for path in paths:
        summary = json.loads((path / "summary.json").read_text())
        summary["test"]["metrics"]["auc"]["value"] = 1 - summary["validation"]["metrics"]["auc"]["value"]
        (path / "summary.json").write_text(json.dumps(summary))
    found = opened(*paths)
    assert [arm.name for arm in best_first(found, "auc")] == ["B", "C", "A"]
    assert [arm.name for arm in best_first(found, "brier")] == ["B", "C", "A"]
    summary["validation"]["metrics"]["auc"]["value"] = None
    (paths[2] / "summary.json").write_text(json.dumps(summary))
    assert [arm.name for arm in best_first(opened(*paths), "auc")] == ["B", "A", "C"]
