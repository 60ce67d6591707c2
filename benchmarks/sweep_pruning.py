"""What pruning saves and what it costs: one search on real images trained whole, and each pruner's decisions on it.

The sampler is `random`, so a pruner changes no point, and a trial is the same in every sweep until it is ended. The
pruners' own rule is therefore applied to the whole curves, in the order of the sweep: that is what a pruned sweep does,
and what each pruned trial would have come to is known for all of them. One pruned sweep is trained as well, to confirm
it: `--pruner NAME`.
`python benchmarks/sweep_pruning.py [IMAGES] [--trials N] [--sweep DIR] [--pruner NAME]`: IMAGES is a folder with one
sub-folder of images a class (default: the real images beside a checkout). The last layer is trained on frozen ImageNet
features of mobilenet_v2. DIR is a whole sweep that was trained before.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from skinlab.schema import Pruning
from skinlab.sweeps.pruning import Other, curve_of, verdict
from skinlab.sweeps.state import Sweep

ROOT = Path(__file__).resolve().parent.parent
EPOCHS = 27
DECLARED = (
    *("network=mobilenet_v2", "network.weights=imagenet", "method=head", f"training.epochs={EPOCHS}"),
    *("training.schedule.name=cosine", "evaluation.bootstrap=100", "engine=torch", "engine.threads=1"),
    *("sweep=random", "optimizer.learning_rate=tag(log,interval(1e-4,1))", "network.dropout=interval(0,0.8)"),
    *("optimizer.minibatch_size=16,32,64", "dataset=folder"),
)
PRUNERS, PARALLEL = ("median", "hyperband", "patience"), (1, 4)
SETTINGS = Pruning(warmup_epochs=1, startup_trials=5, patience=3, reduction=3)
"""As in conf/sweep."""


def searched(folder, *words):
    """A sweep that was trained."""
    command = [sys.executable, "-m", "skinlab", "train", "-m", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return Sweep.open(max(folder.rglob("sweep.json"), key=lambda file: file.stat().st_mtime).parent)


def decided(curves, pruner, parallel):
    """Epochs that each trial is trained for."""
    kept = []
    for number, curve in enumerate(curves):
        others = [Other(of, kept[of]) for of in range(number // parallel * parallel)]
        ends = (e for e in range(1, EPOCHS) if verdict(pruner, SETTINGS, EPOCHS, number, curve[:e], others))
        kept.append(curve[: next(ends, EPOCHS)])
    return [len(curve) for curve in kept]


def told(name, epochs, values):
    """A line of the table."""
    ended = [number for number, trained in enumerate(epochs) if trained < EPOCHS]
    best = min(value for number, value in enumerate(values) if number not in ended)
    would = [values[number] for number in ended]
    won, first = sum(value < best for value in would), min(would, default=float("nan"))
    saved = 1 - sum(epochs) / (EPOCHS * len(epochs))
    print(f"{name:<24}{len(ended):8}{sum(epochs):8}{saved:8.0%}{best:12.4f}{won:12}{first:20.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, nargs="?", default=ROOT.parent / "shared" / "data" / "isic2017")
    parser.add_argument("--trials", type=int, default=36)
    parser.add_argument("--sweep", type=Path)
    parser.add_argument("--pruner", choices=PRUNERS)
    options = parser.parse_args()
    words = (*DECLARED, f"dataset.path={options.images.resolve()}", f"sweep.trials={options.trials}")
    with tempfile.TemporaryDirectory() as temporary:
        whole = Sweep.open(options.sweep) if options.sweep else searched(Path(temporary), *words)
        curves = [curve_of(whole, trial, "loss") for trial in whole.trials]
        values = [trial.values[0] for trial in whole.trials]
        print(f"{len(values)} points of a random search, {EPOCHS} epochs each; the loss on validation")
        print("pruner                    pruned  epochs   saved   best loss   would have won   best of the pruned")
        told("none", [EPOCHS] * len(values), values)
        for pruner in PRUNERS:
            for parallel in PARALLEL:
                told(f"{pruner}, {parallel} at a time", decided(curves, pruner, parallel), values)
        if options.pruner:
            real = searched(Path(temporary), *words, f"sweep.pruner={options.pruner}")
            told(f"{options.pruner}, trained", [trial.epochs for trial in real.trials], values)


if __name__ == "__main__":
    main()
