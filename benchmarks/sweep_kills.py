"""A sweep killed again and again: are its results those of one that was left alone?

12 trials; the whole process group gets SIGKILL at random moments and `skinlab sweep resume` goes on, 20 times.
`python benchmarks/sweep_kills.py [--kills N]`
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from skinlab.sweeps.state import Sweep

DECLARED = (
    *("experiment=debug", "method=featurize", "network=mobilenet_v2", "evaluation.bootstrap=100"),
    *("sweep=tpe", "sweep.trials=6", "method.C=tag(log,interval(0.001,10))", "seed=1,2"),
)
FILES = ("summary.json", "predictions.csv", "split.csv")


def start(folder, *words):
    command = [sys.executable, "-m", "skinlab", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, start_new_session=True)


def sweep_in(folder):
    return next((file.parent for file in Path(folder).rglob("sweep.json")), None)


def results(path):
    sweep = Sweep.open(path)
    sweep.refresh()
    content = {(trial.run, name): (path / trial.run / name).read_bytes() for trial in sweep.trials for name in FILES}
    return [(trial.parameters, trial.status, trial.values) for trial in sweep.trials], content


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    draw = random.Random(1)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as alone, tempfile.TemporaryDirectory() as killed:
        clock = time.monotonic()
        assert start(alone, "train", "-m", *DECLARED).wait() == 0
        whole = time.monotonic() - clock
        kills, process = 0, start(killed, "train", "-m", *DECLARED)
        while True:
            path = sweep_in(killed)
            try:
                code = process.wait(timeout=draw.uniform(0.1, 1.5) * whole / 6 if kills < options.kills else None)
                if path is not None and code == 0:
                    break
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                kills += 1
            path = sweep_in(killed)
            words = ("train", "-m", *DECLARED) if path is None else ("sweep", "resume", str(path))
            process = start(killed, *words)
        same = results(sweep_in(alone)) == results(sweep_in(killed))
        count = len(Sweep.open(sweep_in(killed)).trials)
        print(f"{count} trials, {kills} kills: {'the same results' if same else 'OTHER RESULTS'}")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
