"""`skinlab train -m`: one run directory for each combination; a failed one does not take the rest with it."""

import json
from itertools import product

import pytest

from skinlab.errors import EngineError
from tests.integration.commands import TINY, Workplace, record


@pytest.mark.slow
def test_every_combination_is_a_finished_run_with_its_own_values(workplace: Workplace) -> None:
    swept = {
        "optimizer.learning_rate": ["0.05", "0.005"],
        "optimizer.minibatch_size": ["16", "32"],
        "network.dropout": ["0.2", "0.5"],
    }
    words = [f"{key}={','.join(values)}" for key, values in swept.items()]
    done = workplace.skinlab("train", "-m", "experiment=debug", "training.epochs=1", "evaluation.bootstrap=100", *words)
    assert done.code == 0, done.err
    assert "8 runs: 8 finished, 0 failed" in done.out
    runs = workplace.runs()
    assert [run.name for run in runs] == list("01234567")
    assert len({run.parent for run in runs}) == 1
    for run, values in zip(runs, product(*swept.values()), strict=True):
        facts = record(run)
        assert facts["status"] == "finished"
        declared = facts["config"]
        assert (
            str(declared["optimizer"]["learning_rate"]),
            str(declared["optimizer"]["minibatch_size"]),
            str(declared["network"]["dropout"]),
        ) == values
        overrides = (run / ".hydra" / "overrides.yaml").read_text()
        assert all(f"- {key}={value}\n" in overrides for key, value in zip(swept, values, strict=True))
    assert len({(run / "predictions.csv").read_bytes() for run in runs}) == len(runs)
    compared = workplace.skinlab("compare", str(runs[0].parent), "--json", "--out", "page.html")
    assert compared.code == 0, compared.err
    found = json.loads(compared.out)
    assert set(found["experiments"][0]["differs"]) == set(swept)
    assert len(found["pairs"]) == len(runs) - 1  # each with the best on validation
    page = (workplace.path / "page.html").read_text()
    assert "cannot be shown" not in page
    assert "no heat maps" not in page


def test_a_failed_trial_is_named_and_the_others_go_on(workplace: Workplace) -> None:
    # Each step multiplies the weights by 1 - learning rate * weight decay: by -9 in the first trial.
    certain = ("dataset.images=48", "optimizer.weight_decay=1", "training.epochs=1")
    constant = "training.schedule.phases=[{epochs: 1, factor: 1}]"
    done = workplace.skinlab("train", "-m", *TINY, *certain, constant, "optimizer.learning_rate=10,0.01")
    failed, finished = workplace.runs()
    assert [record(run)["status"] for run in (failed, finished)] == ["failed", "finished"]
    reason = record(failed)["error"]
    assert "lower optimizer.learning_rate" in reason
    assert done.code == EngineError.exit_code
    assert f": learning_rate=10: {reason}\n" in done.out  # at once
    _, last = done.out.split("2 runs: 1 finished, 1 failed\n")
    where, best = (run.relative_to(workplace.path) for run in (failed, finished))
    assert last.startswith(f"  {where}: {reason}\nbest by validation: loss ")
    assert last.endswith(f": learning_rate=0.01: {best}\n")
    assert reason in (failed / "train.log").read_text()


def test_a_sweep_over_folds_ends_with_one_summary_that_can_be_had_again(workplace: Workplace) -> None:
    folds = ("dataset.images=48", "split=kfold", "split.folds=2", "split.fold=range(2)", "training.epochs=1")
    done = workplace.skinlab("train", "-m", *TINY, *folds)
    assert done.code == 0, done.err
    (file,) = (workplace.path / "outputs" / "sweeps").rglob("folds.json")
    content = file.read_bytes()
    (experiment,) = json.loads(content)["experiments"]
    runs = [json.loads((run / "summary.json").read_text())["test"] for run in workplace.runs()]
    assert experiment["metrics"]["auc"]["folds"] == [run["metrics"]["auc"]["value"] for run in runs]
    assert experiment["pooled"]["images"] == sum(run["images"] for run in runs) == 48
    assert f"written: {file.relative_to(workplace.path)} and folds.html\n" in done.out
    table = done.out.partition("\ndebug: 2 folds\n")[2].partition("\n\nwritten")[0]
    sweep = file.parent.relative_to(workplace.path)
    again = workplace.skinlab("folds", str(sweep))
    assert (again.code, again.out) == (0, f"debug: 2 folds\n{table}\npage: {sweep / 'folds.html'}\n")
    assert file.read_bytes() == content
