"""`skinlab lr-find` as a user runs it."""

import csv
import json

from tests.integration.commands import TINY, Workplace, record

WORDS = (*TINY, "lr_find.steps=12", "lr_find.lowest=0.0001", "lr_find.highest=0.1", "lr_find.divergence=1000")


def test_the_curve_and_the_suggestion_lie_in_a_directory_of_their_own(workplace: Workplace) -> None:
    done = workplace.skinlab("lr-find", *WORDS)
    assert done.code == 0, done.err + done.out
    (path,) = (workplace.path / "outputs" / "lr-find" / "debug").iterdir()
    assert (record(path)["status"], record(path)["kind"]) == ("finished", "lr-find")
    with (path / "lr_find.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(1, 13))
    assert (float(rows[0]["learning_rate"]), float(rows[-1]["learning_rate"])) == (0.0001, 0.1)
    result = json.loads((path / "lr_find.json").read_text())
    assert (result["steps"], result["diverged"]) == (12, False)
    assert f"optimizer.learning_rate={result['suggestion']:.2g}" in done.out or result["suggestion"] is None
    assert (path / "plots" / "lr_find.png").is_file()
    assert not (path / "checkpoints").exists()
    assert not (path / "predictions.csv").exists()


def test_it_repeats_and_cannot_be_resumed_as_a_training(workplace: Workplace) -> None:
    workplace.skinlab("lr-find", *WORDS)
    workplace.skinlab("lr-find", *WORDS, "engine.workers=1")
    first, second = (workplace.path / "outputs" / "lr-find" / "debug").iterdir()
    assert (first / "lr_find.csv").read_bytes() == (second / "lr_find.csv").read_bytes()
    done = workplace.skinlab("resume", str(first))
    assert (done.code, "is no training: run `skinlab lr-find` again" in done.err) == (6, True)


def test_a_sweep_is_refused(workplace: Workplace) -> None:
    done = workplace.skinlab("lr-find", "-m", "seed=1,2")
    assert (done.code, done.err) == (2, "skinlab lr-find: one declaration at a time: leave out -m\n")
