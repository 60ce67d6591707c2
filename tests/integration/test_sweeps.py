"""`skinlab train -m`: one run directory for each combination; a failed one does not take the rest with it."""

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


def test_a_failed_trial_is_named_and_the_others_go_on(workplace: Workplace) -> None:
    # Each step multiplies the weights by 1 - learning rate * weight decay: by -9 in the first trial.
    certain = ("optimizer.weight_decay=1", "optimizer.minibatch_size=8", "training.epochs=1")
    constant = "training.schedule.phases=[{epochs: 1, factor: 1}]"
    done = workplace.skinlab("train", "-m", *TINY, *certain, constant, "optimizer.learning_rate=10,0.01")
    failed, finished = workplace.runs()
    assert [record(run)["status"] for run in (failed, finished)] == ["failed", "finished"]
    reason = record(failed)["error"]
    assert "lower optimizer.learning_rate" in reason
    assert done.code == EngineError.exit_code
    assert done.err == f"failed: {reason}\n"
    _, last = done.out.split("2 runs: 1 finished, 1 failed\n")
    assert last == f"  {failed.relative_to(workplace.path)}: {reason}\n"
