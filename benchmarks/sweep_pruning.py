"""What pruning saves and what it costs: one random search on real images, run whole and with each pruner.

The sampler is `random`, so all sweeps try the same points, and a trial is the same in each until it is ended. What a
pruned trial would have come to is therefore known for every one: it is in the whole sweep.
`python benchmarks/sweep_pruning.py [IMAGES] [--trials N]`: IMAGES is a folder with one sub-folder of images a class
(default: the real images beside a checkout). The last layer is trained on frozen ImageNet features of mobilenet_v2.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from skinlab.sweeps.state import Sweep

ROOT = Path(__file__).resolve().parent.parent
EPOCHS = 27
DECLARED = (
    *("network=mobilenet_v2", "network.weights=imagenet", "method=head", f"training.epochs={EPOCHS}"),
    *(
        "training.schedule.name=cosine",
        "evaluation.bootstrap=100",
        "engine=torch",
        "engine.threads=1",
        "dataset=folder",
    ),
    *("sweep=random", "optimizer.learning_rate=tag(log,interval(1e-4,1))", "network.dropout=interval(0,0.8)"),
    *("optimizer.minibatch_size=16,32,64", "dataset=folder"),
)
PRUNERS = ("none", "median", "hyperband", "patience")


def searched(folder, *words):
    """The trials of a sweep, and the seconds of training in each."""
    command = [sys.executable, "-m", "skinlab", "train", "-m", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    path = max(folder.rglob("sweep.json"), key=lambda file: file.stat().st_mtime).parent
    trials = Sweep.open(path).trials
    return trials, sum(
        json.loads((path / trial.run / "run.json").read_text())["timings"]["training_s"] for trial in trials
    )


def best(trials):
    """The winner's loss."""
    return min(trial.values[0] for trial in trials if trial.values)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, nargs="?", default=ROOT.parent / "shared" / "data" / "isic2017")
    parser.add_argument("--trials", type=int, default=36)
    options = parser.parse_args()
    words = (*DECLARED, f"dataset.path={options.images.resolve()}", f"sweep.trials={options.trials}")
    print(f"{options.trials} points of a random search, {EPOCHS} epochs each; the same points with each pruner")
    print("pruner     pruned  epochs  saved  training s  best loss  pruned that would have won  best of these")
    with tempfile.TemporaryDirectory() as temporary:
        whole = []
        for pruner in PRUNERS:
            trials, seconds = searched(Path(temporary), *words, f"sweep.pruner={pruner}")
            whole = whole or trials
            assert [trial.parameters for trial in trials] == [trial.parameters for trial in whole]
            epochs, ended = sum(trial.epochs for trial in trials), [t.number for t in trials if t.status == "pruned"]
            would = sorted(whole[number].values[0] for number in ended)
            won = sum(value < best(trials) for value in would)
            said = f"{would[0]:.4f}" if would else "-"
            saved = 1 - epochs / sum(trial.epochs for trial in whole)
            print(
                f"{pruner:<9}{len(ended):8}{epochs:8}{saved:7.0%}{seconds:12.1f}{best(trials):11.4f}{won:28}{said:>15}",
                flush=True,
            )


if __name__ == "__main__":
    main()
