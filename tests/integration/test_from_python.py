"""A training that Python starts is the one that the command line starts, an engine and its processes included."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.commands import EVALUATED, TINY, Workplace, record

SAME = ("summary.json", "predictions.csv", "metrics.jsonl", "split.csv", "checkpoints/best.safetensors")


@pytest.mark.slow
def test_the_same_declaration_gives_the_same_bytes(finished_run: Path, workplace: Workplace) -> None:
    words = [*TINY, *EVALUATED, "seed=5", "training.loader_workers=0"]
    program = f"import skinlab; print(skinlab.train(skinlab.compose(*{words!r})).metrics.index.tolist())"
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=workplace.path, env=workplace.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[1, 2]"
    run = workplace.run()
    assert {name: (run / name).read_bytes() == (finished_run / name).read_bytes() for name in SAME} == dict.fromkeys(
        SAME, True
    )
    assert record(run)["status"] == "finished"
    assert json.loads((run / "run.json").read_text())["command"].startswith("skinlab train experiment=debug ")
