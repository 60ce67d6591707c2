"""What a sweep itself costs: 1,000 trials that do nothing, by skinlab's sweeper and by Hydra's own.

Hydra composes each trial's declaration in all; the difference is what keeping sweep.json, the leaderboard and the watch
over the run directories take, and sweep.html at the end. "One by one" is a search with two objectives, whose sampler
hears of each trial before it chooses the next. `python benchmarks/sweeper_itself.py [--trials N]`
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from skinlab import machine
from skinlab.attempt import Outcome
from skinlab.commands.train import through_hydra
from skinlab.sweeps import sweeper
from skinlab.sweeps.declaration import declare
from skinlab.sweeps.state import Sweep

ME = machine.process_identity()


def trivial(_composed):
    """A task that leaves the files of a finished run."""
    from hydra.core.hydra_config import HydraConfig

    path = Path(HydraConfig.get().runtime.output_dir)
    record = {"schema_version": 1, "status": "finished", "error": None, "started": "", "finished": "", "process": ME}
    (path / "run.json").write_text(json.dumps(record))
    value = {"validation": {"metrics": {"log_loss": {"value": float(path.name)}, "ece": {"value": 0.5}}}}
    (path / "summary.json").write_text(json.dumps(value))
    return Outcome(path)


def measured(name, overrides, task):
    """In a process of its own, for its memory: seconds, seconds of the processor, MB."""
    if (child := os.fork()) == 0:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
            clock, processor = time.monotonic(), time.process_time()
            through_hydra(task(overrides), overrides, sweep=True)
            spent = time.monotonic() - clock, time.process_time() - processor
            reading = ""
            for file in Path(folder).rglob("sweep.json"):
                clock = time.monotonic()
                Sweep.open(file.parent).refresh()
                reading = f"; sweep.json {file.stat().st_size / 1e6:.1f} MB, read in {time.monotonic() - clock:.3f} s"
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name:<12}{spent[0]:8.1f} s{spent[1]:8.1f} s of the processor{memory:8.0f} MB{reading}",
            file=sys.__stdout__,
        )
        sys.__stdout__.flush()
        os._exit(0)
    os.waitpid(child, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="a multiple of 10")
    options = parser.parse_args()
    sweeper.TrialTask = lambda *_: trivial
    rates = ",".join(str(0.1 / (1 + number)) for number in range(options.trials // 10))
    swept = [f"optimizer.learning_rate={rates}", "network.dropout=0,0.2,0.4,0.6,0.8", "seed=1,2"]
    print(f"{options.trials} trials that do nothing")
    measured("a grid", swept, lambda overrides: sweeper.Start(declare(overrides, [])))
    drawn = ["optimizer.learning_rate=tag(log,interval(0.001,0.1))", "network.dropout=interval(0,0.9)"]
    alone = ["sweep=random", f"sweep.trials={options.trials}", *drawn, "sweep.objectives=[loss,ece]"]
    measured("one by one", alone, lambda overrides: sweeper.Start(declare(overrides, [])))
    measured("hydra", [*swept, "hydra/sweeper=basic", "hydra/hydra_logging=none"], lambda _: trivial)


if __name__ == "__main__":
    main()
